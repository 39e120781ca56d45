// What every HolderStore promises, held against PostgreSQL and the fake.
#include <future>

#include <boost/asio/use_future.hpp>

#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// An account of `owner_` and what others have to do with it.
template <class S>
class HolderStoreContractTest : public ::testing::Test {
 protected:
  template <class Result, class... Parameters, class... Arguments>
  Result Ask(Task<Result> (HolderStore::*method)(Parameters...), Arguments&&... arguments) {
    return runtime_.Run((subject_.holders().*method)(std::forward<Arguments>(arguments)...));
  }

  Uuid NewCustomer(const Uuid& user, const std::string& name) {
    const Customer customer{.customer_id = SystemIds().NewId(),
                            .user_id = user,
                            .display_name = name,
                            .create_time = kStart};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertCustomer(
                    customer, KeyOf(customer.customer_id.ToString(), "content"))),
                IsOk());
    return customer.customer_id;
  }
  Account OpenAccount(const Uuid& user, const Uuid& customer,
                      AccountKind kind = AccountKind::kWallet) {
    Account account{.account_id = SystemIds().NewId(),
                    .user_id = user,
                    .customer_id = customer,
                    .currency = *Currency::Parse("EUR"),
                    .display_name = "Household",
                    .create_time = kStart,
                    .kind = kind};
    EXPECT_THAT(runtime_.Run(subject_.store().InsertAccount(
                    account, KeyOf(account.account_id.ToString(), "content"))),
                IsOk());
    EXPECT_THAT(runtime_.Run(subject_.store().MarkOpen(account.account_id)), IsOk());
    account.state = AccountState::kOpen;
    return account;
  }
  audit::Event EventOf(const std::string& verb) {
    audit::Event event;
    event.event_id = SystemIds().NewId();
    event.time = kStart;
    event.action = "accounts.holder." + verb;
    event.actor = FormatId(IdKind::kUser, owner_);
    event.subject = FormatId(IdKind::kAccount, account_.account_id);
    return event;
  }
  Holder NewHolder(HolderRole role) {
    return {.holder_id = SystemIds().NewId(),
            .account_id = account_.account_id,
            .user_id = ann_,
            .role = role,
            .invited_by = owner_,
            .create_time = kStart,
            .update_time = kStart};
  }
  absl::StatusOr<StoredHolder> Insert(const Holder& holder, const std::string& key,
                                      const std::string& content = "content") {
    DecideHolder decide = [&holder](const AccountHolding& held) { return Invite(held, holder); };
    return Ask(&HolderStore::InsertHolder, holder, KeyOf(key, content), decide, EventOf("invite"));
  }
  absl::StatusOr<Holder> AcceptAs(const Uuid& customer) {
    DecideHolder decide = [this](const AccountHolding& held) {
      return Accept(held, ann_, kStart + absl::Hours(1));
    };
    const HolderStore::HolderChange change{.account_id = account_.account_id,
                                           .as = std::make_pair(ann_, customer)};
    return Ask(&HolderStore::ChangeHolder, change, decide, EventOf("accept"));
  }
  absl::StatusOr<Holder> RemoveAnn() {
    DecideHolder decide = [this](const AccountHolding& held) {
      return Remove(held, owner_, ann_, kStart + absl::Hours(2));
    };
    const HolderStore::HolderChange change{.account_id = account_.account_id};
    return Ask(&HolderStore::ChangeHolder, change, decide, EventOf("remove"));
  }
  // Ann holds the account.
  Holder Hold(HolderRole role) {
    EXPECT_THAT(Insert(NewHolder(role), SystemIds().NewId().ToString()), IsOk());
    return AcceptAs(anns_customer_).value();
  }
  void Erase(const Uuid& user, const Uuid& customer) {
    const CustomerRef ref{.user_id = user, .customer_id = customer};
    Decide decide = [](const CustomerRecord& before) -> absl::StatusOr<Decided> {
      Decided decided{.after = before};
      decided.after.leaving_to = CustomerState::kErased;
      decided.after.leaving_attempt = 1;
      decided.after.next_attempt_time = kStart;
      return decided;
    };
    audit::Event event = EventOf("unused");
    event.action = "accounts.customer.leave";
    EXPECT_THAT(runtime_.Run(subject_.customers().Change(ref, decide, event)), IsOk());
    EXPECT_THAT(runtime_.Run(subject_.customers().FinishLeaving(ref, 1, kStart + absl::Hours(3),
                                                                audit::Origin())),
                IsOk());
  }
  std::vector<std::string> Events() {
    return subject_.EventsOf(runtime_, FormatId(IdKind::kAccount, account_.account_id));
  }

  async::Runtime runtime_{2};
  S subject_;
  const Uuid owner_ = SystemIds().NewId();
  const Uuid ann_ = SystemIds().NewId();
  const Uuid customer_ = NewCustomer(owner_, "Zoë");
  const Uuid anns_customer_ = NewCustomer(ann_, "Ann");
  const Account account_ = OpenAccount(owner_, customer_);
};

using Subjects = ::testing::Types<FakeSubject, PgSubject>;
TYPED_TEST_SUITE(HolderStoreContractTest, Subjects);

TYPED_TEST(HolderStoreContractTest, AKindIsKept) {
  for (const AccountKind kind :
       {AccountKind::kWallet, AccountKind::kMerchant, AccountKind::kSavings}) {
    const Account account = this->OpenAccount(this->owner_, this->customer_, kind);
    EXPECT_EQ(this->Ask(&HolderStore::SeeAccount, this->owner_, account.account_id)->account,
              account);
  }
}

TYPED_TEST(HolderStoreContractTest, AnInvitationIsKeptOnceForItsKey) {
  const Holder first = this->NewHolder(HolderRole::kPayer);
  const auto stored = this->Insert(first, "key");
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->holder, first);
  EXPECT_TRUE(stored->same_request);
  const auto again = this->Insert(this->NewHolder(HolderRole::kPayer), "key");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->holder, first);
  EXPECT_TRUE(again->same_request);
  EXPECT_FALSE(this->Insert(first, "key", "other")->same_request);
  EXPECT_THAT(this->Insert(this->NewHolder(HolderRole::kPayer), "another"),
              StatusHasReason(Reason::kInvalidHolder));
  // However late it comes again: what has ended does not begin anew.
  ASSERT_THAT(this->RemoveAnn(), IsOk());
  EXPECT_EQ(this->Insert(this->NewHolder(HolderRole::kPayer), "key")->holder.state,
            HolderState::kEnded);
  EXPECT_THAT(this->Events(), SizeIs(2));
}

TYPED_TEST(HolderStoreContractTest, OnlyWhoHasAcceptedSeesTheAccount) {
  const Uuid id = this->account_.account_id;
  const auto see = [&] { return this->Ask(&HolderStore::SeeAccount, this->ann_, id); };
  EXPECT_THAT(see(), StatusHasReason(Reason::kAccountNotFound));
  ASSERT_THAT(this->Insert(this->NewHolder(HolderRole::kViewer), "key"), IsOk());
  EXPECT_THAT(see(), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Ask(&HolderStore::ListSeenAccounts, this->ann_, std::nullopt, 9).value(),
              IsEmpty());
  EXPECT_THAT(this->Ask(&HolderStore::HoldersOf, std::vector<Uuid>{id}).value(), IsEmpty());
  EXPECT_THAT(this->AcceptAs(this->customer_), StatusHasReason(Reason::kCustomerNotFound));
  ASSERT_THAT(this->AcceptAs(this->anns_customer_), IsOk());
  const SeenAccount seen{
      .account = this->account_, .role = HolderRole::kViewer, .owner_name = "Zoë"};
  EXPECT_EQ(see().value(), seen);
  EXPECT_THAT(this->Ask(&HolderStore::ListSeenAccounts, this->ann_, std::nullopt, 9).value(),
              ElementsAre(seen));
  ASSERT_THAT(this->RemoveAnn(), IsOk());
  EXPECT_THAT(see(), StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Ask(&HolderStore::ListSeenAccounts, this->ann_, std::nullopt, 9).value(),
              IsEmpty());
  EXPECT_THAT(this->Events(), ElementsAre("accounts.holder.invite {}",
                                          "accounts.holder.accept {\"role\":\"viewer\"}",
                                          "accounts.holder.remove {\"role\":\"viewer\"}"));
}

TYPED_TEST(HolderStoreContractTest, AListHasOnesOwnAndWhatOneHoldsInOneOrder) {
  const Account own = this->OpenAccount(this->ann_, this->anns_customer_);
  this->Hold(HolderRole::kPayer);
  const Account later = this->OpenAccount(this->ann_, this->anns_customer_);
  const auto ids = [&](std::optional<Uuid> after, int limit) {
    std::vector<Uuid> found;
    const auto listed = this->Ask(&HolderStore::ListSeenAccounts, this->ann_, after, limit);
    for (const SeenAccount& seen : *listed) {
      found.push_back(seen.account.account_id);
    }
    return found;
  };
  const Uuid held = this->account_.account_id;
  EXPECT_THAT(ids(std::nullopt, 9), ElementsAre(held, own.account_id, later.account_id));
  EXPECT_THAT(ids(std::nullopt, 2), ElementsAre(held, own.account_id));
  EXPECT_THAT(ids(held, 9), ElementsAre(own.account_id, later.account_id));
  EXPECT_THAT(ids(own.account_id, 9), ElementsAre(later.account_id));
}

TYPED_TEST(HolderStoreContractTest, HoldersAreListedWithTheirNames) {
  const Uuid id = this->account_.account_id;
  const Holder invited = this->NewHolder(HolderRole::kPayer);
  ASSERT_THAT(this->Insert(invited, "key"), IsOk());
  EXPECT_THAT(this->Ask(&HolderStore::ListHolders, id).value(),
              ElementsAre(NamedHolder{.holder = invited, .name = ""}));
  EXPECT_THAT(this->Ask(&HolderStore::ListHoldings, this->ann_).value(),
              ElementsAre(SeenHolding{.holder = invited, .owner_name = "Zoë"}));
  const Holder held = this->AcceptAs(this->anns_customer_).value();
  EXPECT_EQ(held.state, HolderState::kActive);
  EXPECT_THAT(this->Ask(&HolderStore::ListHolders, id).value(),
              ElementsAre(NamedHolder{.holder = held, .name = "Ann"}));
  EXPECT_THAT(this->Ask(&HolderStore::HoldersOf, std::vector<Uuid>{id}).value(), ElementsAre(held));
  EXPECT_THAT(this->Ask(&HolderStore::HoldingsOf, this->ann_, this->anns_customer_).value(),
              ElementsAre(held));
  EXPECT_THAT(this->Ask(&HolderStore::HoldingsOf, this->owner_, this->customer_).value(),
              IsEmpty());
}

TYPED_TEST(HolderStoreContractTest, AnInvitationAfterTheEndIsAnother) {
  const Holder first = this->Hold(HolderRole::kPayer);
  ASSERT_THAT(this->RemoveAnn(), IsOk());
  const Holder second = this->Hold(HolderRole::kViewer);
  EXPECT_NE(first.holder_id, second.holder_id);
  EXPECT_EQ(this->Ask(&HolderStore::SeeAccount, this->ann_, this->account_.account_id)->role,
            HolderRole::kViewer);
  EXPECT_THAT(this->Ask(&HolderStore::HoldingsOf, this->ann_, this->anns_customer_).value(),
              SizeIs(2));
}

TYPED_TEST(HolderStoreContractTest, AHoldingEndsWithTheHoldersCustomer) {
  this->Hold(HolderRole::kOwner);
  this->Erase(this->ann_, this->anns_customer_);
  EXPECT_THAT(this->Ask(&HolderStore::SeeAccount, this->ann_, this->account_.account_id),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Ask(&HolderStore::ListHolders, this->account_.account_id).value(), IsEmpty());
  const auto kept = this->Ask(&HolderStore::HoldingsOf, this->ann_, this->anns_customer_).value();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].state, HolderState::kEnded);
  EXPECT_EQ(kept[0].update_time, kStart + absl::Hours(3));
  EXPECT_THAT(this->Events(),
              Contains("accounts.holder.end {\"holder\":\"" + FormatId(IdKind::kUser, this->ann_) +
                       "\",\"role\":\"owner\"}"));
  // And whoever is gone accepts nothing.
  ASSERT_THAT(this->Insert(this->NewHolder(HolderRole::kPayer), "again"), IsOk());
  EXPECT_THAT(this->AcceptAs(this->anns_customer_), StatusHasReason(Reason::kCustomerErased));
}

TYPED_TEST(HolderStoreContractTest, AHoldingEndsWithTheAccount) {
  this->Hold(HolderRole::kPayer);
  this->Erase(this->owner_, this->customer_);
  EXPECT_THAT(this->Ask(&HolderStore::SeeAccount, this->ann_, this->account_.account_id),
              StatusHasReason(Reason::kAccountNotFound));
  EXPECT_THAT(this->Ask(&HolderStore::ListHoldings, this->ann_).value(), IsEmpty());
  const auto kept = this->Ask(&HolderStore::HoldingsOf, this->ann_, this->anns_customer_).value();
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept[0].state, HolderState::kEnded);
  EXPECT_THAT(this->Insert(this->NewHolder(HolderRole::kPayer), "again"),
              StatusHasReason(Reason::kAccountNotFound));
}

TYPED_TEST(HolderStoreContractTest, OfInvitationsAtOnceOneIsMade) {
  std::vector<Holder> asked;
  for (int i = 0; i < 8; ++i) asked.push_back(this->NewHolder(HolderRole::kPayer));
  std::vector<std::future<absl::StatusOr<StoredHolder>>> answers;
  for (const Holder& holder : asked) {
    DecideHolder decide = [&holder](const AccountHolding& held) { return Invite(held, holder); };
    answers.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->subject_.holders().InsertHolder(holder, KeyOf(holder.holder_id.ToString(), "c"),
                                              decide, this->EventOf("invite")),
        asio::use_future));
  }
  int made = 0;
  for (auto& answer : answers) {
    const auto stored = answer.get();
    made += stored.ok() ? 1 : 0;
    if (!stored.ok()) {
      EXPECT_THAT(stored, StatusHasReason(Reason::kInvalidHolder));
    }
  }
  EXPECT_EQ(made, 1);
}

TEST(HoldersGrants, TheRuntimeRoleChangesNeitherKindNorHistory) {
  async::Runtime runtime{1};
  PgSubject subject;
  for (const std::string sql :
       {"UPDATE accounts SET kind = 'wallet'", "DELETE FROM holders",
        "UPDATE holders SET user_id = invited_by", "UPDATE holders SET account_id = holder_id"}) {
    EXPECT_THAT(subject.TryRows(runtime, sql), ::testing::Not(IsOk())) << sql;
  }
}

}  // namespace
}  // namespace florin::accounts
