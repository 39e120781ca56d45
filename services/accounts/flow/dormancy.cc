#include "services/accounts/flow/dormancy.h"

#include <utility>

#include "libs/clock/microseconds.h"
#include "libs/rpc/timestamp.h"
#include "libs/telemetry/log.h"
#include "services/accounts/domain/books.h"
#include "services/accounts/domain/interest_plan.h"

namespace florin::accounts {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr int kPage = 100;
// Of entries; most accounts' last one is nobody's doing but their owner's.
constexpr int kEntriesAtOnce = 20;

}  // namespace

Task<absl::StatusOr<int>> Dormancy::RunOnce() {
  const absl::Time now = InMicroseconds(clock_.Now());
  if (after_ <= absl::ZeroDuration() || now < next_run_) co_return 0;
  absl::StatusOr<int> asleep = co_await LookAtAll(now);
  if (!asleep.ok()) {
    telemetry::Log(telemetry::Severity::kWarning, "dormant accounts were not all found",
                   {{"error", std::string(asleep.status().message())}});
    co_return asleep.status();
  }
  next_run_ = now + kDay;
  co_return asleep;
}

Task<absl::StatusOr<int>> Dormancy::LookAtAll(absl::Time now) {
  int asleep = 0;
  std::optional<Uuid> after;
  while (true) {
    const absl::StatusOr<std::vector<AccountRecord>> page =
        co_await store_.ListAwake(after, now - after_, kPage);
    if (!page.ok()) co_return page.status();
    if (page->empty()) break;
    for (const AccountRecord& record : *page) {
      const absl::StatusOr<bool> one = co_await LookAt(record, now);
      if (!one.ok()) co_return one.status();
      asleep += *one ? 1 : 0;
    }
    after = page->back().account.account_id;
  }
  if (asleep == 0) co_return 0;
  rpc::Outgoing context;
  FreezesOf everybodys;
  FLORIN_CO_RETURN_IF_ERROR(co_await telling_.Run(std::move(context), std::move(everybodys)));
  co_return asleep;
}

Task<absl::StatusOr<bool>> Dormancy::LookAt(const AccountRecord& record, absl::Time now) {
  const Uuid account_id = record.account.account_id;
  const absl::StatusOr<absl::Time> last = co_await LastEntryTime(record.account);
  if (!last.ok()) co_return last.status();
  if (!IsAsleep(record.account.create_time, *last, record.standing.wake_time, after_, now)) {
    co_return false;
  }
  DecideAccount decide = [&record](const AccountRecord& before) -> absl::StatusOr<AccountDecided> {
    AccountDecided decided{.after = before.standing};
    if (before.standing != record.standing) return decided;  // Something has happened meanwhile.
    const AccountCircumstances circumstances{.customer_active = before.customer_active};
    FLORIN_ASSIGN_OR_RETURN(
        decided.after.life,
        NextLife(before.standing.life, AccountEvent::kFallAsleep, Cause::kService, circumstances));
    return decided;
  };
  audit::Event event;
  event.event_id = ids_.NewId();
  event.time = now;
  event.action = "accounts.account." + std::string(NameOf(AccountEvent::kFallAsleep));
  event.actor = "accounts";
  event.subject = FormatId(IdKind::kAccount, account_id);
  const AccountRef ref{.user_id = std::nullopt, .account_id = account_id};
  const absl::StatusOr<AccountRecord> changed =
      co_await store_.ChangeAccount(ref, std::move(decide), std::move(event));
  if (changed.ok()) co_return changed->standing.life == AccountLife::kDormant;
  // Its customer is leaving, or gone.
  const auto reason = ReasonOf(changed.status());
  const bool gone = reason == Reason::kCustomerNotActive || reason == Reason::kAccountNotFound;
  if (gone) co_return false;
  co_return changed.status();
}

Task<absl::StatusOr<absl::Time>> Dormancy::LastEntryTime(const Account& account) {
  const std::string& book = BookOf(account, book_);
  ledger::v1::ListEntriesRequest ask;
  ask.set_book(book);
  ask.set_account_id(FormatId(IdKind::kAccount, account.account_id));
  ask.set_page_size(kEntriesAtOnce);
  rpc::Outgoing context;
  context.route = book;
  bool more = true;
  while (more) {
    const absl::StatusOr<ledger::v1::ListEntriesResponse> page =
        co_await reader_.ListEntries(context, ask);
    if (!page.ok()) co_return page.status();
    for (const ledger::v1::Entry& entry : page->entries()) {
      // What our own job books happens without anybody.
      if (!entry.metadata().contains(kInterestMetadata)) co_return TimeOf(entry.commit_time());
    }
    more = !page->next_page_token().empty();
    ask.set_page_token(page->next_page_token());
  }
  co_return absl::InfinitePast();
}

}  // namespace florin::accounts
