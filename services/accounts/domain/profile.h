// What a customer says of themselves, and the rules that hold of it. Personal data, all of it: it
// is never logged, counted or put into an error, an event or a URL. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/status/status.h"
#include "services/accounts/domain/customer_machine.h"

namespace florin::accounts {

enum class CustomerKind { kUnknown, kPerson, kBusiness };
std::string_view NameOf(CustomerKind kind);  // "", "person", "business"
absl::StatusOr<CustomerKind> ParseCustomerKind(std::string_view name);

struct Address {
  std::string line1;
  std::string line2;
  std::string postal_code;
  std::string city;
  std::string region;
  std::string country;

  bool empty() const { return *this == Address(); }
  friend bool operator==(const Address&, const Address&) = default;
};

// Every field may be empty.
struct Profile {
  CustomerKind kind = CustomerKind::kUnknown;
  std::string given_name;
  std::string family_name;
  std::string birth_date;  // YYYY-MM-DD
  std::string nationality;
  std::string legal_name;
  std::string registration_number;
  std::string country_of_incorporation;
  Address address;
  std::string email;
  std::string phone;  // E.164

  friend bool operator==(const Profile&, const Profile&) = default;
};

// The names of its fields, as customers.proto has them.
std::span<const std::string_view> ProfileFields();

// `before` with the fields that `mask` names taken from `given`; without names those that are not
// empty in `given`. Error: kUnknownField with param `update_mask`.
absl::StatusOr<Profile> Merge(const Profile& before, const Profile& given,
                              const std::vector<std::string>& mask);

// The rules of customers.proto. Error: kInvalidPersonalData, whose param is "profile." and the
// field. `today` in UTC: nobody is born later.
absl::Status CheckProfile(const Profile& profile, absl::CivilDay today);

// Whether the profile says what a verification of that level needs. Error: kInvalidPersonalData
// with the first field that is missing; kInvalidField with param `level` for kNone.
absl::Status CheckComplete(const Profile& profile, KycLevel level);

// Where the customer lives, or is at home: the address's country, else that of incorporation.
// Empty: not known.
std::string ResidenceOf(const Profile& profile);

// Whether something differs that says who the customer is: all but address, e-mail and phone.
bool IdentityDiffers(const Profile& a, const Profile& b);

// The names of the fields that differ: for audit events, which have no values.
std::vector<std::string> FieldsThatDiffer(const Profile& a, const Profile& b);

// What exact search goes by: equal for what people take for equal. Nothing for what is no e-mail
// address or phone number.
std::optional<std::string> NormalizeEmail(std::string_view text);  // In lower case
std::optional<std::string> NormalizePhone(std::string_view text);  // Without " -.()"

// The octets that are sealed and read again. Error: kInternal for anything else.
std::string EncodeProfile(const Profile& profile);
absl::StatusOr<Profile> DecodeProfile(std::string_view octets);

}  // namespace florin::accounts
