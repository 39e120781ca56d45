// What is said of a payment's price, and what a request says of it.
#pragma once

#include <vector>

#include "florin/payments/v1/payments.pb.h"
#include "services/payments/domain/payment.h"

namespace florin::payments {

void SetMoney(const Money& money, florin::money::v1::Money& out);
void SetRate(const Rate& rate, v1::Rate& out);

// What the payer is debited, what the payees are credited, and why these differ.
void AddPricing(const Payment& payment, v1::Payment& out);

// One of its payees.
void AddSplit(const Split& split, const Currency& currency, v1::Payment& out);

// Of a request that has some. Errors: kInvalidId; kInvalidSplit for another currency than the
// amount's, for more than there may be, and where a single destination is named, too; each with its
// param.
absl::StatusOr<std::vector<Split>> ParseSplits(const v1::CreatePaymentRequest& request);

}  // namespace florin::payments
