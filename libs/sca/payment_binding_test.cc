#include "libs/sca/payment_binding.h"

#include <functional>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace florin::sca {
namespace {

PaymentBinding Sample() {
  return {.payment_id = *Uuid::Parse("018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00"),
          .amount = {.minor_units = 1250, .currency = *Currency::Parse("EUR")},
          .payee_account_id = *Uuid::Parse("018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f01"),
          .payee_name = "Café \"Ω\"",
          .expire_time = absl::FromUnixMicros(1'790'000'300'000'001),
          .nonce = std::string(32, '\xab')};
}

// Computed by another program (Python's hashlib) from the format in the header.
TEST(PaymentBindingTest, HasFixedOctetsAndDigests) {
  using std::string_literals::operator""s;
  EXPECT_EQ(CanonicalOctets(Sample()),
            "florin-sca-v1"
            "\0\0\0\x1e"
            "pay_01hwx1wyscfmz8yjjvdhyrx7r0"
            "\0\0\0\x04"
            "1250"
            "\0\0\0\x03"
            "EUR"
            "\0\0\0\x1e"
            "acc_01hwx1wyscfmz8yjjvdhyrx7r1"
            "\0\0\0\x0a"
            "Café \"Ω\""
            "\0\0\0\x10"
            "1790000300000001"
            "\0\0\0\x20"s +
                std::string(32, '\xab'));
  EXPECT_EQ(crypto::Hex(crypto::AsOctets(BindingDigest(Sample()))),
            "09c21e7c0afb9c46e3182fc2f26794027bc5dae476750cdc6adba077ef9b6ce8");

  PaymentBinding other = Sample();
  other.amount = {.minor_units = INT64_MAX, .currency = *Currency::Parse("JPY")};
  other.payee_name = "";
  other.expire_time = absl::UnixEpoch();
  other.nonce = std::string(32, '\0');
  EXPECT_EQ(crypto::Hex(crypto::AsOctets(BindingDigest(other))),
            "cf0755211a25548edc2de1b2dbfcb5243d6b70e7137ffdfbc334273cf063a63f");
}

// Computed as above.
TEST(PaymentBindingTest, OrdersHaveOctetsOfTheirOwn) {
  PaymentBinding schedule = Sample();
  schedule.subject = Subject::kSchedule;
  schedule.terms = "Every day – until canceled";
  EXPECT_EQ(crypto::Hex(crypto::AsOctets(BindingDigest(schedule))),
            "642ec8c97026029146d94544739358a87725cef23d4e13a68e2bf362652068a8");
  PaymentBinding bulk = Sample();
  bulk.subject = Subject::kBulk;
  bulk.payee_account_id = Uuid();
  bulk.terms = "3 payments";
  EXPECT_EQ(crypto::Hex(crypto::AsOctets(BindingDigest(bulk))),
            "cecc46e6960573275486cccb11863f90911142bb99bd50a1fe21076c6539f6ff");
  // Neither passes for the other, or for a payment.
  bulk = schedule;
  bulk.subject = Subject::kBulk;
  EXPECT_NE(BindingDigest(bulk), BindingDigest(schedule));
  PaymentBinding terms = schedule;
  terms.terms += " ";
  EXPECT_NE(BindingDigest(terms), BindingDigest(schedule));
}

TEST(PaymentBindingTest, EveryFieldCounts) {
  const std::vector<std::function<void(PaymentBinding&)>> changes = {
      [](PaymentBinding&) {},
      [](PaymentBinding& b) { b.payment_id = b.payee_account_id; },
      [](PaymentBinding& b) { b.amount.minor_units += 1; },
      [](PaymentBinding& b) { b.amount.minor_units -= 1; },
      [](PaymentBinding& b) { b.amount.currency = *Currency::Parse("USD"); },
      [](PaymentBinding& b) { b.payee_account_id = b.payment_id; },
      [](PaymentBinding& b) { b.payee_name += " "; },
      [](PaymentBinding& b) { b.expire_time += absl::Microseconds(1); },
      [](PaymentBinding& b) { b.nonce.back() ^= 1; },
  };
  std::set<crypto::Digest> digests;
  for (const auto& change : changes) {
    PaymentBinding binding = Sample();
    change(binding);
    digests.insert(BindingDigest(binding));
  }
  EXPECT_EQ(digests.size(), changes.size());
}

// A name cannot pass for its neighbours.
TEST(PaymentBindingTest, FieldsDoNotRunIntoEachOther) {
  PaymentBinding whole = Sample();
  PaymentBinding shifted = Sample();
  whole.payee_name = "ab";
  shifted.payee_name = "a";
  shifted.nonce = "b" + shifted.nonce;
  EXPECT_NE(CanonicalOctets(whole), CanonicalOctets(shifted));
  whole.payee_name = std::string("a\0\0\0\x01", 5);
  EXPECT_NE(CanonicalOctets(whole), CanonicalOctets(shifted));
}

}  // namespace
}  // namespace florin::sca
