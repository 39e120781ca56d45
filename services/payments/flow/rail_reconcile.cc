#include "services/payments/flow/rail_reconcile.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"
#include "services/payments/domain/chart_of_accounts.h"
#include "services/payments/flow/settlement.h"

namespace florin::payments {
namespace {

constexpr int kAtOnce = 500;
constexpr absl::Duration kTick = absl::Microseconds(1);

void Log(const std::vector<Discrepancy>& found) {
  for (const Discrepancy& one : found) {
    telemetry::Log(telemetry::Severity::kError, "payments and a rail do not agree",
                   {{"discrepancy_id", FormatId(IdKind::kDiscrepancy, one.discrepancy_id)},
                    {"kind", std::string(NameOf(one.kind))},
                    {"rail", one.rail},
                    {"payment_id", FormatId(IdKind::kPayment, one.payment_id)},
                    {"at_risk_minor", std::to_string(one.at_risk_minor)},
                    {"currency", one.currency ? std::string(one.currency->code()) : ""}});
  }
}

std::string SettlementAccountOf(const SettlementSums& sums) {
  return FormatId(IdKind::kAccount, HouseAccountId({Role::kNostro, sums.currency}));
}

RailSubject SubjectOf(const Discrepancy& discrepancy) {
  RailSubject subject{.deposit_id = discrepancy.deposit_id};
  if (subject.deposit_id.empty()) subject.payout_id = discrepancy.payment_id;
  return subject;
}

}  // namespace

Task<absl::Status> RailReconcile::ReadStatement(const std::string& name, Rail& rail) {
  absl::StatusOr<RailProgress> progress = co_await lines_.ProgressOf(name);
  if (!progress.ok()) co_return progress.status();
  std::string cursor = progress->cursor;
  while (true) {
    absl::StatusOr<RailStatement> page = co_await rail.Statement(cursor, kAtOnce);
    if (!page.ok()) co_return page.status();
    if (page->entries.empty()) co_return absl::OkStatus();
    progress = co_await lines_.KeepStatement(name, std::move(cursor), *std::move(page));
    if (!progress.ok()) co_return progress.status();
    cursor = progress->cursor;
  }
}

Task<absl::Status> RailReconcile::CompareAll(const std::string& name,
                                             std::vector<RailSubject> subjects,
                                             RailReconcileResult& result) {
  const absl::StatusOr<std::vector<RailCase>> cases =
      co_await lines_.CasesOf(name, std::move(subjects));
  if (!cases.ok()) co_return cases.status();
  const absl::Time now = NowInMicroseconds(clock_);
  std::vector<Discrepancy> found;
  std::set<Uuid> known;  // Two lines of one payout find the same.
  for (const RailCase& one : *cases) {
    for (Discrepancy& discrepancy : Match(one, now)) {
      if (known.insert(discrepancy.discrepancy_id).second) found.push_back(std::move(discrepancy));
    }
  }
  if (found.empty()) co_return absl::OkStatus();
  Log(found);
  result.found += static_cast<std::int64_t>(found.size());
  co_return (co_await discrepancies_.OpenDiscrepancies(std::move(found), now)).status();
}

// What is found is open before the walk goes on: a crash in between only finds it again.
Task<absl::Status> RailReconcile::CompareLines(const std::string& name,
                                               RailReconcileResult& result) {
  absl::StatusOr<RailProgress> progress = co_await lines_.ProgressOf(name);
  if (!progress.ok()) co_return progress.status();
  const absl::Time until = NowInMicroseconds(clock_) - kMatchAfter;
  bool more = true;
  while (more && progress->compared_lines < progress->kept_lines) {
    absl::StatusOr<std::vector<RailSubject>> lines =
        co_await lines_.LinesAfter(name, progress->compared_lines, kAtOnce);
    if (!lines.ok()) co_return lines.status();
    const auto young = std::ranges::find_if(
        *lines, [until](const RailSubject& line) { return line.time > until; });
    more = young == lines->end();
    lines->erase(young, lines->end());
    const auto compared = static_cast<std::int64_t>(lines->size());
    if (compared == 0) co_return absl::OkStatus();
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareAll(name, *std::move(lines), result));
    progress->compared_lines += compared;
    result.lines += compared;
    RailProgress reached = *progress;
    const absl::StatusOr<int> recorded = co_await lines_.RecordCompared(name, std::move(reached));
    if (!recorded.ok()) co_return recorded.status();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RailReconcile::ComparePayouts(const std::string& name,
                                                 RailReconcileResult& result) {
  absl::StatusOr<RailProgress> progress = co_await lines_.ProgressOf(name);
  if (!progress.ok()) co_return progress.status();
  const absl::Time until = NowInMicroseconds(clock_) - kStatementWithin;
  while (true) {
    absl::StatusOr<std::vector<RailSubject>> payouts =
        co_await lines_.ExecutedPayouts(name, progress->payouts_until, until, kAtOnce);
    if (!payouts.ok()) co_return payouts.status();
    if (payouts->empty()) co_return absl::OkStatus();
    progress->payouts_until = payouts->back().time + kTick;
    result.payouts += static_cast<std::int64_t>(payouts->size());
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareAll(name, *std::move(payouts), result));
    RailProgress reached = *progress;
    const absl::StatusOr<int> recorded = co_await lines_.RecordCompared(name, std::move(reached));
    if (!recorded.ok()) co_return recorded.status();
  }
}

Task<absl::Status> RailReconcile::CompareDeposits(const std::string& name,
                                                  RailReconcileResult& result) {
  absl::StatusOr<RailProgress> progress = co_await lines_.ProgressOf(name);
  if (!progress.ok()) co_return progress.status();
  const absl::Time until = NowInMicroseconds(clock_) - kStatementWithin;
  while (true) {
    absl::StatusOr<std::vector<RailSubject>> deposits =
        co_await lines_.ReceivedDeposits(name, progress->deposits_until, until, kAtOnce);
    if (!deposits.ok()) co_return deposits.status();
    if (deposits->empty()) co_return absl::OkStatus();
    progress->deposits_until = deposits->back().time + kTick;
    result.deposits += static_cast<std::int64_t>(deposits->size());
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareAll(name, *std::move(deposits), result));
    RailProgress reached = *progress;
    const absl::StatusOr<int> recorded = co_await lines_.RecordCompared(name, std::move(reached));
    if (!recorded.ok()) co_return recorded.status();
  }
}

Task<absl::StatusOr<std::vector<Uuid>>> RailReconcile::AgreedOf(
    const std::vector<KeptDiscrepancy>& open) {
  std::map<std::string, std::vector<RailSubject>> subjects;  // By rail.
  std::map<std::string, std::vector<Discrepancy>> about;     // In the same order.
  for (const KeptDiscrepancy& kept : open) {
    const Discrepancy& one = kept.discrepancy;
    // That of the settlement account is looked at by itself.
    if (!IsOfRails(one.kind) || one.rail.empty()) continue;
    subjects[one.rail].push_back(SubjectOf(one));
    about[one.rail].push_back(one);
  }
  std::vector<Uuid> agreed;
  for (auto& [rail, its] : subjects) {
    const absl::StatusOr<std::vector<RailCase>> cases =
        co_await lines_.CasesOf(rail, std::move(its));
    if (!cases.ok()) co_return cases.status();
    for (std::size_t i = 0; i < cases->size(); ++i) {
      const Uuid& id = about[rail][i].discrepancy_id;
      const std::vector<Discrepancy> still = Match((*cases)[i], NowInMicroseconds(clock_));
      if (std::ranges::count(still, id, &Discrepancy::discrepancy_id) == 0) agreed.push_back(id);
    }
  }
  co_return agreed;
}

Task<absl::Status> RailReconcile::LookAgain(RailReconcileResult& result) {
  std::optional<Uuid> before;
  while (true) {
    const absl::StatusOr<std::vector<KeptDiscrepancy>> open =
        co_await discrepancies_.ListDiscrepancies(DiscrepancyState::kOpen, before, kAtOnce);
    if (!open.ok()) co_return open.status();
    if (open->empty()) co_return absl::OkStatus();
    before = open->back().discrepancy.discrepancy_id;
    absl::StatusOr<std::vector<Uuid>> agreed = co_await AgreedOf(*open);
    if (!agreed.ok()) co_return agreed.status();
    const absl::StatusOr<int> recorded =
        co_await discrepancies_.Agree(*std::move(agreed), NowInMicroseconds(clock_));
    if (!recorded.ok()) co_return recorded.status();
    result.agreed += *recorded;
  }
}

Task<absl::StatusOr<std::map<std::string, std::int64_t>>> RailReconcile::SettlementBalances(
    const std::vector<SettlementSums>& sums) {
  ledger::v1::GetAccountsRequest request;
  request.set_book(book_);
  for (const SettlementSums& one : sums) request.add_account_ids(SettlementAccountOf(one));
  rpc::Outgoing context;
  context.route = book_;
  const absl::StatusOr<ledger::v1::GetAccountsResponse> response =
      co_await reader_.GetAccounts(std::move(context), request);
  if (!response.ok()) co_return response.status();
  std::map<std::string, std::int64_t> balances;
  for (const ledger::v1::Account& account : response->accounts()) {
    balances[account.account_id()] = account.debits_posted() - account.credits_posted();
  }
  co_return balances;
}

// What is booked between the two looks at the ledger may or may not be among the sums: then it is
// left to the next round.
Task<absl::Status> RailReconcile::CompareSettlement(RailReconcileResult& result) {
  absl::StatusOr<std::vector<SettlementSums>> sums = co_await lines_.SettlementSumsOf();
  if (!sums.ok()) co_return sums.status();
  if (sums->empty()) co_return absl::OkStatus();
  absl::StatusOr<std::map<std::string, std::int64_t>> before = co_await SettlementBalances(*sums);
  if (!before.ok()) co_return before.status();
  sums = co_await lines_.SettlementSumsOf();
  if (!sums.ok()) co_return sums.status();
  absl::StatusOr<std::map<std::string, std::int64_t>> after = co_await SettlementBalances(*sums);
  if (!after.ok()) co_return after.status();
  std::vector<Discrepancy> found;
  std::vector<Uuid> agreed;
  for (const SettlementSums& one : *sums) {
    const std::string account = SettlementAccountOf(one);
    const std::int64_t balance = (*after)[account];
    const std::int64_t beyond = balance - one.statement_minor;
    telemetry::SetGauge("florin_payments_settlement_difference_minor",
                        {{"currency", std::string(one.currency.code())}},
                        static_cast<double>(beyond));  // Of a gauge, which is for eyes.
    if ((*before)[account] != balance) continue;
    std::optional<Discrepancy> differs = MatchSettlement(one, balance);
    if (differs) {
      found.push_back(*std::move(differs));
    } else {
      const HouseAccount nostro{Role::kNostro, one.currency};
      agreed.push_back(
          DiscrepancyIdOf(DiscrepancyKind::kSettlementDiffers, HouseAccountId(nostro)));
    }
  }
  Log(found);
  result.found += static_cast<std::int64_t>(found.size());
  const absl::Time now = NowInMicroseconds(clock_);
  const absl::StatusOr<int> opened =
      co_await discrepancies_.OpenDiscrepancies(std::move(found), now);
  if (!opened.ok()) co_return opened.status();
  const absl::StatusOr<int> recorded = co_await discrepancies_.Agree(std::move(agreed), now);
  if (!recorded.ok()) co_return recorded.status();
  result.agreed += *recorded;
  co_return absl::OkStatus();
}

Task<absl::StatusOr<RailReconcileResult>> RailReconcile::RunOnce() {
  RailReconcileResult result;
  for (const auto& [name, rail] : rails_) {
    FLORIN_CO_RETURN_IF_ERROR(co_await ReadStatement(name, *rail));
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareLines(name, result));
    FLORIN_CO_RETURN_IF_ERROR(co_await ComparePayouts(name, result));
    FLORIN_CO_RETURN_IF_ERROR(co_await CompareDeposits(name, result));
  }
  FLORIN_CO_RETURN_IF_ERROR(co_await LookAgain(result));
  FLORIN_CO_RETURN_IF_ERROR(co_await CompareSettlement(result));
  co_return result;
}

}  // namespace florin::payments
