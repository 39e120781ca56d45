#include "services/accounts/store/personal_data.h"

#include "services/accounts/store/store_subjects.h"

namespace florin::accounts {
namespace {

class PersonalDataTest : public ::testing::Test {
 protected:
  FakeClock clock_{kStart};
  PersonalData data_{KeysNamed("1"), KeysNamed("i"), clock_, {.most_keys = 3}};
  const Uuid ann_ = SystemIds().NewId();
  const Uuid bob_ = SystemIds().NewId();
  const Uuid row_ = SystemIds().NewId();
};

TEST_F(PersonalDataTest, OpensWhatIsInItsPlaceOnly) {
  const PersonalData::NewKey made = data_.MakeKey(ann_);
  const CustomerKey ann = data_.KeyOf(ann_, made.kept.sealed).value();
  const std::string sealed = made.key.Seal("Zoë", "customers.profile_sealed", row_);
  EXPECT_EQ(sealed.find("Zoë"), std::string::npos);
  EXPECT_EQ(ann.Open(sealed, "customers.profile_sealed", row_).value(), "Zoë");
  EXPECT_THAT(ann.Open(sealed, "customers.display_name_sealed", row_),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(ann.Open(sealed, "customers.profile_sealed", bob_),
              StatusHasReason(Reason::kInternal));
  EXPECT_THAT(data_.MakeKey(ann_).key.Open(sealed, "customers.profile_sealed", row_),
              StatusHasReason(Reason::kInternal));
}

TEST_F(PersonalDataTest, ACustomersKeyIsNobodyElses) {
  const std::string sealed = data_.MakeKey(ann_).kept.sealed;
  EXPECT_THAT(data_.KeyOf(bob_, sealed), StatusHasReason(Reason::kInternal));
  EXPECT_THAT(data_.Reseal(bob_, sealed), StatusHasReason(Reason::kInternal));
  PersonalData others(KeysNamed("2"), KeysNamed("i"), clock_);
  EXPECT_THAT(others.KeyOf(ann_, sealed), StatusHasReason(Reason::kInternal));
}

TEST_F(PersonalDataTest, ResealsUnderTheCurrentKey) {
  const PersonalData::NewKey made = data_.MakeKey(ann_);
  EXPECT_EQ(made.kept.ring_id, "1");
  const std::string sealed = made.key.Seal("Zoë", "customers.profile_sealed", ann_);
  const PersonalData rotated(KeysNamed("21"), KeysNamed("i"), clock_);
  const PersonalData::SealedKey kept = rotated.Reseal(ann_, made.kept.sealed).value();
  EXPECT_EQ(kept.ring_id, "2");
  PersonalData without_the_old(KeysNamed("2"), KeysNamed("i"), clock_);
  EXPECT_EQ(without_the_old.KeyOf(ann_, kept.sealed)
                .value()
                .Open(sealed, "customers.profile_sealed", ann_)
                .value(),
            "Zoë");
}

TEST_F(PersonalDataTest, RemembersFewKeysForAMinute) {
  for (int i = 0; i < 10; ++i) {
    const Uuid customer = SystemIds().NewId();
    ASSERT_THAT(data_.KeyOf(customer, data_.MakeKey(customer).kept.sealed), IsOk());
    EXPECT_LE(data_.remembered(), 3u);
  }
  EXPECT_EQ(data_.remembered(), 3u);
  clock_.Advance(absl::Seconds(59));
  data_.Sweep();
  EXPECT_EQ(data_.remembered(), 3u);
  clock_.Advance(absl::Seconds(1));
  data_.Sweep();
  EXPECT_EQ(data_.remembered(), 0u);
}

TEST_F(PersonalDataTest, ForgetsAtOnce) {
  const std::string sealed = data_.MakeKey(ann_).kept.sealed;
  ASSERT_THAT(data_.KeyOf(ann_, sealed), IsOk());
  ASSERT_THAT(data_.KeyOf(ann_, sealed), IsOk());
  EXPECT_EQ(data_.remembered(), 1u);
  data_.Forget(ann_);
  EXPECT_EQ(data_.remembered(), 0u);
  // And does not go by the memory of another key of the same customer.
  ASSERT_THAT(data_.KeyOf(ann_, sealed), IsOk());
  EXPECT_THAT(data_.KeyOf(ann_, "nonsense"), StatusHasReason(Reason::kInternal));
}

TEST_F(PersonalDataTest, IndexesAreOfOnePurposeAndOneKey) {
  EXPECT_EQ(data_.EmailIndex("a@b.c"), data_.EmailIndex("a@b.c"));
  EXPECT_NE(data_.EmailIndex("a@b.c"), data_.EmailIndex("a@b.d"));
  EXPECT_NE(data_.EmailIndex("+491234567"), data_.PhoneIndex("+491234567"));
  EXPECT_NE(data_.FingerprintOf("x"), data_.EmailIndex("x"));
  const PersonalData other(KeysNamed("1"), KeysNamed("j"), clock_);
  EXPECT_NE(data_.EmailIndex("a@b.c"), other.EmailIndex("a@b.c"));
  EXPECT_EQ(data_.EmailIndex("a@b.c").size(), 32u);
}

}  // namespace
}  // namespace florin::accounts
