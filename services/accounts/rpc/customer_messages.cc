#include "services/accounts/rpc/customer_messages.h"

#include "libs/rpc/timestamp.h"

namespace florin::accounts {
namespace {

v1::Customer::Kind ToProto(CustomerKind kind) {
  switch (kind) {
    case CustomerKind::kPerson:
      return v1::Customer::PERSON;
    case CustomerKind::kBusiness:
      return v1::Customer::BUSINESS;
    case CustomerKind::kUnknown:
      break;
  }
  return v1::Customer::KIND_UNSPECIFIED;
}

// Each enumeration of ours begins with 0, each of the protos has "unspecified" before.
v1::Customer::State ToProto(CustomerState state) {
  return static_cast<v1::Customer::State>(static_cast<int>(state) + 1);
}
v1::Verification::State ToProto(VerificationState state) {
  return static_cast<v1::Verification::State>(static_cast<int>(state) + 1);
}
static_assert(v1::Customer::ERASED == static_cast<int>(CustomerState::kErased) + 1);
static_assert(v1::Customer::FULL == static_cast<int>(KycLevel::kFull) + 1);
static_assert(v1::Verification::EXPIRED == static_cast<int>(VerificationState::kExpired) + 1);

}  // namespace

v1::Customer::KycLevel ToProto(KycLevel level) {
  return static_cast<v1::Customer::KycLevel>(static_cast<int>(level) + 1);
}

v1::Customer ToProto(const Customer& customer) {
  v1::Customer proto;
  proto.set_customer_id(FormatId(IdKind::kCustomer, customer.customer_id));
  proto.set_display_name(customer.display_name);
  SetTime(customer.create_time, *proto.mutable_create_time());
  proto.set_kind(ToProto(customer.kind));
  proto.set_state(ToProto(customer.state));
  proto.set_kyc_level(ToProto(customer.kyc_level));
  return proto;
}

v1::CustomerSummary SummaryOf(const Customer& customer) {
  v1::CustomerSummary proto;
  proto.set_customer_id(FormatId(IdKind::kCustomer, customer.customer_id));
  proto.set_user_id(FormatId(IdKind::kUser, customer.user_id));
  proto.set_kind(ToProto(customer.kind));
  proto.set_state(ToProto(customer.state));
  proto.set_kyc_level(ToProto(customer.kyc_level));
  SetTime(customer.create_time, *proto.mutable_create_time());
  return proto;
}

v1::Profile ToProto(const Profile& profile) {
  v1::Profile proto;
  proto.set_kind(ToProto(profile.kind));
  proto.set_given_name(profile.given_name);
  proto.set_family_name(profile.family_name);
  proto.set_birth_date(profile.birth_date);
  proto.set_nationality(profile.nationality);
  proto.set_legal_name(profile.legal_name);
  proto.set_registration_number(profile.registration_number);
  proto.set_country_of_incorporation(profile.country_of_incorporation);
  if (!profile.address.empty()) {
    v1::Address& address = *proto.mutable_address();
    address.set_line1(profile.address.line1);
    address.set_line2(profile.address.line2);
    address.set_postal_code(profile.address.postal_code);
    address.set_city(profile.address.city);
    address.set_region(profile.address.region);
    address.set_country(profile.address.country);
  }
  proto.set_email(profile.email);
  proto.set_phone(profile.phone);
  return proto;
}

v1::Verification ToProto(const Verification& verification) {
  v1::Verification proto;
  proto.set_verification_id(FormatId(IdKind::kVerification, verification.verification_id));
  proto.set_customer_id(FormatId(IdKind::kCustomer, verification.customer_id));
  proto.set_level(ToProto(verification.level));
  proto.set_state(ToProto(verification.state));
  proto.set_reason(verification.reason);
  SetTime(verification.create_time, *proto.mutable_create_time());
  SetTime(verification.update_time, *proto.mutable_update_time());
  SetTime(verification.expire_time, *proto.mutable_expire_time());
  return proto;
}

v1::ExportedAccount ToExport(const Account& account) {
  v1::ExportedAccount proto;
  proto.set_account_id(FormatId(IdKind::kAccount, account.account_id));
  proto.set_currency(std::string(account.currency.code()));
  proto.set_display_name(account.display_name);
  proto.set_closed(account.state == AccountState::kClosed);
  SetTime(account.create_time, *proto.mutable_create_time());
  return proto;
}

Profile FromProto(const v1::Profile& proto) {
  Profile profile{.given_name = proto.given_name(),
                  .family_name = proto.family_name(),
                  .birth_date = proto.birth_date(),
                  .nationality = proto.nationality(),
                  .legal_name = proto.legal_name(),
                  .registration_number = proto.registration_number(),
                  .country_of_incorporation = proto.country_of_incorporation(),
                  .address = {.line1 = proto.address().line1(),
                              .line2 = proto.address().line2(),
                              .postal_code = proto.address().postal_code(),
                              .city = proto.address().city(),
                              .region = proto.address().region(),
                              .country = proto.address().country()},
                  .email = proto.email(),
                  .phone = proto.phone()};
  if (proto.kind() == v1::Customer::PERSON) profile.kind = CustomerKind::kPerson;
  if (proto.kind() == v1::Customer::BUSINESS) profile.kind = CustomerKind::kBusiness;
  return profile;
}

absl::StatusOr<KycLevel> FromProto(v1::Customer::KycLevel level) {
  if (level == v1::Customer::BASIC) return KycLevel::kBasic;
  if (level == v1::Customer::FULL) return KycLevel::kFull;
  return Error(Reason::kInvalidField, "BASIC or FULL", {.param = "level"});
}

}  // namespace florin::accounts
