// The payments in memory, for tests of what uses a Store.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "services/payments/store/approval_store.h"
#include "services/payments/store/book_transfer_store.h"
#include "services/payments/store/charge_store.h"
#include "services/payments/store/payout_store.h"
#include "services/payments/store/quote_store.h"
#include "services/payments/store/reconcile_store.h"
#include "services/payments/store/store.h"

namespace florin::payments {

// Thread-safe.
class FakeStore : public Store,
                  public ApprovalStore,
                  public BookTransferStore,
                  public ChargeStore,
                  public PayoutStore,
                  public QuoteStore,
                  public ReconcileStore {
 public:
  Task<absl::StatusOr<std::vector<StoredIntent>>> InsertIntents(
      std::vector<Intent> intents) override;
  Task<absl::StatusOr<std::vector<Payment>>> RecordResults(std::vector<Payment> ended) override;
  Task<absl::StatusOr<Written>> Write(std::shared_ptr<const Writes> writes) override;
  Task<absl::StatusOr<Payment>> GetPayment(Uuid user_id, Uuid payment_id) override;
  Task<absl::StatusOr<std::vector<Payment>>> ListPayments(Uuid user_id, std::optional<Uuid> before,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimUnfinished(absl::Time now, int limit) override;

  Task<absl::StatusOr<BookTransfer>> FindTransfer(Uuid payment_id) override;
  Task<absl::StatusOr<BookTransfer>> AdvanceTransfer(TransferStage from, BookTransfer to,
                                                     std::optional<Payment> ended) override;
  Task<absl::StatusOr<std::vector<BookPair>>> ListPairs() override;
  Task<absl::StatusOr<std::vector<BookTransfer>>> ListUnderWay(BookPair pair,
                                                               absl::Time since) override;

  Task<absl::StatusOr<Judged>> InsertJudged(Intent intent, ApprovalTerms terms,
                                            ApprovalPolicy policy) override;
  Task<absl::StatusOr<Payment>> BeginConfirm(Uuid user_id, Uuid payment_id,
                                             absl::Time now) override;
  Task<absl::StatusOr<Payment>> Start(Uuid user_id, Uuid payment_id, crypto::Digest redeemed,
                                      absl::Time now, audit::Origin origin) override;
  Task<absl::StatusOr<Payment>> GiveUp(Uuid user_id, Uuid payment_id, Reason reason, absl::Time now,
                                       audit::Origin origin) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimAwaiting(absl::Time now, int limit) override;

  Task<absl::StatusOr<Quote>> InsertQuote(Quote quote) override;
  Task<absl::StatusOr<Quote>> GetQuote(Uuid user_id, Uuid quote_id) override;
  Task<absl::StatusOr<StoredIntent>> InsertWithQuote(Intent intent) override;
  Task<absl::StatusOr<int>> ForgetQuotes(absl::Time before, int limit) override;
  Task<absl::StatusOr<std::optional<StoredIntent>>> FindIntent(Intent intent) override;
  Task<absl::StatusOr<Payment>> FindPayment(Uuid payment_id) override;
  Task<absl::StatusOr<StoredStep>> BeginStep(StepIntent intent) override;
  Task<absl::StatusOr<std::vector<StoredStep>>> RecordSteps(
      std::vector<StepResult> results) override;
  Task<absl::StatusOr<std::vector<StoredStep>>> ClaimSteps(absl::Time now, int limit) override;
  Task<absl::StatusOr<std::vector<Payment>>> ClaimExpired(absl::Time now, int limit) override;
  Task<absl::StatusOr<Step>> GetStep(Uuid payment_id, StepKind kind, Uuid step_id) override;
  Task<absl::StatusOr<std::vector<Step>>> ListSteps(Uuid payment_id, StepKind kind,
                                                    std::vector<Uuid> payees,
                                                    std::optional<Uuid> before, int limit) override;
  Task<absl::StatusOr<Dispute>> GetDispute(Uuid dispute_id) override;
  Task<absl::StatusOr<std::vector<Dispute>>> ListDisputes(Uuid payment_id) override;
  Task<absl::StatusOr<std::vector<Evidence>>> ListEvidence(Uuid dispute_id) override;
  Task<absl::StatusOr<Dispute>> AddEvidence(EvidenceIntent intent, absl::Time now) override;
  Task<absl::StatusOr<int>> EndResponseTimes(absl::Time now) override;

  Task<absl::StatusOr<Payout>> FindPayout(Uuid payment_id) override;
  Task<absl::StatusOr<Payout>> Advance(Uuid payment_id, PayoutStage from, PayoutStage to,
                                       std::string code, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Payout>>> ClaimPayouts(absl::Time now, int limit) override;
  Task<absl::Status> Postpone(Uuid payment_id, absl::Time until) override;
  Task<absl::StatusOr<std::vector<Discrepancy>>> RecordFailures(std::vector<VainAttempt> attempts,
                                                                absl::Time now) override;
  Task<absl::StatusOr<std::vector<RecoveryFailure>>> ListFailures(Uuid payment_id) override;
  Task<absl::StatusOr<int>> TakeUpAgain(Uuid payment_id, Uuid operator_id, absl::Time now,
                                        audit::Origin origin) override;
  Task<absl::StatusOr<std::int64_t>> PositionOf(Walk walk) override;
  Task<absl::StatusOr<int>> RecordWalk(Walk walk, std::int64_t position,
                                       std::vector<Discrepancy> found, absl::Time now) override;
  Task<absl::StatusOr<int>> OpenDiscrepancies(std::vector<Discrepancy> found,
                                              absl::Time now) override;
  Task<absl::StatusOr<std::vector<Payment>>> PaymentsMade(absl::Time from, absl::Time until,
                                                          int limit) override;
  Task<absl::StatusOr<std::vector<WholePayment>>> StepsMade(absl::Time from, absl::Time until,
                                                            int limit) override;
  Task<absl::StatusOr<std::vector<WholePayment>>> WholePayments(
      std::vector<Uuid> payment_ids) override;
  Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> ListDiscrepancies(
      std::optional<DiscrepancyState> state, std::optional<Uuid> before, int limit) override;
  Task<absl::StatusOr<KeptDiscrepancy>> GetDiscrepancy(Uuid discrepancy_id) override;
  Task<absl::StatusOr<std::vector<KeptDiscrepancy>>> DiscrepanciesOf(Uuid payment_id) override;
  Task<absl::StatusOr<KeptDiscrepancy>> Resolve(Resolution resolution, absl::Time now) override;
  Task<absl::StatusOr<int>> Agree(std::vector<Uuid> discrepancy_ids, absl::Time now) override;
  Task<absl::StatusOr<std::vector<Exposure>>> ListExposure() override;

  // Of the request that made a payment; empty if there is none.
  std::string RequestOf(Uuid payment_id);
  // The same of its trace.
  std::string TraceOf(Uuid payment_id);
  // Every payout, and since when it is in its stage.
  std::vector<std::pair<Payout, absl::Time>> AllPayouts();

  // Changes what is kept of a payment behind everybody's back.
  void Tamper(Uuid user_id, Uuid payment_id, const std::function<void(Payment&)>& change);
  // Makes Start fail with kUnavailable, as if the process had crashed after redeeming.
  void FailStarts(bool fail);

  // Makes RecordResults, RecordSteps, Advance and AdvanceTransfer fail with kUnavailable, as if the
  // database had gone after the ledger's answer.
  void FailRecords(bool fail);

 private:
  struct Row {
    Payment payment;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
    std::string request_id = {};  // Of the request that made it.
    std::string trace_id = {};
  };
  using Id = std::pair<Uuid, Uuid>;                 // user, payment
  using Key = std::tuple<Uuid, Kind, std::string>;  // user, kind, idempotency key

  LowValueUse UseOf(const Payment& payment) const;
  // With mutex_ held. Nothing for a payment that does not exist or is another user's.
  Row* Find(const Uuid& user_id, const Uuid& payment_id);

  // With mutex_ held: what the SQL of that name does.
  absl::Status UseQuote(const Payment& payment);

  struct StepRow {
    Step step;
    crypto::Digest fingerprint;
    absl::Time next_attempt_time;
  };
  struct EvidenceRow {
    std::string key;  // Of the user and the request.
    crypto::Digest fingerprint;
    Evidence evidence;
  };
  struct PayoutRow {
    Payout payout;  // Its payment is in rows_.
    absl::Time update_time;
    absl::Time next_attempt_time;
  };
  // With mutex_ held.
  void KeepPayout(const Intent& intent);
  void KeepTransfer(const Payment& payment);
  Payout PayoutOf(const PayoutRow& row) const;

  // With mutex_ held.
  Row* FindAny(const Uuid& payment_id);
  StoredStep StoredOf(const StepRow& row);
  PayeeCounters CountersOf(const Uuid& payment_id, const Uuid& payee_account_id);
  void Open(const Discrepancy& found, absl::Time now);
  // Nothing: it has ended.
  absl::Time* NextAttemptOf(const VainAttempt& attempt);

  std::mutex mutex_;
  std::map<Id, Quote> quotes_;     // By user and quote. Guarded by mutex_.
  std::map<Id, Row> rows_;         // Guarded by mutex_.
  std::map<Key, Id> keys_;         // Guarded by mutex_.
  std::map<Uuid, StepRow> steps_;  // Guarded by mutex_.
  std::map<std::tuple<Uuid, StepKind, std::string>, Uuid> step_keys_;  // Guarded by mutex_.
  std::map<Uuid, PayoutRow> payouts_;                                  // Guarded by mutex_.
  std::map<Uuid, BookTransfer> transfers_;                             // Guarded by mutex_.
  std::map<Uuid, Dispute> disputes_;                                   // Guarded by mutex_.
  std::map<Uuid, std::vector<EvidenceRow>> evidence_;     // By dispute. Guarded by mutex_.
  std::map<Uuid, RecoveryFailure> failures_;              // By subject. Guarded by mutex_.
  std::map<Uuid, KeptDiscrepancy> discrepancies_;         // Guarded by mutex_.
  std::map<Walk, std::int64_t> positions_;                // Guarded by mutex_.
  bool fail_records_ = false;                             // Guarded by mutex_.
  bool fail_starts_ = false;                              // Guarded by mutex_.
  std::map<std::pair<Uuid, Currency>, LowValueUse> use_;  // By user. Guarded by mutex_.
};

}  // namespace florin::payments
