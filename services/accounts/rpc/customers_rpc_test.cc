#include "services/accounts/rpc/customers_rpc.h"

#include "libs/audit/fake_recorder.h"
#include "services/accounts/flow/accounts_fixture.h"
#include "services/accounts/flow/sandbox_verifier.h"
#include "services/accounts/rpc/accounts_rpc.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::SizeIs;

class CustomersRpcTest : public AccountsFixture {
 protected:
  template <class Response, class Request>
  absl::StatusOr<Response> Ask(
      Task<absl::StatusOr<Response>> (CustomersRpc::*method)(rpc::Call&, const Request&),
      const Uuid& user, const Request& request, const std::string& key = "") {
    rpc::Outgoing incoming;
    incoming.idempotency_key = key;
    rpc::Principal principal{.user_id = FormatId(IdKind::kUser, user)};
    rpc::Call call("gateway", incoming, principal, true);
    absl::StatusOr<Response> response = runtime_.Run((service_.*method)(call, request));
    replayed_ = call.replayed();
    return response;
  }
  std::string Id() const { return FormatId(IdKind::kCustomer, customer_); }
  template <class Request>
  Request Of() const {
    Request request;
    request.set_customer_id(Id());
    return request;
  }

  v1::Profile Person() const {
    v1::Profile profile;
    profile.set_kind(v1::Customer::PERSON);
    profile.set_given_name("Zoë");
    profile.set_family_name("Brien");
    profile.set_birth_date("1990-02-28");
    profile.set_nationality("IE");
    profile.set_email("Zoe@Example.com");
    profile.set_phone("+353871234567");
    v1::Address& address = *profile.mutable_address();
    address.set_line1("1 Quay");
    address.set_line2("Floor 2");
    address.set_postal_code("D02");
    address.set_city("Dublin");
    address.set_region("Leinster");
    address.set_country("IE");
    return profile;
  }
  absl::StatusOr<v1::CustomerProfile> Update(const v1::Profile& profile,
                                             const std::vector<std::string>& mask = {}) {
    auto request = Of<v1::UpdateProfileRequest>();
    *request.mutable_profile() = profile;
    for (const std::string& name : mask) request.add_update_mask(name);
    return Ask(&CustomersRpc::UpdateProfile, user_, request);
  }
  absl::StatusOr<v1::Verification> Verify(const std::string& key,
                                          v1::Customer::KycLevel level = v1::Customer::BASIC) {
    auto request = Of<v1::RequestVerificationRequest>();
    request.set_level(level);
    return Ask(&CustomersRpc::RequestVerification, user_, request, key);
  }
  absl::StatusOr<v1::CustomerProfile> Get(const Uuid& user) {
    return Ask(&CustomersRpc::GetProfile, user, Of<v1::GetProfileRequest>());
  }
  absl::StatusOr<v1::FindCustomersResponse> Find(const std::string& email,
                                                 const std::string& phone) {
    v1::FindCustomersRequest request;
    request.set_email(email);
    request.set_phone(phone);
    return Ask(&CustomersRpc::FindCustomers, stranger_, request);
  }
  void Erase() {
    ASSERT_THAT(Ask(&CustomersRpc::EraseCustomer, user_, Of<v1::EraseCustomerRequest>()), IsOk());
  }

  audit::FakeRecorder recorder_;
  SandboxVerifier sandbox_;
  CustomerChanges changes_{store_, recorder_, clock_, SystemIds()};
  Verifications verifications_{store_, &sandbox_, clock_, SystemIds()};
  CustomersRpc service_{store_, store_, store_, changes_, verifications_, leave_, telling_};
  bool replayed_ = false;
};

TEST_F(CustomersRpcTest, AProfileComesBackAsItWasGiven) {
  const auto updated = Update(Person());
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->profile().DebugString(), Person().DebugString());
  EXPECT_EQ(updated->customer().kind(), v1::Customer::PERSON);
  EXPECT_EQ(updated->customer().state(), v1::Customer::ACTIVE);
  EXPECT_EQ(updated->customer().kyc_level(), v1::Customer::NONE);
  EXPECT_EQ(Get(user_)->DebugString(), updated->DebugString());
}

TEST_F(CustomersRpcTest, TheMaskSaysWhatChanges) {
  ASSERT_THAT(Update(Person()), IsOk());
  v1::Profile other;
  other.set_email("new@example.com");
  const auto cleared = Update(other, {"email", "address"});
  ASSERT_THAT(cleared, IsOk());
  EXPECT_EQ(cleared->profile().email(), "new@example.com");
  EXPECT_FALSE(cleared->profile().has_address());
  EXPECT_EQ(cleared->profile().phone(), "+353871234567");
  EXPECT_THAT(Update(other, {"emails"}), StatusHasReason(Reason::kUnknownField));
}

TEST_F(CustomersRpcTest, BadDataNamesTheField) {
  v1::Profile bad = Person();
  bad.set_birth_date("2027-01-15");  // The clock says 2026.
  EXPECT_THAT(Update(bad).status(), AllOf(StatusHasReason(Reason::kInvalidPersonalData),
                                          StatusHasParam("profile.birth_date")));
  EXPECT_THAT(Get(user_)->profile().given_name(), "");
}

TEST_F(CustomersRpcTest, AnothersCustomerDoesNotExist) {
  ASSERT_THAT(Update(Person()), IsOk());
  const auto verification = Verify("key");
  ASSERT_THAT(verification, IsOk());
  const auto missing = StatusHasReason(Reason::kCustomerNotFound);
  EXPECT_THAT(Get(stranger_), missing);
  EXPECT_THAT(Ask(&CustomersRpc::UpdateProfile, stranger_, Of<v1::UpdateProfileRequest>()),
              missing);
  auto asked = Of<v1::RequestVerificationRequest>();
  asked.set_level(v1::Customer::BASIC);
  EXPECT_THAT(Ask(&CustomersRpc::RequestVerification, stranger_, asked, "key"), missing);
  EXPECT_THAT(Ask(&CustomersRpc::ExportCustomer, stranger_, Of<v1::ExportCustomerRequest>()),
              missing);
  EXPECT_THAT(Ask(&CustomersRpc::CloseCustomer, stranger_, Of<v1::CloseCustomerRequest>()),
              missing);
  EXPECT_THAT(Ask(&CustomersRpc::EraseCustomer, stranger_, Of<v1::EraseCustomerRequest>()),
              missing);
  auto get = Of<v1::GetVerificationRequest>();
  get.set_verification_id(verification->verification_id());
  EXPECT_THAT(Ask(&CustomersRpc::GetVerification, stranger_, get),
              StatusHasReason(Reason::kVerificationNotFound));
  EXPECT_THAT(Ask(&CustomersRpc::GetVerification, user_, get), IsOk());
  // The answers are the same as for one that is not there.
  v1::GetProfileRequest nobody;
  nobody.set_customer_id(FormatId(IdKind::kCustomer, SystemIds().NewId()));
  EXPECT_EQ(Ask(&CustomersRpc::GetProfile, user_, nobody).status(), Get(stranger_).status());
}

TEST_F(CustomersRpcTest, AVerificationRaisesTheLevelAndANewIdentityTakesItAway) {
  ASSERT_THAT(Update(Person()), IsOk());
  const auto asked = Verify("key", v1::Customer::FULL);
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->state(), v1::Verification::PENDING);
  v1::Profile other;
  other.set_family_name("Other");
  EXPECT_THAT(Update(other), StatusHasReason(Reason::kVerificationPending));
  EXPECT_THAT(Verify("2"), StatusHasReason(Reason::kVerificationPending));
  EXPECT_EQ(Verify("key", v1::Customer::FULL)->verification_id(), asked->verification_id());
  EXPECT_TRUE(replayed_);
  ASSERT_EQ(runtime_.Run(verifications_.RunOnce()).value(), 1);
  auto get = Of<v1::GetVerificationRequest>();
  get.set_verification_id(asked->verification_id());
  EXPECT_EQ(Ask(&CustomersRpc::GetVerification, user_, get)->state(), v1::Verification::APPROVED);
  EXPECT_EQ(Get(user_)->customer().kyc_level(), v1::Customer::FULL);
  v1::Profile contact;
  contact.set_phone("+353871234568");
  EXPECT_EQ(Update(contact)->customer().kyc_level(), v1::Customer::FULL);
  EXPECT_EQ(Update(other)->customer().kyc_level(), v1::Customer::NONE);
  EXPECT_THAT(Verify("3", v1::Customer::NONE), StatusHasReason(Reason::kInvalidField));
}

TEST_F(CustomersRpcTest, OperatorsFindByExactContactsAndTheTrailSaysSo) {
  ASSERT_THAT(Update(Person()), IsOk());
  const auto found = Find("ZOE@example.COM", "");
  ASSERT_THAT(found, IsOk());
  ASSERT_THAT(found->customers(), SizeIs(1));
  EXPECT_EQ(found->customers(0).customer_id(), Id());
  EXPECT_EQ(found->customers(0).user_id(), FormatId(IdKind::kUser, user_));
  EXPECT_THAT(Find("", "+353 87 123 4567")->customers(), SizeIs(1));
  EXPECT_THAT(Find("zoe@example.co", "")->customers(), SizeIs(0));
  const std::vector<audit::Event> events = recorder_.events();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].action, "accounts.customer.find");
  EXPECT_EQ(events[0].subject, Id());
  EXPECT_EQ(events[0].actor, FormatId(IdKind::kUser, stranger_));
  EXPECT_EQ(events[1].details.at("by"), "phone");
  EXPECT_EQ(events[2].subject, "");
  for (const audit::Event& event : events) {
    const std::string line = audit::EncodeEvent(event);
    EXPECT_EQ(line.find("zoe"), std::string::npos) << line;
    EXPECT_EQ(line.find("353"), std::string::npos) << line;
  }
  EXPECT_THAT(Find("", ""), StatusHasReason(Reason::kInvalidPersonalData));
  EXPECT_THAT(Find("zoe@example.com", "+353871234567"),
              StatusHasReason(Reason::kInvalidPersonalData));
}

TEST_F(CustomersRpcTest, WhatLeavesNoTraceIsNotShown) {
  ASSERT_THAT(Update(Person()), IsOk());
  recorder_.SetAnswer(Error(Reason::kUnavailable, "told to fail"));
  EXPECT_THAT(Find("zoe@example.com", ""), StatusHasReason(Reason::kUnavailable));
  EXPECT_THAT(Ask(&CustomersRpc::ExportCustomer, user_, Of<v1::ExportCustomerRequest>()),
              StatusHasReason(Reason::kUnavailable));
}

TEST_F(CustomersRpcTest, OperatorsSuspendAndReactivateOthersCustomers) {
  const auto suspend = Of<v1::SuspendCustomerRequest>();
  const auto reactivate = Of<v1::ReactivateCustomerRequest>();
  EXPECT_THAT(Ask(&CustomersRpc::SuspendCustomer, user_, suspend),
              StatusHasReason(Reason::kSelfApproval));
  for (int repeated = 0; repeated < 2; ++repeated) {
    EXPECT_EQ(Ask(&CustomersRpc::SuspendCustomer, stranger_, suspend)->state(),
              v1::Customer::SUSPENDED);
  }
  EXPECT_THAT(Update(Person()), StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_THAT(Ask(&CustomersRpc::EraseCustomer, user_, Of<v1::EraseCustomerRequest>()),
              StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_THAT(Ask(&CustomersRpc::ExportCustomer, user_, Of<v1::ExportCustomerRequest>()), IsOk());
  EXPECT_THAT(Ask(&CustomersRpc::ReactivateCustomer, user_, reactivate),
              StatusHasReason(Reason::kSelfApproval));
  EXPECT_EQ(Ask(&CustomersRpc::ReactivateCustomer, stranger_, reactivate)->state(),
            v1::Customer::ACTIVE);
  EXPECT_THAT(Update(Person()), IsOk());
}

TEST_F(CustomersRpcTest, AnExportHasEverything) {
  ASSERT_THAT(Update(Person()), IsOk());
  const auto opened = Open(Request("account"));
  ASSERT_THAT(opened, IsOk());
  const auto verification = Verify("key");
  const auto all = Ask(&CustomersRpc::ExportCustomer, user_, Of<v1::ExportCustomerRequest>());
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(all->user_id(), FormatId(IdKind::kUser, user_));
  EXPECT_EQ(all->customer().display_name(), "Zoë");
  EXPECT_EQ(all->profile().DebugString(), Person().DebugString());
  ASSERT_THAT(all->accounts(), SizeIs(1));
  EXPECT_EQ(all->accounts(0).display_name(), "Savings");
  EXPECT_EQ(all->accounts(0).account_id(), FormatId(IdKind::kAccount, opened->account.account_id));
  EXPECT_FALSE(all->accounts(0).closed());
  ASSERT_THAT(all->verifications(), SizeIs(1));
  EXPECT_EQ(all->verifications(0).DebugString(), verification->DebugString());
  ASSERT_THAT(recorder_.events(), SizeIs(1));
  EXPECT_EQ(recorder_.events()[0].action, "accounts.customer.export");
}

TEST_F(CustomersRpcTest, AnErasedCustomerIsGoneForEverybody) {
  ASSERT_THAT(Update(Person()), IsOk());
  const auto verification = Verify("key");
  Erase();
  Erase();
  const auto gone = StatusHasReason(Reason::kCustomerErased);
  EXPECT_THAT(Get(user_), gone);
  EXPECT_THAT(Update(Person()), gone);
  EXPECT_THAT(Verify("key"), gone);
  EXPECT_THAT(Verify("2"), gone);
  EXPECT_THAT(Ask(&CustomersRpc::ExportCustomer, user_, Of<v1::ExportCustomerRequest>()), gone);
  EXPECT_THAT(Ask(&CustomersRpc::CloseCustomer, user_, Of<v1::CloseCustomerRequest>()), gone);
  EXPECT_THAT(Ask(&CustomersRpc::SuspendCustomer, stranger_, Of<v1::SuspendCustomerRequest>()),
              gone);
  auto get = Of<v1::GetVerificationRequest>();
  get.set_verification_id(verification->verification_id());
  EXPECT_THAT(Ask(&CustomersRpc::GetVerification, user_, get), gone);
  EXPECT_THAT(Find("zoe@example.com", "")->customers(), SizeIs(0));
  EXPECT_THAT(Get(stranger_), StatusHasReason(Reason::kCustomerNotFound));
  // A result that comes now changes nothing.
  ASSERT_EQ(runtime_.Run(verifications_.RunOnce()).value(), 1);
  EXPECT_THAT(Get(user_), gone);
}

TEST_F(CustomersRpcTest, AccountsOfAnErasedCustomerAreLookedUpInVain) {
  const auto opened = Open(Request("account"));
  ASSERT_THAT(opened, IsOk());
  AccountsRpc accounts(store_, store_, open_, ledger_reader_, clock_, SystemIds(),
                       *Books::Make("main"));
  v1::LookUpAccountsRequest request;
  request.add_account_ids(FormatId(IdKind::kAccount, opened->account.account_id));
  const auto look = [&] {
    rpc::Outgoing incoming;
    rpc::Call call("payments", incoming, rpc::Principal(), false);
    return runtime_.Run(accounts.LookUpAccounts(call, request)).value();
  };
  EXPECT_THAT(look().accounts(), SizeIs(1));
  Erase();
  EXPECT_THAT(look().accounts(), SizeIs(0));
}

TEST_F(CustomersRpcTest, AClientsOwnTokenHasNoCustomers) {
  rpc::Outgoing incoming;
  const rpc::Principal client{.user_id = "shop", .client_id = "shop"};
  rpc::Call call("gateway", incoming, client, true);
  const auto request = Of<v1::GetProfileRequest>();
  EXPECT_THAT(runtime_.Run(service_.GetProfile(call, request)),
              StatusHasReason(Reason::kUserTokenRequired));
}

}  // namespace
}  // namespace florin::accounts
