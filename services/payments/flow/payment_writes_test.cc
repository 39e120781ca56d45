#include "services/payments/flow/payment_writes.h"

#include <atomic>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "libs/async/runtime.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/ledger_transaction.h"
#include "services/payments/domain/request.h"
#include "services/payments/flow/together.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {
namespace {

using ::testing::ElementsAre;

MATCHER_P(Ends, state, "") { return arg.ok() && *arg == state; }

const absl::Time kStart = absl::FromUnixSeconds(1'790'000'000);

// Cannot keep how one payment ended, and nothing in its company; counts commits.
class PoisonedStore : public FakeStore {
 public:
  Task<absl::StatusOr<Written>> Write(std::shared_ptr<const Writes> writes) override {
    ++commits_;
    const Executor executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, use_task);  // Others may come meanwhile.
    co_return co_await FakeStore::Write(std::move(writes));
  }
  Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) override {
    for (const Payment& payment : ended) {
      if (payment.payment_id == poisoned_) co_return Error(Reason::kInternal, "cannot be kept");
    }
    co_return co_await FakeStore::RecordResults(std::move(ended));
  }

  std::atomic<int> commits_ = 0;
  Uuid poisoned_;
};

class PaymentWritesTest : public ::testing::Test {
 protected:
  Intent NewIntent(const std::string& key) {
    const PaymentRequest request{
        .kind = Kind::kDeposit,
        .source_account_id = {},
        .destination_account_id = SystemIds().NewId(),
        .amount = {.minor_units = 1250, .currency = *Currency::Parse("EUR")},
        .reference = ""};
    return {.payment = NewPayment(SystemIds().NewId(), user_, request, kStart),
            .idempotency_key = key,
            .fingerprint = crypto::Sha256(CanonicalRequest(request))};
  }
  Payment Inserted(const std::string& key) {
    return runtime_.Run(writes_.Insert(NewIntent(key)))->payment;
  }
  static Payment Succeeded(Payment payment) {
    const LedgerAnswer answer{.committed = true};
    return *ApplyAnswer(std::move(payment), answer, kStart);
  }
  // All at once; how each of them is afterwards.
  std::vector<absl::StatusOr<State>> Write(const std::vector<Payment>& ended,
                                           const std::vector<Intent>& intents) {
    std::vector<absl::StatusOr<State>> states(ended.size() + intents.size(), State::kProcessing);
    std::vector<Task<void>> tasks;
    auto state = states.begin();
    for (const Payment& payment : ended) tasks.push_back(Record(payment, *state++));
    for (const Intent& intent : intents) tasks.push_back(Insert(intent, *state++));
    runtime_.Run(Together(runtime_.executor(), std::move(tasks)));
    return states;
  }
  Task<void> Record(Payment ended, absl::StatusOr<State>& state) {
    const absl::StatusOr<Payment> kept = co_await writes_.Record(std::move(ended));
    state = kept.ok() ? absl::StatusOr<State>(kept->state) : kept.status();
  }
  Task<void> Insert(Intent intent, absl::StatusOr<State>& state) {
    const absl::StatusOr<StoredIntent> kept = co_await writes_.Insert(std::move(intent));
    state = kept.ok() ? absl::StatusOr<State>(kept->payment.state) : kept.status();
  }

  async::Runtime runtime_{1};
  PoisonedStore store_;
  PaymentWrites writes_{runtime_.executor(), store_};
  const Uuid user_ = SystemIds().NewId();
};

// The first is written alone, and whoever comes meanwhile together.
TEST_F(PaymentWritesTest, BeginningsAndEndsShareACommit) {
  const Payment first = Succeeded(Inserted("1"));
  const Payment ended = Succeeded(Inserted("2"));
  store_.commits_ = 0;
  EXPECT_THAT(Write({first, ended}, {NewIntent("3"), NewIntent("4")}),
              ElementsAre(Ends(State::kSucceeded), Ends(State::kSucceeded),
                          Ends(State::kProcessing), Ends(State::kProcessing)));
  EXPECT_EQ(store_.commits_, 2);
}

TEST_F(PaymentWritesTest, WhatCannotBeKeptFailsAlone) {
  const Payment first = Succeeded(Inserted("1"));
  const Payment poisoned = Succeeded(Inserted("2"));
  const Payment sound = Succeeded(Inserted("3"));
  store_.poisoned_ = poisoned.payment_id;
  store_.commits_ = 0;
  EXPECT_THAT(Write({first, poisoned, sound}, {NewIntent("4")}),
              ElementsAre(Ends(State::kSucceeded), StatusHasReason(Reason::kInternal),
                          Ends(State::kSucceeded), Ends(State::kProcessing)));
  EXPECT_EQ(store_.commits_, 2);
}

TEST_F(PaymentWritesTest, WhatIsUnknownIsUnknownOfAll) {
  const Payment first = Succeeded(Inserted("1"));
  const Payment ended = Succeeded(Inserted("2"));
  store_.FailRecords(true);
  const auto unknown = StatusHasReason(Reason::kUnavailable);
  EXPECT_THAT(Write({first, ended}, {NewIntent("3")}), ElementsAre(unknown, unknown, unknown));
}

}  // namespace
}  // namespace florin::payments
