// Payments and the ledger as processes: the real flows over what outlives a process. Destroying one
// is its kill -9: every coroutine in it ends where it waits.
#pragma once

#include <string>

#include <boost/asio/io_context.hpp>

#include "libs/clock/clock.h"
#include "services/ledger/flow/hold_expiry.h"
#include "services/ledger/rpc/ledger_service.h"
#include "services/ledger/rpc/reader_service.h"
#include "services/ledger/store/fake_store.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/book_transfers.h"
#include "services/payments/flow/bulk_orders.h"
#include "services/payments/flow/bulk_worker.h"
#include "services/payments/flow/charge_recovery.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/confirm_order.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/create_quote.h"
#include "services/payments/flow/create_schedule.h"
#include "services/payments/flow/limit_buckets.h"
#include "services/payments/flow/payee_check.h"
#include "services/payments/flow/payment_parties.h"
#include "services/payments/flow/payment_pricing.h"
#include "services/payments/flow/payouts.h"
#include "services/payments/flow/rail_deposits.h"
#include "services/payments/flow/recovery.h"
#include "services/payments/flow/schedule_worker.h"
#include "services/payments/flow/settlement.h"
#include "tests/saga/disturbed_orders.h"
#include "tests/saga/disturbed_stores.h"
#include "tests/saga/gates.h"
#include "tests/saga/stores.h"
#include "tests/saga/wire.h"

namespace florin::saga {

inline constexpr char kBook[] = "main";
inline constexpr char kOtherBook[] = "other";
inline constexpr char kWire[] = "wire";

// Time as another machine has it.
class SkewedClock : public Clock {
 public:
  SkewedClock(Clock& clock, absl::Duration ahead) : clock_(clock), ahead_(ahead) {}
  absl::Time Now() override { return clock_.Now() + ahead_; }

 private:
  Clock& clock_;
  const absl::Duration ahead_;
};

// EUR in USD at 1.10, a spread of one percent.
class OneRate : public payments::RateSource {
 public:
  explicit OneRate(Clock& clock) : clock_(clock) {}
  absl::StatusOr<payments::MidRate> Find(const Currency& source,
                                         const Currency& destination) override;

 private:
  Clock& clock_;
};

// How a deployment is set up.
struct Terms {
  payments::FeeSchedule fees;
  bool gives_back = false;  // The fee of a payout that is returned, if there are fees.
  payments::ApprovalPolicy policy;
  payments::PayeePolicy payees;
  bool limited = false;         // There are limits.
  bool books = false;           // Some accounts are in another book.
  bool slow = false;            // Days pass between what happens.
  bool may_owe = false;         // --refund_shortfall=receivable
  absl::Duration ledger_ahead;  // Of the clock of payments.
  int replicas = 1;             // Of payments.
};

// What outlives the processes, but for the stores of payments.
struct Kept {
  FakeClock clock{absl::FromUnixMicros(1'790'000'000'000'001)};
  SequentialIds ids;
  Gates gates;
  Wire wire{kWire};
  ledger::FakeStore ledger;
};

class LedgerProcess {
 public:
  LedgerProcess(Kept& kept, Clock& clock, Owner owner);
  ~LedgerProcess();

  asio::io_context& context() { return context_; }
  // The sweep of holds whose time is over, unless one is under way.
  void Sweep();

 private:
  static Task<void> SweepOnce(LedgerProcess* self);

  Kept& kept_;
  const Owner owner_;
  asio::io_context context_{1};
  bool sweeping_ = false;
  DisturbedLedgerStore store_;
  ledger::PostingBatcher batcher_;
  ledger::LedgerRpc service_;
  ledger::BookWatch watch_;
  ledger::LedgerReaderRpc reader_;
  ledger::HoldExpiry expiry_;
};

class PaymentsProcess {
 public:
  PaymentsProcess(Kept& kept, Stores& stores, const Terms& terms, Owner owner);
  ~PaymentsProcess();

  Owner owner() const { return owner_; }
  asio::io_context& context() { return context_; }
  payments::CreatePayment& create() { return create_; }
  payments::ConfirmPayment& confirm() { return confirm_; }
  payments::CreateQuote& create_quote() { return create_quote_; }
  payments::PaymentParties& parties() { return parties_; }
  payments::ChargeSteps& steps() { return steps_; }
  payments::Payouts& payouts() { return payouts_; }
  payments::CreateSchedule& create_schedule() { return create_schedule_; }
  payments::ConfirmOrder& confirm_order() { return confirm_order_; }
  payments::ScheduleStore& schedule_store() { return schedule_store_; }
  payments::BulkOrders& bulk_orders() { return bulk_orders_; }
  payments::ConfirmOrder& confirm_bulk() { return confirm_bulk_; }
  payments::BulkStore& bulk_store() { return bulk_store_; }
  DisturbedStore& store() { return store_; }
  // One round of a worker, as main.cc has them, unless one is under way.
  void Recover();
  void WorkOnRails();
  void WorkOnSchedules();
  void WorkOnBulks();

 private:
  static Task<void> RecoverOnce(PaymentsProcess* self);
  static Task<void> WorkOnRailsOnce(PaymentsProcess* self);
  static Task<void> WorkOnSchedulesOnce(PaymentsProcess* self);
  static Task<void> WorkOnBulksOnce(PaymentsProcess* self);

  Kept& kept_;
  const Owner owner_;
  asio::io_context context_{1};
  bool recovering_ = false;
  bool on_rails_ = false;
  bool on_schedules_ = false;
  bool on_bulks_ = false;
  DisturbedStore store_;
  DisturbedPayoutStore payout_store_;
  DisturbedDepositStore deposit_store_;
  DisturbedScheduleStore schedule_store_;
  DisturbedBulkStore bulk_store_;
  DisturbedLimitStore limit_store_;
  DisturbedTransferStore transfer_store_;
  DisturbedRail rail_;
  rpc::Channel channel_;
  ledger::v1::LedgerClient ledger_{&channel_};
  ledger::v1::LedgerReaderClient reader_{&channel_};
  accounts::v1::AccountsClient accounts_{&channel_};
  accounts::v1::PayeesClient payees_{&channel_};
  auth::v1::ApprovalsClient auth_{&channel_};
  payments::AccountDirectory directory_;
  payments::PayeeCheck payee_check_;
  payments::ChartAccounts chart_{ledger_, kBook};
  payments::LimitDirectory limits_;
  payments::LimitBuckets buckets_;
  payments::Settlement settlement_;
  payments::BookTransfers book_transfers_;
  payments::PaymentPricing pricing_;
  payments::PaymentApprovals approvals_{auth_};
  payments::CreatePayment create_;
  payments::ConfirmPayment confirm_;
  payments::VainAttempts vain_;
  payments::Recovery recovery_;
  payments::RefundAccounts refund_accounts_{ledger_, kBook};
  payments::PaymentParties parties_;
  payments::ChargeSteps steps_;
  payments::ChargeRecovery charge_recovery_;
  OneRate rates_;
  payments::CreateQuote create_quote_;
  payments::Payouts payouts_;
  payments::RailDeposits rail_deposits_;
  payments::RailInbox inbox_;
  payments::ConfirmOrder confirm_order_;
  payments::CreateSchedule create_schedule_;
  payments::ScheduleWorker schedule_worker_;
  payments::ConfirmOrder confirm_bulk_;
  payments::BulkOrders bulk_orders_;
  payments::BulkWorker bulk_worker_;
};

}  // namespace florin::saga
