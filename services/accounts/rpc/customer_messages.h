// Customers, profiles and verifications as messages, and back.
#pragma once

#include <vector>

#include "florin/accounts/v1/customers.pb.h"
#include "services/accounts/domain/account.h"
#include "services/accounts/domain/verification.h"

namespace florin::accounts {

v1::Customer::KycLevel ToProto(KycLevel level);
v1::Customer ToProto(const Customer& customer);
v1::CustomerSummary SummaryOf(const Customer& customer);
v1::Profile ToProto(const Profile& profile);
v1::Verification ToProto(const Verification& verification);
v1::ExportedAccount ToExport(const Account& account);

Profile FromProto(const v1::Profile& proto);
// Error: kInvalidField with param `level` unless it is BASIC or FULL.
absl::StatusOr<KycLevel> FromProto(v1::Customer::KycLevel level);

}  // namespace florin::accounts
