#include "services/accounts/flow/customer_changes.h"

#include <utility>

#include "absl/time/time.h"
#include "libs/clock/microseconds.h"

namespace florin::accounts {
namespace {

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

absl::StatusOr<Decided> WithProfile(const CustomerRecord& before,
                                    const CustomerChanges::ProfileUpdate& update,
                                    absl::CivilDay today) {
  FLORIN_RETURN_IF_ERROR(CheckNotErased(before.customer.state));
  FLORIN_ASSIGN_OR_RETURN(Profile profile, Merge(before.profile, update.given, update.mask));
  const bool identity_changes = IdentityDiffers(before.profile, profile);
  const Circumstances now{.leaving = before.leaving_to.has_value(),
                          .verification_pending = before.verification_pending,
                          .identity_changes = identity_changes};
  FLORIN_RETURN_IF_ERROR(
      NextState(before.customer.state, CustomerEvent::kUpdateProfile, Cause::kOwner, now).status());
  FLORIN_RETURN_IF_ERROR(CheckProfile(profile, today));
  Decided decided{.after = before};
  decided.details["fields"] = Joined(FieldsThatDiffer(before.profile, profile));
  decided.after.profile = std::move(profile);
  if (identity_changes) {
    KycLevel& level = decided.after.customer.kyc_level;
    level = NextLevel(level, KycEvent::kIdentityChanged);
    decided.details["kyc_level"] = NameOf(level);
  }
  return decided;
}

}  // namespace

audit::Event CustomerChanges::EventOf(std::string action, std::string subject,
                                      const Acting& acting) {
  audit::Event event;
  event.event_id = ids_.NewId();
  event.time = InMicroseconds(clock_.Now());
  event.action = std::move(action);
  event.actor = FormatId(IdKind::kUser, acting.user_id);
  event.subject = std::move(subject);
  event.origin = acting.origin;
  return event;
}

Task<absl::StatusOr<CustomerRecord>> CustomerChanges::UpdateProfile(ProfileUpdate update) {
  const absl::CivilDay today = absl::ToCivilDay(clock_.Now(), absl::UTCTimeZone());
  const Acting acting{.user_id = update.user_id, .origin = update.origin};
  audit::Event event =
      EventOf("accounts.customer.update", FormatId(IdKind::kCustomer, update.customer_id), acting);
  const CustomerRef ref{.user_id = update.user_id, .customer_id = update.customer_id};
  Decide decide = [&update, today](const CustomerRecord& before) {
    return WithProfile(before, update, today);
  };
  co_return co_await store_.Change(ref, std::move(decide), std::move(event));
}

Task<absl::StatusOr<Customer>> CustomerChanges::Operate(Acting acting, Uuid customer_id,
                                                        CustomerEvent what) {
  audit::Event event = EventOf("accounts.customer." + std::string(NameOf(what)),
                               FormatId(IdKind::kCustomer, customer_id), acting);
  Decide decide = [&acting, what](const CustomerRecord& before) -> absl::StatusOr<Decided> {
    if (before.customer.user_id == acting.user_id) {
      return Error(Reason::kSelfApproval, "nobody decides on themselves");
    }
    const Circumstances now{.leaving = before.leaving_to.has_value()};
    Decided decided{.after = before};
    FLORIN_ASSIGN_OR_RETURN(decided.after.customer.state,
                            NextState(before.customer.state, what, Cause::kOperator, now));
    return decided;
  };
  const CustomerRef ref{.user_id = std::nullopt, .customer_id = customer_id};
  absl::StatusOr<CustomerRecord> after =
      co_await store_.Change(ref, std::move(decide), std::move(event));
  if (!after.ok()) co_return after.status();
  co_return std::move(after->customer);
}

Task<absl::StatusOr<std::vector<Customer>>> CustomerChanges::Find(Acting acting, Contact contact) {
  const bool by_email = !contact.email.empty();
  const std::optional<std::string> wanted =
      by_email ? NormalizeEmail(contact.email) : NormalizePhone(contact.phone);
  if (!wanted || (by_email && !contact.phone.empty())) {
    co_return Error(Reason::kInvalidPersonalData, "one e-mail address, or one phone number",
                    {.param = by_email ? "email" : "phone"});
  }
  absl::StatusOr<std::vector<Customer>> found = std::vector<Customer>();
  if (by_email) {
    found = co_await store_.FindByEmail(*wanted);
  } else {
    found = co_await store_.FindByPhone(*wanted);
  }
  if (!found.ok()) co_return found.status();
  std::vector<std::string> subjects;
  for (const Customer& customer : *found) {
    subjects.push_back(FormatId(IdKind::kCustomer, customer.customer_id));
  }
  if (subjects.empty()) subjects.emplace_back();  // That they looked is an event, too.
  for (std::string& subject : subjects) {
    audit::Event event = EventOf("accounts.customer.find", std::move(subject), acting);
    event.details = {{"by", by_email ? "email" : "phone"},
                     {"found", std::to_string(found->size())}};
    FLORIN_CO_RETURN_IF_ERROR(co_await recorder_.Record(std::move(event)));
  }
  co_return found;
}

Task<absl::StatusOr<CustomerChanges::Export>> CustomerChanges::ExportAll(Acting acting,
                                                                         Uuid customer_id) {
  const CustomerRef ref{.user_id = acting.user_id, .customer_id = customer_id};
  absl::StatusOr<CustomerRecord> record = co_await store_.Get(ref);
  if (!record.ok()) co_return record.status();
  FLORIN_CO_RETURN_IF_ERROR(
      NextState(record->customer.state, CustomerEvent::kExport, Cause::kOwner).status());
  absl::StatusOr<std::vector<Account>> accounts =
      co_await store_.ListAccountsOf(acting.user_id, customer_id);
  if (!accounts.ok()) co_return accounts.status();
  absl::StatusOr<std::vector<Verification>> verifications =
      co_await store_.ListVerifications(acting.user_id, customer_id);
  if (!verifications.ok()) co_return verifications.status();
  audit::Event event =
      EventOf("accounts.customer.export", FormatId(IdKind::kCustomer, customer_id), acting);
  FLORIN_CO_RETURN_IF_ERROR(co_await recorder_.Record(std::move(event)));
  co_return Export{.record = *std::move(record),
                   .accounts = *std::move(accounts),
                   .verifications = *std::move(verifications)};
}

}  // namespace florin::accounts
