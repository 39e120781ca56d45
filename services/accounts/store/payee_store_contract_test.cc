// What every PayeeStore promises, held against PostgreSQL and the fake; and that nothing of a payee
// is plain in the table.
#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

template <class S>
class PayeeStoreContractTest : public ::testing::Test {
 protected:
  template <class Result, class... Parameters, class... Arguments>
  Result Ask(Task<Result> (PayeeStore::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.payees().*method)(std::forward<Arguments>(arguments)...));
  }
  Uuid NewCustomer(const Uuid& user) {
    const Customer customer{.customer_id = SystemIds().NewId(),
                            .user_id = user,
                            .display_name = "Ada",
                            .create_time = kStart};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertCustomer(
                    customer, KeyOf(customer.customer_id.ToString(), "content"))),
                IsOk());
    return customer.customer_id;
  }
  Payee NewPayee(std::optional<Uuid> account) {
    return {.payee_id = SystemIds().NewId(),
            .user_id = user_,
            .customer_id = customer_,
            .account_id = account,
            .details = {.name = "Zoë Quuxpayee", .iban = account ? "" : "DE89370400440532013000"},
            .name_match = account ? NameMatch::kCloseMatch : NameMatch::kNotAvailable,
            .create_time = kStart,
            .usable_time = kStart + absl::Hours(24)};
  }
  audit::Event EventOf(const std::string& verb, const Payee& payee) {
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.payee." + verb;
    event.actor = FormatId(IdKind::kUser, user_);
    event.subject = FormatId(IdKind::kPayee, payee.payee_id);
    return event;
  }
  absl::StatusOr<StoredPayee> Insert(const Payee& payee, const std::string& key,
                                     const std::string& content = "content") {
    return Ask(&PayeeStore::InsertPayee, payee, KeyOf(key, content), EventOf("create", payee));
  }
  absl::StatusOr<Payee> Delete(const Payee& payee) {
    return Ask(&PayeeStore::DeletePayee, user_, payee.payee_id, EventOf("delete", payee));
  }
  void Become(CustomerState state) {
    const CustomerRef ref{.user_id = user_, .customer_id = customer_};
    Decide decide = [state](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before};
      if (state == CustomerState::kSuspended) {
        decided.after.customer.state = state;
        return decided;
      }
      decided.after.leaving_to = state;
      decided.after.leaving_attempt = 1;
      decided.after.next_attempt_time = kStart;
      return decided;
    };
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.customer.leave";
    EXPECT_THAT(runtime_.Run(subject_.customers().Change(ref, decide, event)), IsOk());
    if (state == CustomerState::kSuspended) return;
    EXPECT_THAT(runtime_.Run(subject_.customers().FinishLeaving(ref, 1, kStart, audit::Origin())),
                IsOk());
  }

  async::Runtime runtime_{1};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
  const Uuid customer_ = NewCustomer(user_);
  const Uuid account_ = SystemIds().NewId();
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(PayeeStoreContractTest, Subjects);

TYPED_TEST(PayeeStoreContractTest, APayeeIsKeptWholeAndOnceForItsKey) {
  const Payee inside = this->NewPayee(this->account_);
  const Payee outside = this->NewPayee(std::nullopt);
  EXPECT_EQ(this->Insert(inside, "1")->payee, inside);
  EXPECT_EQ(this->Insert(outside, "2")->payee, outside);
  for (const Payee& payee : {inside, outside}) {
    EXPECT_EQ(this->Ask(&PayeeStore::GetPayee, this->user_, payee.payee_id).value(), payee);
  }
  const auto again = this->Insert(this->NewPayee(this->account_), "1");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->payee, inside);
  EXPECT_TRUE(again->same_request);
  EXPECT_FALSE(this->Insert(inside, "1", "other")->same_request);
  const auto known = this->Ask(&PayeeStore::FindPayeeOfKey, this->user_, KeyOf("1", "content"));
  EXPECT_EQ((*known)->payee, inside);
  EXPECT_TRUE((*known)->same_request);
  EXPECT_FALSE(
      this->Ask(&PayeeStore::FindPayeeOfKey, this->user_, KeyOf("3", "content"))->has_value());
  EXPECT_THAT(this->subject_.EventsOf(this->runtime_, FormatId(IdKind::kPayee, inside.payee_id)),
              ElementsAre("accounts.payee.create {}"));
}

TYPED_TEST(PayeeStoreContractTest, AnothersPayeeIsNotFound) {
  const Payee payee = this->NewPayee(this->account_);
  ASSERT_THAT(this->Insert(payee, "1"), IsOk());
  const Uuid stranger = SystemIds().NewId();
  EXPECT_THAT(this->Ask(&PayeeStore::GetPayee, stranger, payee.payee_id),
              StatusHasReason(Reason::kPayeeNotFound));
  EXPECT_THAT(
      this->Ask(&PayeeStore::DeletePayee, stranger, payee.payee_id, this->EventOf("delete", payee)),
      StatusHasReason(Reason::kPayeeNotFound));
  Payee foreign = this->NewPayee(this->account_);
  foreign.user_id = stranger;
  EXPECT_THAT(this->Insert(foreign, "2"), StatusHasReason(Reason::kCustomerNotFound));
}

TYPED_TEST(PayeeStoreContractTest, ADeletedOneHasNothingLeft) {
  const Payee payee = this->NewPayee(this->account_);
  ASSERT_THAT(this->Insert(payee, "1"), IsOk());
  for (int repeated = 0; repeated < 2; ++repeated) {
    const auto deleted = this->Delete(payee);
    ASSERT_THAT(deleted, IsOk());
    EXPECT_EQ(deleted->state, PayeeState::kDeleted);
    EXPECT_EQ(deleted->details, PayeeDetails());
  }
  EXPECT_THAT(this->Ask(&PayeeStore::GetPayee, this->user_, payee.payee_id),
              StatusHasReason(Reason::kPayeeNotFound));
  EXPECT_THAT(this->Ask(&PayeeStore::ListPayees, this->user_, std::nullopt, 9).value(), IsEmpty());
  EXPECT_THAT(
      this->Ask(&PayeeStore::FindSaved, this->user_, std::vector<Uuid>{this->account_}).value(),
      IsEmpty());
  // The request that saved it saves no other.
  EXPECT_EQ(this->Insert(payee, "1")->payee.state, PayeeState::kDeleted);
  EXPECT_THAT(this->subject_.EventsOf(this->runtime_, FormatId(IdKind::kPayee, payee.payee_id)),
              SizeIs(2));
}

TYPED_TEST(PayeeStoreContractTest, AreListedInPages) {
  std::vector<Payee> payees;
  for (int i = 0; i < 3; ++i) {
    payees.push_back(this->NewPayee(this->account_));
    ASSERT_THAT(this->Insert(payees.back(), std::to_string(i)), IsOk());
  }
  EXPECT_THAT(this->Ask(&PayeeStore::ListPayees, this->user_, std::nullopt, 2).value(),
              ElementsAre(payees[0], payees[1]));
  EXPECT_THAT(this->Ask(&PayeeStore::ListPayees, this->user_, payees[1].payee_id, 2).value(),
              ElementsAre(payees[2]));
  EXPECT_THAT(this->Ask(&PayeeStore::PayeesOf, this->user_, this->customer_).value(), SizeIs(3));
  EXPECT_THAT(this->Ask(&PayeeStore::PayeesOf, this->user_, SystemIds().NewId()).value(),
              IsEmpty());
}

TYPED_TEST(PayeeStoreContractTest, ASavedAccountCountsFromItsEarliestTime) {
  Payee late = this->NewPayee(this->account_);
  late.usable_time = kStart + absl::Hours(48);
  ASSERT_THAT(this->Insert(late, "1"), IsOk());
  ASSERT_THAT(this->Insert(this->NewPayee(this->account_), "2"), IsOk());
  const Uuid other = SystemIds().NewId();
  ASSERT_THAT(this->Insert(this->NewPayee(other), "3"), IsOk());
  const std::vector<Uuid> ids = {this->account_, other, SystemIds().NewId()};
  EXPECT_THAT(
      this->Ask(&PayeeStore::FindSaved, this->user_, ids).value(),
      UnorderedElementsAre(
          SavedAccount{.account_id = this->account_, .usable_time = kStart + absl::Hours(24)},
          SavedAccount{.account_id = other, .usable_time = kStart + absl::Hours(24)}));
  EXPECT_THAT(this->Ask(&PayeeStore::FindSaved, SystemIds().NewId(), ids).value(), IsEmpty());
}

TYPED_TEST(PayeeStoreContractTest, OnlyACustomerThatMayBeginSomethingSavesOne) {
  this->Become(CustomerState::kSuspended);
  EXPECT_THAT(this->Insert(this->NewPayee(this->account_), "1"),
              StatusHasReason(Reason::kCustomerNotActive));
}

TYPED_TEST(PayeeStoreContractTest, GoWithTheirCustomersData) {
  const Payee payee = this->NewPayee(this->account_);
  ASSERT_THAT(this->Insert(payee, "1"), IsOk());
  this->Become(CustomerState::kErased);
  EXPECT_THAT(this->Ask(&PayeeStore::GetPayee, this->user_, payee.payee_id),
              StatusHasReason(Reason::kPayeeNotFound));
  EXPECT_THAT(this->Ask(&PayeeStore::PayeesOf, this->user_, this->customer_).value(), IsEmpty());
  EXPECT_THAT(this->Insert(this->NewPayee(this->account_), "2"),
              StatusHasReason(Reason::kCustomerErased));
}

TEST(PayeeSealing, NothingOfAPayeeIsPlainAndOnlyItsPlaceOpensIt) {
  async::Runtime runtime{1};
  PgSubject subject;
  const Uuid user = SystemIds().NewId();
  const Customer customer{.customer_id = SystemIds().NewId(),
                          .user_id = user,
                          .display_name = "Ada",
                          .create_time = kStart};
  ASSERT_THAT(runtime.Run(subject.store().InsertCustomer(customer, KeyOf("c", "content"))), IsOk());
  std::vector<Payee> payees;
  for (const std::string iban : {"DE89370400440532013000", "GB29NWBK60161331926819"}) {
    payees.push_back({.payee_id = SystemIds().NewId(),
                      .user_id = user,
                      .customer_id = customer.customer_id,
                      .details = {.name = "Quuxpayee", .iban = iban},
                      .create_time = kStart,
                      .usable_time = kStart});
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.payee.create";
    ASSERT_THAT(runtime.Run(subject.payees().InsertPayee(
                    payees.back(), KeyOf(payees.back().payee_id.ToString(), iban), event)),
                IsOk());
  }
  for (const std::string& row :
       subject.Rows(runtime,
                    "SELECT p::text || encode(details_sealed, 'escape') FROM payees AS p "
                    "WHERE user_id = '" +
                        user.ToString() + "'")) {
    EXPECT_THAT(row, AllOf(Not(HasSubstr("Quuxpayee")), Not(HasSubstr("37040044"))));
  }
  subject.Rows(runtime,
               "UPDATE payees SET details_sealed = (SELECT details_sealed FROM payees "
               "WHERE payee_id = '" +
                   payees[0].payee_id.ToString() + "') WHERE payee_id = '" +
                   payees[1].payee_id.ToString() + "'");
  EXPECT_THAT(runtime.Run(subject.payees().GetPayee(user, payees[0].payee_id)), IsOk());
  EXPECT_THAT(runtime.Run(subject.payees().GetPayee(user, payees[1].payee_id)),
              StatusHasReason(Reason::kInternal));
}

}  // namespace
}  // namespace florin::accounts
