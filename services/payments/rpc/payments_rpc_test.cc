#include "services/payments/rpc/payments_rpc.h"

#include "services/payments/flow/payments_fixture.h"

namespace florin::payments {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr char kApprovalPage[] = "https://bank.example/auth/approval";

class PaymentsRpcTest : public PaymentsFixture {
 protected:
  // A call of the user through the gateway, after the server's checks.
  rpc::Call NewCall(const std::string& key = "") { return CallOf(user_, key); }
  rpc::Call CallOf(const Uuid& user, const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    return rpc::Call("gateway", incoming, principal, true);
  }
  v1::CreatePaymentRequest Request(std::int64_t minor_units) const {
    v1::CreatePaymentRequest request;
    request.set_source_account_id(FormatId(IdKind::kAccount, a_));
    request.set_destination_account_id(FormatId(IdKind::kAccount, b_));
    request.mutable_amount()->set_currency("EUR");
    request.mutable_amount()->set_minor_units(minor_units);
    request.set_reference("rent");
    return request;
  }
  v1::CreateDepositRequest DepositRequest() const {
    v1::CreateDepositRequest request;
    request.set_destination_account_id(FormatId(IdKind::kAccount, b_));
    request.mutable_amount()->set_currency("EUR");
    request.mutable_amount()->set_minor_units(7);
    return request;
  }

  PaymentsRpc service_{create_, confirm_, parties_, steps_,       store_,
                       proofs_, "main",   true,     kApprovalPage};
};

TEST_F(PaymentsRpcTest, APaymentIsAnsweredWhole) {
  rpc::Call call = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(call, Request(1000)));
  ASSERT_THAT(made, IsOk());
  EXPECT_FALSE(call.replayed());
  EXPECT_EQ(made->kind(), v1::Payment::TRANSFER);
  EXPECT_EQ(made->state(), v1::Payment::SUCCEEDED);
  EXPECT_EQ(made->source_account_id(), FormatId(IdKind::kAccount, a_));
  EXPECT_EQ(made->destination_account_id(), FormatId(IdKind::kAccount, b_));
  EXPECT_EQ(made->amount().currency(), "EUR");
  EXPECT_EQ(made->amount().minor_units(), 1000);
  EXPECT_EQ(made->reference(), "rent");
  EXPECT_EQ(made->failure_reason(), "");
  EXPECT_EQ(made->create_time().seconds(), 1'790'000'000);
  EXPECT_EQ(made->create_time().nanos(), 1'000);

  rpc::Call get = NewCall();
  v1::GetPaymentRequest request;
  request.set_payment_id(made->payment_id());
  EXPECT_EQ(runtime_.Run(service_.GetPayment(get, request))->DebugString(), made->DebugString());
}

TEST_F(PaymentsRpcTest, AClientsOwnTokenHasNoPayments) {
  rpc::Outgoing incoming;
  incoming.idempotency_key = "key";
  const rpc::Principal client{.user_id = "shop", .client_id = "shop"};
  rpc::Call call("gateway", incoming, client, true);
  const v1::CreatePaymentRequest request = Request(1);
  EXPECT_THAT(runtime_.Run(service_.CreatePayment(call, request)),
              StatusHasReason(Reason::kUserTokenRequired));
}

TEST_F(PaymentsRpcTest, AReplayIsMarkedAndEqual) {
  rpc::Call first = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(first, Request(1)));
  rpc::Call second = NewCall("key");
  const auto again = runtime_.Run(service_.CreatePayment(second, Request(1)));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(again->DebugString(), made->DebugString());
}

TEST_F(PaymentsRpcTest, ARefusedPaymentIsAnErrorEachTime) {
  rpc::Call first = NewCall("key");
  const absl::Status refused = runtime_.Run(service_.CreatePayment(first, Request(1001))).status();
  EXPECT_THAT(refused, StatusHasReason(Reason::kInsufficientFunds));
  EXPECT_FALSE(first.replayed());
  rpc::Call second = NewCall("key");
  const absl::Status again = runtime_.Run(service_.CreatePayment(second, Request(1001))).status();
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(again, refused);

  rpc::Call get = NewCall();
  v1::GetPaymentRequest request;
  request.set_payment_id(DetailOf(refused).metadata.at("payment_id"));
  const auto kept = runtime_.Run(service_.GetPayment(get, request));
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(kept->state(), v1::Payment::FAILED);
  EXPECT_EQ(kept->failure_reason(), "insufficient_funds");
}

TEST_F(PaymentsRpcTest, MalformedRequestsNameTheField) {
  const auto create = [this](const v1::CreatePaymentRequest& request) {
    rpc::Call call = NewCall("key");
    return runtime_.Run(service_.CreatePayment(call, request)).status();
  };
  v1::CreatePaymentRequest request = Request(1);
  request.set_source_account_id("acc_1");
  EXPECT_THAT(create(request),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("source_account_id")));
  request = Request(1);
  request.clear_destination_account_id();
  EXPECT_THAT(create(request),
              AllOf(StatusHasReason(Reason::kInvalidId), StatusHasParam("destination_account_id")));
  EXPECT_THAT(create(Request(0)),
              AllOf(StatusHasReason(Reason::kInvalidAmount), StatusHasParam("amount.minor_units")));
  EXPECT_THAT(create(Request(-1)), StatusHasReason(Reason::kInvalidAmount));
  request = Request(1);
  request.clear_amount();
  EXPECT_THAT(create(request),
              AllOf(StatusHasReason(Reason::kUnknownCurrency), StatusHasParam("amount.currency")));
  request = Request(1);
  request.set_destination_account_id(request.source_account_id());
  EXPECT_THAT(create(request), StatusHasReason(Reason::kSameAccount));
}

TEST_F(PaymentsRpcTest, DepositsNeedTheSandbox) {
  rpc::Call call = NewCall("key");
  const auto made = runtime_.Run(service_.CreateDeposit(call, DepositRequest()));
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->kind(), v1::Payment::DEPOSIT);
  EXPECT_EQ(made->source_account_id(), "");
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 7);

  PaymentsRpc closed(create_, confirm_, parties_, steps_, store_, proofs_, "main", false,
                     kApprovalPage);
  rpc::Call refused = NewCall("key 2");
  EXPECT_THAT(runtime_.Run(closed.CreateDeposit(refused, DepositRequest())),
              StatusHasReason(Reason::kSandboxDisabled));
  EXPECT_EQ(ledger_double_.BalanceOf(b_), 7);
}

TEST_F(PaymentsRpcTest, APaymentOfAnotherUserDoesNotExist) {
  rpc::Call call = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(call, Request(1)));
  v1::GetPaymentRequest request;
  request.set_payment_id(made->payment_id());
  rpc::Call foreign = CallOf(stranger_);
  const absl::Status refused = runtime_.Run(service_.GetPayment(foreign, request)).status();
  EXPECT_THAT(refused, StatusHasReason(Reason::kPaymentNotFound));
  request.set_payment_id(FormatId(IdKind::kPayment, SystemIds().NewId()));
  rpc::Call unknown = NewCall();
  EXPECT_EQ(runtime_.Run(service_.GetPayment(unknown, request)).status(), refused);
  request.set_payment_id("pay_");
  rpc::Call malformed = NewCall();
  EXPECT_THAT(runtime_.Run(service_.GetPayment(malformed, request)),
              StatusHasReason(Reason::kInvalidId));
}

// A transfer to somebody else, where the policy asks for an approval.
class ApprovedPaymentsRpcTest : public PaymentsRpcTest {
 protected:
  v1::CreatePaymentRequest ToStranger() const {
    v1::CreatePaymentRequest request = Request(400);
    request.set_destination_account_id(FormatId(IdKind::kAccount, c_));
    return request;
  }
  absl::StatusOr<v1::Payment> Make(const std::string& key = "key") {
    rpc::Call call = NewCall(key);
    const auto made = runtime_.Run(judging_service_.CreatePayment(call, ToStranger()));
    replayed_ = call.replayed();
    return made;
  }
  absl::StatusOr<v1::Payment> Confirm(const Uuid& user, const std::string& payment_id) {
    rpc::Call call = CallOf(user);
    v1::ConfirmPaymentRequest request;
    request.set_payment_id(payment_id);
    return runtime_.Run(judging_service_.ConfirmPayment(call, request));
  }
  absl::StatusOr<v1::Payment> Cancel(const Uuid& user, const std::string& payment_id) {
    rpc::Call call = CallOf(user);
    v1::CancelPaymentRequest request;
    request.set_payment_id(payment_id);
    return runtime_.Run(judging_service_.CancelPayment(call, request));
  }

  PaymentsRpc judging_service_{judging_create_, confirm_, parties_, steps_,       store_,
                               proofs_,         "main",   true,     kApprovalPage};
  bool replayed_ = false;
};

TEST_F(ApprovedPaymentsRpcTest, SaysWhatToDoThenExecutes) {
  const auto made = Make();
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->state(), v1::Payment::REQUIRES_ACTION);
  EXPECT_EQ(made->next_action().expire_time().seconds(), 1'790'000'300);
  EXPECT_EQ(made->next_action().expire_time().nanos(), 1'000);
  const std::string approval_id = made->next_action().approval_id();
  EXPECT_EQ(made->next_action().approval_url(), std::string(kApprovalPage) + "?id=" + approval_id);
  EXPECT_EQ(approvals_double_.Get(approval_id).binding(), made->next_action().binding());
  EXPECT_EQ(Make()->DebugString(), made->DebugString());
  EXPECT_TRUE(replayed_);

  EXPECT_THAT(Confirm(user_, made->payment_id()), StatusHasReason(Reason::kApprovalPending));
  approvals_double_.SetState(approval_id, auth::v1::Approval::APPROVED);
  const auto confirmed = Confirm(user_, made->payment_id());
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_EQ(confirmed->state(), v1::Payment::SUCCEEDED);
  EXPECT_FALSE(confirmed->has_next_action());
  EXPECT_EQ(Make()->DebugString(), confirmed->DebugString());
  EXPECT_EQ(ledger_double_.BalanceOf(c_), 400);
}

TEST_F(ApprovedPaymentsRpcTest, ARefusalIsTheSameEachTime) {
  const auto made = Make();
  approvals_double_.SetState(made->next_action().approval_id(), auth::v1::Approval::DECLINED);
  const absl::Status refused = Confirm(user_, made->payment_id()).status();
  EXPECT_THAT(refused, StatusHasReason(Reason::kApprovalDeclined));
  EXPECT_EQ(DetailOf(refused).metadata.at("payment_id"), made->payment_id());
  EXPECT_EQ(Confirm(user_, made->payment_id()).status(), refused);
  EXPECT_EQ(Make().status(), refused);

  rpc::Call get = NewCall();
  v1::GetPaymentRequest request;
  request.set_payment_id(made->payment_id());
  const auto kept = runtime_.Run(judging_service_.GetPayment(get, request));
  EXPECT_EQ(kept->state(), v1::Payment::CANCELED);
  EXPECT_EQ(kept->failure_reason(), "approval_declined");
  EXPECT_EQ(ledger_double_.committed(), 0);
}

TEST_F(ApprovedPaymentsRpcTest, WhatTheLedgerNeverHeardOfHasNoReceipt) {
  const auto made = Make();
  v1::GetPaymentReceiptRequest request;
  request.set_payment_id(made->payment_id());
  const auto ask = [&] {
    rpc::Call call = NewCall();
    return runtime_.Run(judging_service_.GetPaymentReceipt(call, request)).status();
  };
  EXPECT_THAT(ask(), StatusHasReason(Reason::kNotSealedYet));
  ASSERT_THAT(Cancel(user_, made->payment_id()), IsOk());
  EXPECT_THAT(ask(), StatusHasReason(Reason::kPaymentCanceled));
}

TEST_F(ApprovedPaymentsRpcTest, CancelsWhatWaits) {
  const auto made = Make();
  EXPECT_THAT(Cancel(stranger_, made->payment_id()), StatusHasReason(Reason::kPaymentNotFound));
  EXPECT_THAT(Confirm(stranger_, made->payment_id()), StatusHasReason(Reason::kPaymentNotFound));
  const auto canceled = Cancel(user_, made->payment_id());
  ASSERT_THAT(canceled, IsOk());
  EXPECT_EQ(canceled->state(), v1::Payment::CANCELED);
  EXPECT_EQ(canceled->failure_reason(), "payment_canceled");
  EXPECT_EQ(Cancel(user_, made->payment_id())->DebugString(), canceled->DebugString());
  EXPECT_THAT(Confirm(user_, made->payment_id()), StatusHasReason(Reason::kPaymentCanceled));
  EXPECT_THAT(Cancel(user_, "pay_"), StatusHasReason(Reason::kInvalidId));
  EXPECT_THAT(Confirm(user_, "pay_"), StatusHasReason(Reason::kInvalidId));

  rpc::Call call = NewCall("own");
  const auto executed = runtime_.Run(judging_service_.CreatePayment(call, Request(1)));
  EXPECT_THAT(Cancel(user_, executed->payment_id()),
              StatusHasReason(Reason::kPaymentNotCancelable));
  // Nothing to confirm: it is given as it ended.
  EXPECT_EQ(Confirm(user_, executed->payment_id())->DebugString(), executed->DebugString());
}

TEST_F(PaymentsRpcTest, AReceiptIsTheLedgersProofOfTheTransaction) {
  rpc::Call create = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(create, Request(1)));
  ledger::v1::InclusionProof proof;
  proof.set_record(R"({"sequence":"1"})");
  proof.set_leaf_index(0);
  proof.add_path(std::string(32, '\0'));
  proof.add_path(std::string(32, '\xff'));
  const std::string checkpoint =
      "florin.local/main\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
      "time 2026-11-25T09:39:22.000001Z\n";
  proof.mutable_tree_head()->set_checkpoint(checkpoint);
  proof.mutable_tree_head()->set_key_id("0123456789abcdef");
  proof.mutable_tree_head()->set_algorithm("ed25519");
  proof.mutable_tree_head()->set_signature("\xfb\xff");
  proof_double_.SetAnswer(proof);

  v1::GetPaymentReceiptRequest request;
  request.set_payment_id(made->payment_id());
  rpc::Call call = NewCall();
  const auto response = runtime_.Run(service_.GetPaymentReceipt(call, request));
  ASSERT_THAT(response, IsOk());
  const v1::Receipt& receipt = response->receipt();
  EXPECT_EQ(receipt.format(), "florin.ledger.receipt.v1");
  EXPECT_EQ(receipt.origin(), "florin.local/main");
  EXPECT_EQ(receipt.record(), proof.record());
  EXPECT_EQ(receipt.leaf_index(), 0);
  EXPECT_EQ(receipt.tree_size(), 3);
  EXPECT_THAT(receipt.path(), ElementsAre("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                          "//////////////////////////////////////////8="));
  EXPECT_EQ(receipt.checkpoint(), checkpoint);
  EXPECT_EQ(receipt.key_id(), "0123456789abcdef");
  EXPECT_EQ(receipt.algorithm(), "ed25519");
  EXPECT_EQ(receipt.signature(), "+/8=");
  EXPECT_EQ(proof_double_.last_request().book(), "main");
  EXPECT_EQ(proof_double_.last_request().transaction_id(), made->transaction_id());
  EXPECT_EQ(proof_double_.last_request().tree_size(), 0);
}

TEST_F(PaymentsRpcTest, WithoutProofThereIsNoReceiptYet) {
  rpc::Call create = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(create, Request(1)));
  v1::GetPaymentReceiptRequest request;
  request.set_payment_id(made->payment_id());
  const auto ask = [&](Reason answer) {
    proof_double_.SetAnswer(Error(answer, "told to fail"));
    rpc::Call call = NewCall();
    return runtime_.Run(service_.GetPaymentReceipt(call, request)).status();
  };
  EXPECT_THAT(ask(Reason::kNotSealedYet), StatusHasReason(Reason::kNotSealedYet));
  EXPECT_THAT(ask(Reason::kUnavailable), StatusHasReason(Reason::kUnavailable));
  // A payment that has ended is in the ledger.
  EXPECT_THAT(ask(Reason::kTransactionNotFound), StatusHasReason(Reason::kInternal));
  // Nobody's business but the operators'.
  EXPECT_THAT(ask(Reason::kLogInconsistent), StatusHasReason(Reason::kInternal));
  proof_double_.SetAnswer(ledger::v1::InclusionProof());
  rpc::Call call = NewCall();
  EXPECT_THAT(runtime_.Run(service_.GetPaymentReceipt(call, request)),
              StatusHasReason(Reason::kInternal));
}

TEST_F(PaymentsRpcTest, APaymentInProcessingHasNoReceiptYet) {
  ledger_double_.SetFault(LedgerDouble::Fault::kUnavailable);
  rpc::Call create = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(create, Request(1)));
  EXPECT_THAT(made, StatusHasReason(Reason::kUnavailable));
  v1::GetPaymentReceiptRequest request;
  request.set_payment_id(DetailOf(made.status()).metadata.at("payment_id"));
  proof_double_.SetAnswer(Error(Reason::kTransactionNotFound, "nothing was decided"));
  rpc::Call call = NewCall();
  EXPECT_THAT(runtime_.Run(service_.GetPaymentReceipt(call, request)),
              StatusHasReason(Reason::kNotSealedYet));
}

TEST_F(PaymentsRpcTest, ReceiptsOfOthersDoNotExist) {
  rpc::Call create = NewCall("key");
  const auto made = runtime_.Run(service_.CreatePayment(create, Request(1)));
  v1::GetPaymentReceiptRequest request;
  request.set_payment_id(made->payment_id());
  rpc::Call foreign = CallOf(stranger_);
  EXPECT_THAT(runtime_.Run(service_.GetPaymentReceipt(foreign, request)),
              StatusHasReason(Reason::kPaymentNotFound));
  request.set_payment_id("pay_");
  rpc::Call malformed = NewCall();
  EXPECT_THAT(runtime_.Run(service_.GetPaymentReceipt(malformed, request)),
              StatusHasReason(Reason::kInvalidId));
  EXPECT_EQ(proof_double_.last_request().transaction_id(), "");
}

TEST_F(PaymentsRpcTest, ListsInPagesNewestFirst) {
  std::vector<std::string> newest_first;
  for (int i = 0; i < 5; ++i) {
    rpc::Call call = NewCall("key " + std::to_string(i));
    const auto made = runtime_.Run(service_.CreatePayment(call, Request(1)));
    newest_first.insert(newest_first.begin(), made->payment_id());
  }
  std::vector<std::string> seen;
  v1::ListPaymentsRequest request;
  request.set_page_size(2);
  int pages = 0;
  do {
    rpc::Call call = NewCall();
    const auto page = runtime_.Run(service_.ListPayments(call, request));
    ASSERT_THAT(page, IsOk());
    for (const v1::Payment& payment : page->payments()) seen.push_back(payment.payment_id());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, newest_first);
  EXPECT_EQ(pages, 3);

  rpc::Call foreign = CallOf(stranger_);
  EXPECT_THAT(runtime_.Run(service_.ListPayments(foreign, {}))->payments(), SizeIs(0));
  request.set_page_size(101);
  rpc::Call too_many = NewCall();
  EXPECT_THAT(runtime_.Run(service_.ListPayments(too_many, request)),
              StatusHasReason(Reason::kInvalidPageSize));
}

}  // namespace
}  // namespace florin::payments
