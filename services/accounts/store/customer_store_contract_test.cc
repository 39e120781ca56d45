// What every CustomerStore promises, held against PostgreSQL and the fake.
#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <class S>
class CustomerStoreContractTest : public ::testing::Test {
 protected:
  template <class Result, class... Parameters, class... Arguments>
  Result Call(Task<Result> (Store::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.store().*method)(std::forward<Arguments>(arguments)...));
  }
  template <class Result, class... Parameters, class... Arguments>
  Result Ask(Task<Result> (CustomerStore::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.customers().*method)(std::forward<Arguments>(arguments)...));
  }

  CustomerRef NewCustomer() {
    Customer customer{.customer_id = SystemIds().NewId(),
                      .user_id = user_,
                      .display_name = "Zoë",
                      .create_time = kStart};
    const Uuid id = customer.customer_id;
    EXPECT_THAT(Call(&Store::InsertCustomer, customer, KeyOf(id.ToString(), "content")), IsOk());
    return {.user_id = user_, .customer_id = id};
  }
  Account NewAccount(const CustomerRef& ref, bool open = true) {
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user_,
                    .customer_id = ref.customer_id,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Savings",
                    .create_time = kStart};
    EXPECT_THAT(
        Call(&Store::InsertAccount, account, KeyOf(account.account_id.ToString(), "content")),
        IsOk());
    if (!open) return account;
    EXPECT_THAT(Call(&Store::MarkOpen, account.account_id), IsOk());
    return account;
  }
  static audit::Event EventOf(const CustomerRef& ref, const std::string& action) {
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = action;
    event.subject = FormatId(IdKind::kCustomer, ref.customer_id);
    return event;
  }
  absl::StatusOr<CustomerRecord> Change(const CustomerRef& ref,
                                        const std::function<void(CustomerRecord&)>& edit) {
    Decide decide = [&edit](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before, .details = {{"test", "yes"}}};
      edit(decided.after);
      return decided;
    };
    return Ask(&CustomerStore::Change, ref, decide, EventOf(ref, "accounts.customer.update"));
  }
  void Leave(const CustomerRef& ref, CustomerState to, absl::Time next = kStart) {
    EXPECT_THAT(Change(ref,
                       [&](CustomerRecord& record) {
                         record.leaving_to = to;
                         record.next_attempt_time = next;
                         ++record.leaving_attempt;
                       }),
                IsOk());
  }
  Verification NewVerification(const CustomerRef& ref) {
    return {.verification_id = SystemIds().NewId(),
            .user_id = user_,
            .customer_id = ref.customer_id,
            .level = KycLevel::kBasic,
            .create_time = kStart,
            .update_time = kStart,
            .expire_time = kStart + absl::Hours(1)};
  }
  static absl::StatusOr<Decided> Accept(const CustomerRecord& before) {
    return Decided{.after = before};
  }
  absl::StatusOr<StoredVerification> Insert(const Verification& verification,
                                            const std::string& key, const std::string& content) {
    return Ask(&CustomerStore::InsertVerification, verification, KeyOf(key, content), kStart,
               Decide(&CustomerStoreContractTest::Accept));
  }
  absl::StatusOr<Verification> End(const Verification& verification, VerificationEvent what,
                                   Cause cause = Cause::kVerifier, const std::string& reason = "") {
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart + absl::Seconds(1);
    event.action = "accounts.verification." + std::string(NameOf(what));
    event.subject = FormatId(IdKind::kVerification, verification.verification_id);
    return Ask(&CustomerStore::EndVerification, verification.verification_id, what, cause, reason,
               event);
  }
  std::vector<std::string> EventsOf(IdKind kind, const Uuid& id) {
    return subject_.EventsOf(runtime_, FormatId(kind, id));
  }

  Profile Person() const {
    // Another address for each test: the database is shared.
    return {.kind = CustomerKind::kPerson,
            .given_name = "Zoë \"Z\"",
            .family_name = "\\ {Söhne}",
            .birth_date = "1990-02-28",
            .nationality = "IE",
            .address = {.line1 = "1 Quay", .city = "Dublin", .country = "IE"},
            .email = "Zoe-" + user_.ToString() + "@Example.com",
            .phone = phone_};
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const std::string phone_ =
      "+49" + std::to_string(1'000'000'000 + std::hash<Uuid>()(user_) % 8'000'000'000);
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(CustomerStoreContractTest, Subjects);

TYPED_TEST(CustomerStoreContractTest, ANewCustomerIsActiveAndUnknown) {
  const CustomerRef ref = this->NewCustomer();
  const CustomerRecord record = this->Ask(&CustomerStore::Get, ref).value();
  EXPECT_EQ(record.customer.display_name, "Zoë");
  EXPECT_EQ(record.customer.state, CustomerState::kActive);
  EXPECT_EQ(record.customer.kyc_level, KycLevel::kNone);
  EXPECT_EQ(record.customer.kind, CustomerKind::kUnknown);
  EXPECT_EQ(record.profile, Profile());
  EXPECT_FALSE(record.leaving_to || record.verification_pending || record.account_opening);
}

TYPED_TEST(CustomerStoreContractTest, AProfileIsKeptWhole) {
  const CustomerRef ref = this->NewCustomer();
  const auto changed =
      this->Change(ref, [&](CustomerRecord& record) { record.profile = this->Person(); });
  ASSERT_THAT(changed, IsOk());
  const CustomerRecord record = this->Ask(&CustomerStore::Get, ref).value();
  EXPECT_EQ(record, *changed);
  EXPECT_EQ(record.profile, this->Person());
  EXPECT_EQ(record.customer.kind, CustomerKind::kPerson);
  EXPECT_EQ(this->Call(&Store::GetCustomer, this->user_, ref.customer_id)->kind,
            CustomerKind::kPerson);
}

TYPED_TEST(CustomerStoreContractTest, AnotherUsersCustomerIsNotFound) {
  const CustomerRef ref = this->NewCustomer();
  const CustomerRef foreign{.user_id = SystemIds().NewId(), .customer_id = ref.customer_id};
  EXPECT_THAT(this->Ask(&CustomerStore::Get, foreign), StatusHasReason(Reason::kCustomerNotFound));
  EXPECT_THAT(this->Change(foreign, [](CustomerRecord&) {}),
              StatusHasReason(Reason::kCustomerNotFound));
  const CustomerRef anybodys{.user_id = std::nullopt, .customer_id = ref.customer_id};
  EXPECT_THAT(this->Ask(&CustomerStore::Get, anybodys), IsOk());
}

TYPED_TEST(CustomerStoreContractTest, AChangeIsInTheTrailAndNoChangeIsNot) {
  const CustomerRef ref = this->NewCustomer();
  const auto edit = [&](CustomerRecord& record) { record.profile = this->Person(); };
  for (int repeated = 0; repeated < 2; ++repeated) EXPECT_THAT(this->Change(ref, edit), IsOk());
  EXPECT_THAT(this->EventsOf(IdKind::kCustomer, ref.customer_id),
              ElementsAre(R"(accounts.customer.update {"test":"yes"})"));
}

TYPED_TEST(CustomerStoreContractTest, WhatIsRefusedChangesNothing) {
  const CustomerRef ref = this->NewCustomer();
  Decide refuse = [](const CustomerRecord&) -> absl::StatusOr<Decided> {
    return Error(Reason::kCustomerNotActive, "no");
  };
  EXPECT_THAT(this->Ask(&CustomerStore::Change, ref, refuse,
                        this->EventOf(ref, "accounts.customer.update")),
              StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_THAT(this->EventsOf(IdKind::kCustomer, ref.customer_id), IsEmpty());
}

TYPED_TEST(CustomerStoreContractTest, IsFoundByExactContactsAsTheyAreNow) {
  const CustomerRef ref = this->NewCustomer();
  EXPECT_THAT(this->Change(ref, [&](CustomerRecord& record) { record.profile = this->Person(); }),
              IsOk());
  const std::string email = NormalizeEmail(this->Person().email).value();
  const auto by_email = this->Ask(&CustomerStore::FindByEmail, email).value();
  ASSERT_THAT(by_email, SizeIs(1));
  EXPECT_EQ(by_email[0].customer_id, ref.customer_id);
  EXPECT_THAT(this->Ask(&CustomerStore::FindByPhone, this->phone_).value(), SizeIs(1));
  EXPECT_THAT(this->Ask(&CustomerStore::FindByEmail, email.substr(1)).value(), IsEmpty());
  EXPECT_THAT(this->Ask(&CustomerStore::FindByPhone, email).value(), IsEmpty());
  EXPECT_THAT(this->Change(ref, [](CustomerRecord& record) { record.profile.email = ""; }), IsOk());
  EXPECT_THAT(this->Ask(&CustomerStore::FindByEmail, email).value(), IsEmpty());
}

TYPED_TEST(CustomerStoreContractTest, OnlyAnActiveCustomerWhoStaysOpensAccounts) {
  const CustomerRef ref = this->NewCustomer();
  Account account{.account_id = SystemIds().NewId(),
                  .user_id = this->user_,
                  .customer_id = ref.customer_id,
                  .currency = *Currency::Parse("EUR"),
                  .create_time = kStart};
  const RequestKey key = KeyOf("account", "content");
  EXPECT_THAT(
      this->Change(
          ref, [](CustomerRecord& record) { record.customer.state = CustomerState::kSuspended; }),
      IsOk());
  EXPECT_THAT(this->Call(&Store::InsertAccount, account, key),
              StatusHasReason(Reason::kCustomerNotActive));
  EXPECT_THAT(
      this->Change(ref,
                   [](CustomerRecord& record) { record.customer.state = CustomerState::kActive; }),
      IsOk());
  this->Leave(ref, CustomerState::kClosed);
  EXPECT_THAT(this->Call(&Store::InsertAccount, account, key),
              StatusHasReason(Reason::kCustomerNotActive));
}

TYPED_TEST(CustomerStoreContractTest, ShowsAllAccountsAndWhatIsOpening) {
  const CustomerRef ref = this->NewCustomer();
  const Account open = this->NewAccount(ref);
  const Account opening = this->NewAccount(ref, false);
  EXPECT_TRUE(this->Ask(&CustomerStore::Get, ref)->account_opening);
  const auto all = this->Ask(&CustomerStore::ListAccountsOf, this->user_, ref.customer_id).value();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].account_id, open.account_id);
  EXPECT_EQ(all[0].state, AccountState::kOpen);
  EXPECT_EQ(all[1].account_id, opening.account_id);
  EXPECT_THAT(
      this->Ask(&CustomerStore::ListAccountsOf, SystemIds().NewId(), ref.customer_id).value(),
      IsEmpty());
}

TYPED_TEST(CustomerStoreContractTest, AKnownKeyGivesTheVerificationThatHasIt) {
  const CustomerRef ref = this->NewCustomer();
  const Verification first = this->NewVerification(ref);
  const auto stored = this->Insert(first, "key", "content");
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->verification, first);
  EXPECT_TRUE(this->Ask(&CustomerStore::Get, ref)->verification_pending);
  const auto again = this->Insert(this->NewVerification(ref), "key", "content");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->verification, first);
  EXPECT_TRUE(again->same_request);
  EXPECT_FALSE(this->Insert(this->NewVerification(ref), "key", "other")->same_request);
  EXPECT_THAT(this->EventsOf(IdKind::kVerification, first.verification_id), SizeIs(1));
  EXPECT_THAT(this->Ask(&CustomerStore::ListVerifications, this->user_, ref.customer_id).value(),
              ElementsAre(first));
}

TYPED_TEST(CustomerStoreContractTest, AVerificationIsItsCustomersOnly) {
  const CustomerRef ref = this->NewCustomer();
  const CustomerRef sibling = this->NewCustomer();
  const Verification mine = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(mine, "key", "content"), IsOk());
  const CustomerRef foreign{.user_id = SystemIds().NewId(), .customer_id = ref.customer_id};
  EXPECT_THAT(this->Ask(&CustomerStore::GetVerification, ref, mine.verification_id), IsOk());
  for (const CustomerRef& other : {foreign, sibling}) {
    EXPECT_THAT(this->Ask(&CustomerStore::GetVerification, other, mine.verification_id),
                StatusHasReason(Reason::kVerificationNotFound));
  }
  EXPECT_EQ(this->Ask(&CustomerStore::FindVerification, mine.verification_id).value(), mine);
}

TYPED_TEST(CustomerStoreContractTest, AnApprovalRaisesTheLevelOnce) {
  const CustomerRef ref = this->NewCustomer();
  const Verification asked = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(asked, "key", "content"), IsOk());
  const auto approved = this->End(asked, VerificationEvent::kApprove);
  ASSERT_THAT(approved, IsOk());
  EXPECT_EQ(approved->state, VerificationState::kApproved);
  EXPECT_EQ(approved->update_time, kStart + absl::Seconds(1));
  // Twice, and late with the opposite.
  EXPECT_EQ(this->End(asked, VerificationEvent::kApprove).value(), *approved);
  EXPECT_EQ(this->End(asked, VerificationEvent::kReject, Cause::kVerifier, "late").value(),
            *approved);
  EXPECT_EQ(this->Ask(&CustomerStore::Get, ref)->customer.kyc_level, KycLevel::kBasic);
  EXPECT_THAT(this->EventsOf(IdKind::kVerification, asked.verification_id), SizeIs(2));
  EXPECT_THAT(this->End(this->NewVerification(ref), VerificationEvent::kApprove),
              StatusHasReason(Reason::kVerificationNotFound));
}

TYPED_TEST(CustomerStoreContractTest, ARejectionHasItsReasonAndNoLevel) {
  const CustomerRef ref = this->NewCustomer();
  const Verification asked = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(asked, "key", "content"), IsOk());
  const auto rejected =
      this->End(asked, VerificationEvent::kReject, Cause::kOperator, "document_expired");
  ASSERT_THAT(rejected, IsOk());
  EXPECT_EQ(rejected->state, VerificationState::kRejected);
  EXPECT_EQ(rejected->reason, "document_expired");
  EXPECT_EQ(this->Ask(&CustomerStore::Get, ref)->customer.kyc_level, KycLevel::kNone);
  // Another one may begin.
  EXPECT_THAT(this->Insert(this->NewVerification(ref), "2", "content"), IsOk());
}

TYPED_TEST(CustomerStoreContractTest, WhatIsDueIsClaimedByOneOnly) {
  const CustomerRef ref = this->NewCustomer();
  EXPECT_THAT(this->Change(ref, [&](CustomerRecord& record) { record.profile = this->Person(); }),
              IsOk());
  const Verification asked = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(asked, "key", "content"), IsOk());
  const auto mine = [&](const std::vector<DueVerification>& due) {
    return std::ranges::count(due, asked.verification_id, [](const DueVerification& one) {
      return one.verification.verification_id;
    });
  };
  const absl::Time next = kStart + absl::Seconds(10);
  const absl::Time early = kStart - absl::Microseconds(1);
  EXPECT_EQ(mine(this->Ask(&CustomerStore::ClaimVerifications, early, next, 1000).value()), 0);
  const auto due = this->Ask(&CustomerStore::ClaimVerifications, kStart, next, 1000).value();
  ASSERT_EQ(mine(due), 1);
  for (const DueVerification& one : due) {
    if (one.verification.verification_id == asked.verification_id) {
      EXPECT_EQ(one.profile, this->Person());
    }
  }
  EXPECT_EQ(mine(this->Ask(&CustomerStore::ClaimVerifications, kStart, next, 1000).value()), 0);
  EXPECT_EQ(mine(this->Ask(&CustomerStore::ClaimVerifications, next, next, 1000).value()), 1);
  ASSERT_THAT(this->End(asked, VerificationEvent::kExpire, Cause::kService), IsOk());
  EXPECT_EQ(mine(this->Ask(&CustomerStore::ClaimVerifications, next, next, 1000).value()), 0);
}

TYPED_TEST(CustomerStoreContractTest, WhoLeavesIsClaimedByOneOnly) {
  const CustomerRef ref = this->NewCustomer();
  this->Leave(ref, CustomerState::kErased);
  const auto mine = [&](absl::Time now, absl::Time next) {
    const auto leaving = this->Ask(&CustomerStore::ClaimLeaving, now, next, 1000).value();
    return std::ranges::count(leaving, ref.customer_id,
                              [](const CustomerRecord& one) { return one.customer.customer_id; });
  };
  const absl::Time next = kStart + absl::Seconds(10);
  EXPECT_EQ(mine(kStart - absl::Microseconds(1), next), 0);
  EXPECT_EQ(mine(kStart, next), 1);
  EXPECT_EQ(mine(kStart, next), 0);
  EXPECT_EQ(mine(next, next), 1);
}

TYPED_TEST(CustomerStoreContractTest, AClosedCustomerKeepsItsData) {
  const CustomerRef ref = this->NewCustomer();
  const Account account = this->NewAccount(ref);
  EXPECT_THAT(this->Change(ref, [&](CustomerRecord& record) { record.profile = this->Person(); }),
              IsOk());
  const Verification pending = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(pending, "key", "content"), IsOk());
  this->Leave(ref, CustomerState::kClosed);
  const auto closed = this->Ask(&CustomerStore::FinishLeaving, ref, 1, kStart, audit::Origin());
  ASSERT_THAT(closed, IsOk());
  EXPECT_EQ(closed->state, CustomerState::kClosed);
  const CustomerRecord record = this->Ask(&CustomerStore::Get, ref).value();
  EXPECT_EQ(record.profile, this->Person());
  EXPECT_FALSE(record.leaving_to);
  EXPECT_THAT(this->Call(&Store::GetAccount, this->user_, account.account_id),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_EQ(this->Ask(&CustomerStore::GetVerification, ref, pending.verification_id)->state,
            VerificationState::kExpired);
  EXPECT_THAT(this->EventsOf(IdKind::kCustomer, ref.customer_id),
              Contains("accounts.customer.close {}"));
  EXPECT_THAT(this->EventsOf(IdKind::kAccount, account.account_id), SizeIs(1));
}

// In clear, for payments' limits: where the profile says that they live.
TYPED_TEST(CustomerStoreContractTest, AnAccountHasItsCustomersCountry) {
  const CustomerRef ref = this->NewCustomer();
  const Account account = this->NewAccount(ref);
  const auto country = [&] {
    const std::vector<Uuid> ids = {account.account_id};
    return this->Call(&Store::LookUp, ids).value().at(0).country;
  };
  EXPECT_EQ(country(), "");
  const auto change = [&](const std::string& home, const std::string& incorporated) {
    EXPECT_THAT(this->Change(ref,
                             [&](CustomerRecord& record) {
                               record.profile.address.country = home;
                               record.profile.country_of_incorporation = incorporated;
                             }),
                IsOk());
  };
  change("FR", "");
  EXPECT_EQ(country(), "FR");
  change("FR", "DE");
  EXPECT_EQ(country(), "FR");
  change("", "DE");
  EXPECT_EQ(country(), "DE");
  change("", "");
  EXPECT_EQ(country(), "");
}

TYPED_TEST(CustomerStoreContractTest, OfAnErasedCustomerNothingIsLeft) {
  const CustomerRef ref = this->NewCustomer();
  const Account account = this->NewAccount(ref);
  EXPECT_THAT(this->Change(ref, [&](CustomerRecord& record) { record.profile = this->Person(); }),
              IsOk());
  const Verification asked = this->NewVerification(ref);
  ASSERT_THAT(this->Insert(asked, "key", "content"), IsOk());
  ASSERT_THAT(this->End(asked, VerificationEvent::kReject, Cause::kVerifier, "blurred"), IsOk());
  this->Leave(ref, CustomerState::kErased);
  for (int repeated = 0; repeated < 2; ++repeated) {
    const auto erased = this->Ask(&CustomerStore::FinishLeaving, ref, 1, kStart, audit::Origin());
    ASSERT_THAT(erased, IsOk());
    EXPECT_EQ(erased->state, CustomerState::kErased);
    EXPECT_EQ(erased->display_name, "");
    EXPECT_EQ(erased->kind, CustomerKind::kUnknown);
  }
  EXPECT_THAT(this->Ask(&CustomerStore::Get, ref), StatusHasReason(Reason::kCustomerErased));
  EXPECT_THAT(this->Call(&Store::GetCustomer, this->user_, ref.customer_id),
              StatusHasReason(Reason::kCustomerErased));
  EXPECT_THAT(this->Insert(this->NewVerification(ref), "2", "content"),
              StatusHasReason(Reason::kCustomerErased));
  const std::string email = NormalizeEmail(this->Person().email).value();
  EXPECT_THAT(this->Ask(&CustomerStore::FindByEmail, email).value(), IsEmpty());
  EXPECT_THAT(this->Ask(&CustomerStore::FindByPhone, this->phone_).value(), IsEmpty());
  const auto accounts =
      this->Ask(&CustomerStore::ListAccountsOf, this->user_, ref.customer_id).value();
  ASSERT_THAT(accounts, SizeIs(1));
  EXPECT_EQ(accounts[0].display_name, "");
  EXPECT_EQ(accounts[0].state, AccountState::kClosed);
  const std::vector<Uuid> ids = {account.account_id};
  EXPECT_THAT(this->Call(&Store::LookUp, ids).value(), IsEmpty());
  EXPECT_EQ(this->Ask(&CustomerStore::FindVerification, asked.verification_id)->reason, "");
  // The requests that made it and its account are known, and get nothing else.
  EXPECT_THAT(
      this->Call(&Store::InsertAccount, account, KeyOf(account.account_id.ToString(), "content")),
      StatusHasReason(Reason::kCustomerErased));
  Customer again{.customer_id = SystemIds().NewId(),
                 .user_id = this->user_,
                 .display_name = "Zoë",
                 .create_time = kStart};
  EXPECT_THAT(
      this->Call(&Store::InsertCustomer, again, KeyOf(ref.customer_id.ToString(), "content")),
      StatusHasReason(Reason::kCustomerErased));
  EXPECT_THAT(this->EventsOf(IdKind::kCustomer, ref.customer_id),
              Contains("accounts.customer.erase {}").Times(1));
}

TYPED_TEST(CustomerStoreContractTest, AnotherAttemptsEndHasNoEffect) {
  const CustomerRef ref = this->NewCustomer();
  EXPECT_EQ(this->Ask(&CustomerStore::FinishLeaving, ref, 0, kStart, audit::Origin())->state,
            CustomerState::kActive);
  this->Leave(ref, CustomerState::kErased);
  EXPECT_EQ(this->Ask(&CustomerStore::FinishLeaving, ref, 2, kStart, audit::Origin())->state,
            CustomerState::kActive);
}

}  // namespace
}  // namespace florin::accounts
