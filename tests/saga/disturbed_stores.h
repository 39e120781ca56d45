// The stores as a process sees them: every call takes time, may be lost before it has an effect or
// lose its answer after. What they keep is outside, and outlives the process.
#pragma once

#include <utility>

#include "services/ledger/store/store.h"
#include "services/payments/store/fake_store.h"
#include "tests/saga/gates.h"

namespace florin::saga {

class Disturbance {
 public:
  Disturbance(Gates& gates, Owner owner) : gates_(gates), owner_(owner) {}

  // Runs `work`, a lazy task, between two gates.
  template <class T>
  Task<absl::StatusOr<T>> Of(const char* what, Task<absl::StatusOr<T>> work) {
    const bool arrived = co_await gates_.Pass(owner_, what);
    if (!arrived) co_return Error(Reason::kUnavailable, "the store cannot be reached");
    absl::StatusOr<T> result = co_await std::move(work);
    const bool answered = co_await gates_.Pass(owner_, what);
    if (!answered) co_return Error(Reason::kUnavailable, "the store's answer is lost");
    co_return result;
  }

  // The same for work that gives nothing.
  Task<absl::Status> Of(const char* what, Task<absl::Status> work) {
    const bool arrived = co_await gates_.Pass(owner_, what);
    if (!arrived) co_return Error(Reason::kUnavailable, "the store cannot be reached");
    absl::Status result = co_await std::move(work);
    const bool answered = co_await gates_.Pass(owner_, what);
    if (!answered) co_return Error(Reason::kUnavailable, "the store's answer is lost");
    co_return result;
  }

 private:
  Gates& gates_;
  const Owner owner_;
};

// All stores of payments. `kept` outlives this.
class DisturbedStore : public payments::Store,
                       public payments::ApprovalStore,
                       public payments::ChargeStore,
                       public payments::QuoteStore {
 public:
  DisturbedStore(payments::FakeStore& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  template <class T>
  using Result = Task<absl::StatusOr<T>>;
  using Payment = payments::Payment;

  Result<std::vector<payments::StoredIntent>> InsertIntents(
      std::vector<payments::Intent> intents) override {
    return disturbance_.Of("InsertIntents", kept_.InsertIntents(std::move(intents)));
  }
  Result<std::vector<Payment>> RecordResults(std::vector<Payment> ended) override {
    return disturbance_.Of("RecordResults", kept_.RecordResults(std::move(ended)));
  }
  Result<Written> Write(std::shared_ptr<const Writes> writes) override {
    return disturbance_.Of("Write", kept_.Write(std::move(writes)));
  }
  Result<Payment> GetPayment(Uuid user_id, Uuid payment_id) override {
    return disturbance_.Of("GetPayment", kept_.GetPayment(user_id, payment_id));
  }
  Result<std::vector<Payment>> ListPayments(Uuid user_id, std::optional<Uuid> before,
                                            int limit) override {
    return disturbance_.Of("ListPayments", kept_.ListPayments(user_id, before, limit));
  }
  Result<std::vector<Payment>> ClaimUnfinished(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimUnfinished", kept_.ClaimUnfinished(now, limit));
  }

  Result<payments::Judged> InsertJudged(payments::Intent intent, payments::ApprovalTerms terms,
                                        payments::ApprovalPolicy policy) override {
    return disturbance_.Of(
        "InsertJudged", kept_.InsertJudged(std::move(intent), std::move(terms), std::move(policy)));
  }
  Result<Payment> BeginConfirm(Uuid user_id, Uuid payment_id, absl::Time now) override {
    return disturbance_.Of("BeginConfirm", kept_.BeginConfirm(user_id, payment_id, now));
  }
  Result<Payment> Start(Uuid user_id, Uuid payment_id, crypto::Digest redeemed, absl::Time now,
                        audit::Origin origin) override {
    return disturbance_.Of("Start",
                           kept_.Start(user_id, payment_id, redeemed, now, std::move(origin)));
  }
  Result<Payment> GiveUp(Uuid user_id, Uuid payment_id, Reason reason, absl::Time now,
                         audit::Origin origin) override {
    return disturbance_.Of("GiveUp",
                           kept_.GiveUp(user_id, payment_id, reason, now, std::move(origin)));
  }
  Result<std::vector<Payment>> ClaimAwaiting(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimAwaiting", kept_.ClaimAwaiting(now, limit));
  }

  Result<payments::Quote> InsertQuote(payments::Quote quote) override {
    return disturbance_.Of("InsertQuote", kept_.InsertQuote(std::move(quote)));
  }
  Result<payments::Quote> GetQuote(Uuid user_id, Uuid quote_id) override {
    return disturbance_.Of("GetQuote", kept_.GetQuote(user_id, quote_id));
  }
  Result<payments::StoredIntent> InsertWithQuote(payments::Intent intent) override {
    return disturbance_.Of("InsertWithQuote", kept_.InsertWithQuote(std::move(intent)));
  }
  Result<int> ForgetQuotes(absl::Time before, int limit) override {
    return disturbance_.Of("ForgetQuotes", kept_.ForgetQuotes(before, limit));
  }
  Result<std::optional<payments::StoredIntent>> FindIntent(payments::Intent intent) override {
    return disturbance_.Of("FindIntent", kept_.FindIntent(std::move(intent)));
  }

  Result<Payment> FindPayment(Uuid payment_id) override {
    return disturbance_.Of("FindPayment", kept_.FindPayment(payment_id));
  }
  Result<payments::StoredStep> BeginStep(payments::StepIntent intent) override {
    return disturbance_.Of("BeginStep", kept_.BeginStep(std::move(intent)));
  }
  Result<std::vector<payments::StoredStep>> RecordSteps(
      std::vector<payments::StepResult> results) override {
    return disturbance_.Of("RecordSteps", kept_.RecordSteps(std::move(results)));
  }
  Result<std::vector<payments::StoredStep>> ClaimSteps(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimSteps", kept_.ClaimSteps(now, limit));
  }
  Result<std::vector<Payment>> ClaimExpired(absl::Time now, int limit) override {
    return disturbance_.Of("ClaimExpired", kept_.ClaimExpired(now, limit));
  }
  Result<payments::Step> GetStep(Uuid payment_id, payments::StepKind kind, Uuid step_id) override {
    return disturbance_.Of("GetStep", kept_.GetStep(payment_id, kind, step_id));
  }
  Result<std::vector<payments::Step>> ListSteps(Uuid payment_id, payments::StepKind kind,
                                                std::vector<Uuid> payees,
                                                std::optional<Uuid> before, int limit) override {
    return disturbance_.Of("ListSteps",
                           kept_.ListSteps(payment_id, kind, std::move(payees), before, limit));
  }
  Result<payments::Dispute> GetDispute(Uuid dispute_id) override {
    return disturbance_.Of("GetDispute", kept_.GetDispute(dispute_id));
  }
  Result<std::vector<payments::Dispute>> ListDisputes(Uuid payment_id) override {
    return disturbance_.Of("ListDisputes", kept_.ListDisputes(payment_id));
  }
  Result<std::vector<payments::Evidence>> ListEvidence(Uuid dispute_id) override {
    return disturbance_.Of("ListEvidence", kept_.ListEvidence(dispute_id));
  }
  Result<payments::Dispute> AddEvidence(payments::EvidenceIntent intent, absl::Time now) override {
    return disturbance_.Of("AddEvidence", kept_.AddEvidence(std::move(intent), now));
  }
  Result<int> EndResponseTimes(absl::Time now) override {
    return disturbance_.Of("EndResponseTimes", kept_.EndResponseTimes(now));
  }

 private:
  payments::FakeStore& kept_;
  Disturbance disturbance_;
};

// That of the ledger. A process that crashes while Commit waits has lost the batch, or committed it
// without an answer.
class DisturbedLedgerStore : public ledger::Store {
 public:
  DisturbedLedgerStore(ledger::Store& kept, Gates& gates, Owner owner)
      : kept_(kept), disturbance_(gates, owner) {}

  Task<absl::Status> EnsureBook(std::string book, std::set<std::string> indexed_metadata) override {
    return disturbance_.Of("EnsureBook",
                           kept_.EnsureBook(std::move(book), std::move(indexed_metadata)));
  }
  Task<absl::StatusOr<bool>> HasBook(std::string book) override {
    return disturbance_.Of("HasBook", kept_.HasBook(std::move(book)));
  }
  Task<absl::StatusOr<std::vector<std::string>>> ListBooks() override {
    return disturbance_.Of("ListBooks", kept_.ListBooks());
  }
  Task<absl::StatusOr<std::vector<ledger::Account>>> OpenAccounts(
      std::string book, std::vector<ledger::AccountTerms> accounts, absl::Time now) override {
    return disturbance_.Of("OpenAccounts",
                           kept_.OpenAccounts(std::move(book), std::move(accounts), now));
  }
  Task<absl::StatusOr<std::vector<ledger::Outcome>>> Commit(std::string book,
                                                            std::vector<ledger::Command> commands,
                                                            absl::Time now) override {
    return disturbance_.Of("Commit", kept_.Commit(std::move(book), std::move(commands), now));
  }
  Task<absl::StatusOr<std::vector<ledger::Outcome>>> DryRun(std::string book,
                                                            std::vector<ledger::Command> commands,
                                                            absl::Time now) override {
    return disturbance_.Of("DryRun", kept_.DryRun(std::move(book), std::move(commands), now));
  }
  Task<absl::StatusOr<std::vector<Uuid>>> ExpiredHolds(std::string book, absl::Time now,
                                                       int limit) override {
    return disturbance_.Of("ExpiredHolds", kept_.ExpiredHolds(std::move(book), now, limit));
  }

 private:
  ledger::Store& kept_;
  Disturbance disturbance_;
};

}  // namespace florin::saga
