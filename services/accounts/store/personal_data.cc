#include "services/accounts/store/personal_data.h"

#include <openssl/crypto.h>

#include <utility>

#include "libs/status/check.h"

namespace florin::accounts {
namespace {

constexpr std::size_t kKeySize = 32;

std::string PlaceOfKey(const Uuid& customer_id) {
  return "accounts.customers.data_key." + customer_id.ToString();
}

// A customer's key as a ring of one.
CustomerKey WithOctets(const Uuid& customer_id, const std::string& octets) {
  std::string line = "c " + crypto::Base64UrlEncode(octets);
  absl::StatusOr<crypto::SecretKeys> keys = crypto::SecretKeys::Parse(line);
  FLORIN_CHECK(keys.ok(), "a key of 32 octets is a key");
  OPENSSL_cleanse(line.data(), line.size());
  return CustomerKey(customer_id, std::make_shared<const crypto::DataKeys>(*std::move(keys)));
}

std::string Index(const crypto::SecretKeys& keys, std::string_view purpose, std::string_view text) {
  std::string message(purpose);
  message += '\0';
  message += text;
  return crypto::HmacSha256(keys.current().octets, message);
}

}  // namespace

std::string CustomerKey::PlaceOf(std::string_view column, const Uuid& row) const {
  std::string place = "accounts.";
  place += column;
  place += '.' + customer_id_.ToString() + '.' + row.ToString();
  return place;
}

std::string CustomerKey::Seal(std::string_view text, std::string_view column,
                              const Uuid& row) const {
  return keys_->Seal(text, PlaceOf(column, row));
}

absl::StatusOr<std::string> CustomerKey::Open(std::string_view sealed, std::string_view column,
                                              const Uuid& row) const {
  return keys_->Open(sealed, PlaceOf(column, row));
}

PersonalData::PersonalData(crypto::SecretKeys ring, crypto::SecretKeys index, Clock& clock)
    : PersonalData(std::move(ring), std::move(index), clock, Options()) {}

PersonalData::PersonalData(crypto::SecretKeys ring, crypto::SecretKeys index, Clock& clock,
                           Options options)
    : ring_(ring),
      ring_id_(ring.current().id),
      index_(std::move(index)),
      clock_(clock),
      options_(options) {}

PersonalData::NewKey PersonalData::MakeKey(const Uuid& customer_id) const {
  std::string octets = crypto::RandomOctets(kKeySize);
  NewKey made{.kept = {.sealed = ring_.Seal(octets, PlaceOfKey(customer_id)), .ring_id = ring_id_},
              .key = WithOctets(customer_id, octets)};
  OPENSSL_cleanse(octets.data(), octets.size());
  return made;
}

absl::StatusOr<CustomerKey> PersonalData::KeyOf(const Uuid& customer_id, std::string_view sealed) {
  const absl::Time now = clock_.Now();
  {
    const std::lock_guard lock(mutex_);
    SweepLocked(now);
    const auto found = keys_.find(customer_id);
    if (found != keys_.end() && found->second.sealed == sealed) return found->second.key;
  }
  FLORIN_ASSIGN_OR_RETURN(std::string octets, ring_.Open(sealed, PlaceOfKey(customer_id)));
  if (octets.size() != kKeySize) return Error(Reason::kInternal, "a customer's key is no key");
  CustomerKey key = WithOctets(customer_id, octets);
  OPENSSL_cleanse(octets.data(), octets.size());
  const std::lock_guard lock(mutex_);
  const absl::Time until = now + options_.key_memory;
  keys_.insert_or_assign(customer_id, Remembered{std::string(sealed), key, until});
  order_.emplace_back(until, customer_id);
  SweepLocked(now);
  return key;
}

absl::StatusOr<PersonalData::SealedKey> PersonalData::Reseal(const Uuid& customer_id,
                                                             std::string_view sealed) const {
  FLORIN_ASSIGN_OR_RETURN(std::string octets, ring_.Open(sealed, PlaceOfKey(customer_id)));
  SealedKey kept{.sealed = ring_.Seal(octets, PlaceOfKey(customer_id)), .ring_id = ring_id_};
  OPENSSL_cleanse(octets.data(), octets.size());
  return kept;
}

void PersonalData::Forget(const Uuid& customer_id) {
  const std::lock_guard lock(mutex_);
  keys_.erase(customer_id);
}

void PersonalData::Sweep() {
  const absl::Time now = clock_.Now();
  const std::lock_guard lock(mutex_);
  SweepLocked(now);
}

// What is at the front of the queue goes first: it was remembered first.
void PersonalData::SweepLocked(absl::Time now) {
  while (!order_.empty() && (order_.front().first <= now || order_.size() > options_.most_keys)) {
    const auto [until, customer_id] = order_.front();
    order_.pop_front();
    const auto found = keys_.find(customer_id);
    if (found != keys_.end() && found->second.until == until) keys_.erase(found);
  }
}

std::size_t PersonalData::remembered() const {
  const std::lock_guard lock(mutex_);
  return keys_.size();
}

std::string PersonalData::EmailIndex(std::string_view normalized) const {
  return Index(index_, "email", normalized);
}

std::string PersonalData::PhoneIndex(std::string_view normalized) const {
  return Index(index_, "phone", normalized);
}

std::string PersonalData::FingerprintOf(std::string_view digest) const {
  return Index(index_, "fingerprint", digest);
}

}  // namespace florin::accounts
