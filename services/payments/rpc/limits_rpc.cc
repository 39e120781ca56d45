#include "services/payments/rpc/limits_rpc.h"

#include <utility>

#include "libs/audit/call_origin.h"
#include "libs/paging/paging.h"
#include "libs/rpc/timestamp.h"
#include "libs/rpc/user_of.h"
#include "libs/telemetry/log.h"
#include "services/payments/flow/agreement.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

constexpr std::string_view kChangeKind = "payments.limit";

absl::Status Invalid(const char* param, const char* what) {
  return Error(Reason::kInvalidLimit, what, {.param = param});
}

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
v1::Limit::Scope ToProto(LimitScope scope) {
  return static_cast<v1::Limit::Scope>(static_cast<int>(scope) + 1);
}
v1::Limit::Measure ToProto(LimitMeasure measure) {
  return static_cast<v1::Limit::Measure>(static_cast<int>(measure) + 1);
}
v1::Limit::KycLevel ToProto(KycLevel level) {
  return static_cast<v1::Limit::KycLevel>(static_cast<int>(level) + 1);
}
static_assert(v1::Limit::COUNTRY == static_cast<int>(LimitScope::kCountry) + 1);
static_assert(v1::Limit::COUNT == static_cast<int>(LimitMeasure::kCount) + 1);
static_assert(v1::Limit::FULL == static_cast<int>(KycLevel::kFull) + 1);

std::int64_t SecondsOf(const Limit& limit) {
  return limit.window ? absl::ToInt64Seconds(*limit.window) : 0;
}

v1::Limit ToProto(const Limit& limit) {
  v1::Limit proto;
  proto.set_limit_id(FormatId(IdKind::kLimit, limit.limit_id));
  proto.set_scope(ToProto(limit.scope));
  if (limit.subject && limit.scope == LimitScope::kAccount) {
    proto.set_account_id(FormatId(IdKind::kAccount, *limit.subject));
  } else if (limit.subject) {
    proto.set_user_id(FormatId(IdKind::kUser, *limit.subject));
  }
  proto.set_country(limit.country);
  if (limit.kyc_level) proto.set_kyc_level(ToProto(*limit.kyc_level));
  proto.set_currency(std::string(limit.currency.code()));
  proto.set_measure(ToProto(limit.measure));
  proto.set_window_seconds(SecondsOf(limit));
  proto.set_maximum(limit.maximum());
  proto.set_removed(limit.removed);
  SetTime(limit.create_time, *proto.mutable_create_time());
  SetTime(limit.update_time, *proto.mutable_update_time());
  return proto;
}

v1::Allowance AllowanceOf(const Limit& limit, std::int64_t remaining) {
  v1::Allowance proto;
  proto.set_limit_id(FormatId(IdKind::kLimit, limit.limit_id));
  proto.set_scope(ToProto(limit.scope));
  proto.set_currency(std::string(limit.currency.code()));
  proto.set_measure(ToProto(limit.measure));
  proto.set_window_seconds(SecondsOf(limit));
  proto.set_maximum(limit.maximum());
  proto.set_remaining(remaining);
  return proto;
}

// Whom the limit is about, if not everybody.
absl::StatusOr<std::optional<Uuid>> ParseSubject(const v1::CreateLimitRequest& request) {
  const bool account = request.scope() == v1::Limit::ACCOUNT;
  if (account && !request.user_id().empty()) {
    return Invalid("user_id", "a limit of accounts is about an account");
  }
  if (!account && !request.account_id().empty()) {
    return Invalid("account_id", "only of a limit of accounts");
  }
  const std::string& text = account ? request.account_id() : request.user_id();
  if (text.empty()) return std::optional<Uuid>();
  FLORIN_ASSIGN_OR_RETURN(const Uuid subject, ParseId(account ? IdKind::kAccount : IdKind::kUser,
                                                      text, account ? "account_id" : "user_id"));
  return std::optional<Uuid>(subject);
}

// All but its id and times.
absl::StatusOr<Limit> ParseLimit(const v1::CreateLimitRequest& request) {
  if (request.scope() < v1::Limit::USER || request.scope() > v1::Limit::COUNTRY) {
    return Invalid("scope", "USER, ACCOUNT, PAYEE or COUNTRY");
  }
  if (request.measure() != v1::Limit::AMOUNT && request.measure() != v1::Limit::COUNT) {
    return Invalid("measure", "AMOUNT or COUNT");
  }
  if (request.kyc_level() < v1::Limit::KYC_LEVEL_UNSPECIFIED ||
      request.kyc_level() > v1::Limit::FULL) {
    return Invalid("kyc_level", "NONE, BASIC or FULL, or none of them");
  }
  if (!request.has_maximum()) return Invalid("maximum", "is needed");
  const absl::StatusOr<Currency> currency = Currency::Parse(request.currency());
  if (!currency.ok()) {
    return Error(Reason::kUnknownCurrency, "not an ISO 4217 code", {.param = "currency"});
  }
  Limit limit{.scope = static_cast<LimitScope>(request.scope() - 1),
              .country = request.country(),
              .currency = *currency,
              .measure = static_cast<LimitMeasure>(request.measure() - 1),
              .maxima = {request.maximum()}};
  FLORIN_ASSIGN_OR_RETURN(limit.subject, ParseSubject(request));
  if (request.kyc_level() != v1::Limit::KYC_LEVEL_UNSPECIFIED) {
    limit.kyc_level = static_cast<KycLevel>(request.kyc_level() - 1);
  }
  if (request.window_seconds() != 0) limit.window = absl::Seconds(request.window_seconds());
  FLORIN_RETURN_IF_ERROR(CheckLimit(limit));
  return limit;
}

// What two people agree on: canonical JSON (RFC 8785). Ids, codes and names need no escapes.
std::string PayloadOf(const v1::CreateLimitRequest& request) {
  const std::string country =
      request.country().empty() ? "" : R"("country":")" + request.country() + R"(",)";
  return R"({"account_id":")" + request.account_id() + R"(",)" + country + R"("currency":")" +
         request.currency() + R"(","kyc_level":")" + v1::Limit::KycLevel_Name(request.kyc_level()) +
         R"(","maximum":")" + std::to_string(request.maximum()) + R"(","measure":")" +
         v1::Limit::Measure_Name(request.measure()) + R"(","scope":")" +
         v1::Limit::Scope_Name(request.scope()) + R"(","user_id":")" + request.user_id() +
         R"(","window_seconds":")" + std::to_string(request.window_seconds()) + R"("})";
}

std::string PayloadOf(const v1::ChangeLimitRequest& request) {
  return R"({"limit_id":")" + request.limit_id() + R"(","maximum":")" +
         std::to_string(request.maximum()) + R"("})";
}

std::string PayloadOf(const v1::RemoveLimitRequest& request) {
  return R"({"limit_id":")" + request.limit_id() + R"(","removed":true})";
}

}  // namespace

Task<absl::Status> LimitsRpc::Consume(rpc::Call& call, std::string payload,
                                      std::string proposal_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  FLORIN_CO_RETURN_IF_ERROR(ParseId(IdKind::kProposal, proposal_id, "proposal_id").status());
  const std::string name = FormatId(IdKind::kUser, user) + " " + call.idempotency_key();
  Agreement agreement{.proposal_id = std::move(proposal_id),
                      .kind = std::string(kChangeKind),
                      .payload = std::move(payload),
                      .execution_id = DeriveId("florin.payments.limit_change", name).ToString()};
  rpc::Outgoing context = call.AsService();
  co_return co_await payments::Consume(proposals_, std::move(context), std::move(agreement));
}

Task<absl::StatusOr<v1::Limit>> LimitsRpc::Change(rpc::Call& call, LimitChange change,
                                                  std::string payload, std::string proposal_id) {
  FLORIN_CO_RETURN_IF_ERROR(co_await Consume(call, payload, std::move(proposal_id)));
  FLORIN_CO_ASSIGN_OR_RETURN(change.user_id, UserOf(call));
  change.idempotency_key = call.idempotency_key();
  change.fingerprint = crypto::Sha256(payload);
  change.time = NowInMicroseconds(clock_);
  if (change.limit) change.limit->create_time = change.limit->update_time = change.time;
  change.origin = audit::OriginOfCall(call);
  const absl::StatusOr<StoredLimit> stored = co_await store_.ChangeLimit(std::move(change));
  if (!stored.ok()) co_return stored.status();
  if (!stored->same_request) {
    co_return Error(Reason::kIdempotencyKeyReused, "the key stands for another request");
  }
  if (stored->replayed) call.MarkReplayed();
  // Here it binds at once; elsewhere, and if this fails, soon.
  const absl::Status refreshed = co_await limits_.Refresh();
  if (!refreshed.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "limits not read after a change",
                   {{"error", std::string(refreshed.message())}});
  }
  co_return ToProto(stored->limit);
}

Task<absl::StatusOr<v1::Limit>> LimitsRpc::CreateLimit(rpc::Call& call,
                                                       const v1::CreateLimitRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(Limit limit, ParseLimit(request));
  limit.limit_id = ids_.NewId();
  LimitChange change{.kind = LimitChange::Kind::kCreate, .limit = std::move(limit)};
  co_return co_await Change(call, std::move(change), PayloadOf(request), request.proposal_id());
}

Task<absl::StatusOr<v1::Limit>> LimitsRpc::ChangeLimit(rpc::Call& call,
                                                       const v1::ChangeLimitRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kLimit, request.limit_id(), "limit_id"));
  if (!request.has_maximum()) co_return Invalid("maximum", "is needed");
  FLORIN_CO_RETURN_IF_ERROR(CheckMaximum(request.maximum()));
  LimitChange change{
      .kind = LimitChange::Kind::kSetMaximum, .limit_id = id, .maximum = request.maximum()};
  co_return co_await Change(call, std::move(change), PayloadOf(request), request.proposal_id());
}

Task<absl::StatusOr<v1::Limit>> LimitsRpc::RemoveLimit(rpc::Call& call,
                                                       const v1::RemoveLimitRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid id,
                             ParseId(IdKind::kLimit, request.limit_id(), "limit_id"));
  LimitChange change{.kind = LimitChange::Kind::kRemove, .limit_id = id};
  co_return co_await Change(call, std::move(change), PayloadOf(request), request.proposal_id());
}

Task<absl::StatusOr<v1::ListLimitsResponse>> LimitsRpc::ListLimits(
    rpc::Call&, const v1::ListLimitsRequest& request) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Page page, ParsePage(request.page_size(), request.page_token()));
  absl::StatusOr<std::vector<Limit>> limits = co_await store_.ListLimits(NowInMicroseconds(clock_));
  if (!limits.ok()) co_return limits.status();
  std::vector<Limit> shown;
  for (Limit& limit : *limits) {
    if (page.after && limit.limit_id <= *page.after) continue;
    shown.push_back(std::move(limit));
    if (shown.size() > static_cast<std::size_t>(page.size)) break;
  }
  v1::ListLimitsResponse response;
  response.set_next_page_token(
      CutPage(page, shown, [](const Limit& limit) { return limit.limit_id; }));
  for (const Limit& limit : shown) *response.add_limits() = ToProto(limit);
  co_return response;
}

Task<absl::StatusOr<LimitsRpc::Payer>> LimitsRpc::FindPayer(const rpc::Call& call,
                                                            std::string account_id,
                                                            std::string destination_account_id) {
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid user, UserOf(call));
  Payer payer{.user_id = user};
  if (!destination_account_id.empty()) {
    FLORIN_CO_ASSIGN_OR_RETURN(
        payer.destination_account_id,
        ParseId(IdKind::kAccount, destination_account_id, "destination_account_id"));
  }
  if (account_id.empty()) co_return payer;
  FLORIN_CO_ASSIGN_OR_RETURN(const Uuid account,
                             ParseId(IdKind::kAccount, account_id, "account_id"));
  rpc::Outgoing context = call.AsService();
  std::vector<Uuid> ids = {account};
  absl::StatusOr<std::vector<std::optional<KnownAccount>>> found =
      co_await accounts_.LookUp(std::move(context), std::move(ids));
  if (!found.ok()) co_return found.status();
  payer.account = std::move(found->front());
  if (!payer.account || payer.account->owner_user_id != user) {
    co_return Error(Reason::kAccountNotFound, "no such account", {.param = "account_id"});
  }
  co_return payer;
}

Task<absl::StatusOr<v1::ListAllowancesResponse>> LimitsRpc::ListAllowances(
    rpc::Call& call, const v1::ListAllowancesRequest& request) {
  absl::StatusOr<Payer> payer =
      co_await FindPayer(call, request.account_id(), request.destination_account_id());
  if (!payer.ok()) co_return payer.status();
  absl::StatusOr<std::shared_ptr<const LimitTable>> table = co_await limits_.Current();
  if (!table.ok()) co_return table.status();
  const Uuid account = payer->account ? payer->account->account_id : Uuid();
  const Uuid& destination = payer->destination_account_id;
  std::vector<Limit> limits = (*table)->Of(payer->user_id, account);
  std::erase_if(limits, [&](const Limit& limit) {
    if (limit.scope == LimitScope::kPayee && destination.is_nil()) return true;
    // It would tell where the payee lives.
    if (limit.scope == LimitScope::kCountry) return true;
    if (payer->account) {
      return !IsAbout(limit, payer->user_id, account, payer->account->kyc_level,
                      payer->account->currency);
    }
    return limit.scope == LimitScope::kAccount || limit.kyc_level.has_value();
  });
  std::vector<Uuid> buckets;
  for (const Limit& limit : limits) {
    buckets.push_back(ControlAccountOf(limit, payer->user_id, account, destination));
  }
  const absl::StatusOr<std::vector<std::int64_t>> held =
      co_await buckets_.HeldOf(std::move(buckets));
  if (!held.ok()) co_return held.status();
  v1::ListAllowancesResponse response;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Limit& limit = limits[i];
    const std::int64_t left = limit.window ? RemainingOf(limit, (*held)[i]) : limit.maximum();
    *response.add_allowances() = AllowanceOf(limit, left);
  }
  co_return response;
}

}  // namespace florin::payments
