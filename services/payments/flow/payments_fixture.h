// All of payments but its process: real flows over the fake store, and real channels to the doubles
// of its peers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/status/matchers.h"
#include "libs/testing/certificates.h"
#include "services/payments/flow/account_directory.h"
#include "services/payments/flow/approvals_double.h"
#include "services/payments/flow/book_transfers.h"
#include "services/payments/flow/charge_recovery.h"
#include "services/payments/flow/charge_steps.h"
#include "services/payments/flow/chart_accounts.h"
#include "services/payments/flow/confirm_payment.h"
#include "services/payments/flow/create_payment.h"
#include "services/payments/flow/limit_buckets.h"
#include "services/payments/flow/limit_directory.h"
#include "services/payments/flow/payees_double.h"
#include "services/payments/flow/payment_parties.h"
#include "services/payments/flow/payment_pricing.h"
#include "services/payments/flow/peer_doubles.h"
#include "services/payments/flow/proposals_double.h"
#include "services/payments/flow/recovery.h"
#include "services/payments/flow/settlement.h"
#include "services/payments/store/fake_limit_store.h"
#include "services/payments/store/fake_store.h"

namespace florin::payments {

// The methods for users of the accounts double are never called.
class NoUsers : public rpc::Authenticator {
 public:
  Task<absl::StatusOr<rpc::Principal>> Authenticate(std::string) override {
    co_return Error(Reason::kTokenInvalid, "no users here");
  }
};

// A user with account A (EUR, 1000 in it) and B (EUR); a stranger with account C (EUR); and D (USD)
// of the user.
class PaymentsFixture : public ::testing::Test {
 protected:
  PaymentsFixture() {
    accounts_double_.Add(
        {.account_id = a_, .owner_user_id = user_, .currency = *Currency::Parse("EUR")});
    accounts_double_.Add(
        {.account_id = b_, .owner_user_id = user_, .currency = *Currency::Parse("EUR")});
    accounts_double_.Add({.account_id = c_,
                          .owner_user_id = stranger_,
                          .currency = *Currency::Parse("EUR"),
                          .holder_name = "Zoë Strange"});
    accounts_double_.Add(
        {.account_id = d_, .owner_user_id = user_, .currency = *Currency::Parse("USD")});
    ledger_double_.UseClock(clock_);
    ledger_double_.Fund(a_, 1000);
    for (const Uuid& account : {b_, c_, d_}) ledger_double_.Fund(account, 0);
    settlement_.ExplainBy(directory_);
  }
  // Before the parts go: no coroutine may be running in them.
  ~PaymentsFixture() override { runtime_.Stop(); }

  PaymentRequest Transfer(std::int64_t minor_units) const {
    return {.kind = Kind::kTransfer,
            .source_account_id = a_,
            .destination_account_id = b_,
            .amount = {.minor_units = minor_units, .currency = *Currency::Parse("EUR")},
            .reference = "secret reference"};
  }
  PaymentRequest Deposit(std::int64_t minor_units) const {
    PaymentRequest request = Transfer(minor_units);
    request.kind = Kind::kDeposit;
    request.source_account_id = Uuid();
    return request;
  }

  absl::StatusOr<CreatePayment::Outcome> Create(const PaymentRequest& request,
                                                const std::string& key) {
    rpc::Outgoing context;
    return runtime_.Run(create_.Run(context, user_, key, request));
  }
  // What the recovery worker does when a lease is over.
  absl::StatusOr<int> Recover() {
    clock_.Advance(kLease);
    return runtime_.Run(recovery_.RunOnce());
  }
  std::vector<Payment> Payments() {
    return runtime_.Run(store_.ListPayments(user_, std::nullopt, 1000)).value();
  }

  const Uuid user_ = SystemIds().NewId();
  const Uuid stranger_ = SystemIds().NewId();
  const Uuid a_ = SystemIds().NewId();
  const Uuid b_ = SystemIds().NewId();
  const Uuid c_ = SystemIds().NewId();
  const Uuid d_ = SystemIds().NewId();

  testing::TestCertificates certificates_{{"accounts", "auth", "ledger", "payments"}};
  LedgerDouble ledger_double_;
  LedgerProofDouble proof_double_;
  LedgerReaderDouble reader_double_{ledger_double_};
  AccountsDouble accounts_double_;
  PayeesDouble payees_double_;
  NoUsers no_users_;
  FakeClock clock_{absl::FromUnixMicros(1'790'000'000'000'001)};
  ApprovalsDouble approvals_double_{clock_};
  ProposalsDouble proposals_double_;
  FakeStore store_;
  FakeLimitStore limit_store_;

  async::Runtime runtime_{2};
  std::unique_ptr<rpc::Server> ledger_server_ =
      Serve("ledger", {&ledger_double_, &proof_double_, &reader_double_});
  std::unique_ptr<rpc::Server> accounts_server_ =
      Serve("accounts", {&accounts_double_, &payees_double_});
  std::unique_ptr<rpc::Server> auth_server_ =
      Serve("auth", {&approvals_double_, &proposals_double_});
  rpc::Channel ledger_channel_ = rpc::Channel(runtime_.executor(), To("ledger", *ledger_server_));
  rpc::Channel accounts_channel_ =
      rpc::Channel(runtime_.executor(), To("accounts", *accounts_server_));
  rpc::Channel auth_channel_ = rpc::Channel(runtime_.executor(), To("auth", *auth_server_));
  auth::v1::ApprovalsClient auth_{&auth_channel_};
  auth::v1::ProposalsClient proposals_{&auth_channel_};
  ledger::v1::LedgerClient ledger_{&ledger_channel_};
  ledger::v1::LedgerProofClient proofs_{&ledger_channel_};
  ledger::v1::LedgerReaderClient reader_{&ledger_channel_};
  accounts::v1::AccountsClient accounts_{&accounts_channel_};

  AccountDirectory directory_{accounts_, 100};
  ChartAccounts chart_{ledger_, "main"};
  LimitDirectory limits_{limit_store_, clock_};
  LimitBuckets limit_buckets_{limits_, ledger_, reader_, "main"};
  Settlement settlement_{runtime_.executor(), store_, ledger_, chart_, clock_, "main",
                         &limit_buckets_};
  BookTransfers books_{{.transfers = store_,
                        .store = store_,
                        .settlement = settlement_,
                        .ledger = ledger_,
                        .reader = reader_,
                        .limits = &limits_,
                        .clock = clock_}};
  std::optional<PaymentPricing> pricing_{std::in_place, FeeSchedule(), store_};
  PaymentApprovals approvals_{auth_};
  CreatePayment create_{directory_,
                        settlement_,
                        clock_,
                        SystemIds(),
                        {.store = store_, .approvals = approvals_, .policy = {}},
                        *pricing_,
                        &limits_};
  // With a policy: every transfer to somebody else, but for small ones in EUR.
  CreatePayment judging_create_{
      directory_,
      settlement_,
      clock_,
      SystemIds(),
      {.store = store_, .approvals = approvals_, .policy = *ParseApprovalPolicy("EUR:300:1000")},
      *pricing_,
      &limits_};
  ConfirmPayment confirm_{store_, approvals_, settlement_, clock_, &directory_};
  VainAttempts vain_{store_, clock_};
  Recovery recovery_{store_, settlement_, store_, confirm_, vain_, clock_};
  RefundAccounts refund_accounts_{ledger_, "main"};
  PaymentParties parties_{store_, directory_};
  ChargeSteps steps_{runtime_.executor(), store_, settlement_, refund_accounts_, clock_};
  ChargeRecovery charge_recovery_{store_, steps_, vain_, clock_};

 private:
  std::unique_ptr<rpc::Server> Serve(const std::string& name, std::vector<rpc::Service*> services) {
    rpc::ServerOptions options{
        .listen = "127.0.0.1:0",
        .certificates = rpc::CertificateFiles::In(certificates_.directory(), name),
        .authenticator = &no_users_};
    absl::StatusOr<std::unique_ptr<rpc::Server>> server =
        rpc::Server::Start(runtime_.executor(), std::move(options), std::move(services));
    EXPECT_THAT(server, IsOk());
    return *std::move(server);
  }
  rpc::ChannelOptions To(const std::string& name, const rpc::Server& server) {
    return {.target = "127.0.0.1:" + std::to_string(server.port()),
            .service = name,
            .certificates = rpc::CertificateFiles::In(certificates_.directory(), "payments")};
  }
};

}  // namespace florin::payments
