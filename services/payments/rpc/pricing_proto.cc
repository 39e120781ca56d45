#include "services/payments/rpc/pricing_proto.h"

#include <string>

#include "services/payments/domain/request.h"

namespace florin::payments {
namespace {

v1::Fee::Bearer ToProto(Bearer bearer) {
  switch (bearer) {
    case Bearer::kPayer:
      return v1::Fee::PAYER;
    case Bearer::kPayee:
      return v1::Fee::PAYEE;
    case Bearer::kSplit:
      return v1::Fee::SPLIT;
  }
  return v1::Fee::BEARER_UNSPECIFIED;
}

void AddFee(const Fee& fee, const Currency& currency, v1::Fee& out) {
  SetMoney({fee.payer_minor + fee.payee_minor, currency}, *out.mutable_amount());
  out.set_borne_by(ToProto(fee.bearer));
  SetMoney({fee.payer_minor, currency}, *out.mutable_payer_share());
  SetMoney({fee.payee_minor, currency}, *out.mutable_payee_share());
}

void AddConversion(const Conversion& conversion, v1::Conversion& out) {
  out.set_quote_id(FormatId(IdKind::kQuote, conversion.quote_id));
  SetMoney(conversion.destination, *out.mutable_destination_amount());
  SetRate(conversion.rate, *out.mutable_rate());
  SetRate(conversion.mid_rate, *out.mutable_mid_rate());
}

absl::Status InvalidSplit(std::string_view why, std::string param) {
  return Error(Reason::kInvalidSplit, why, {.param = std::move(param)});
}

}  // namespace

void SetMoney(const Money& money, florin::money::v1::Money& out) {
  out.set_currency(std::string(money.currency.code()));
  out.set_minor_units(money.minor_units);
}

void SetRate(const Rate& rate, v1::Rate& out) {
  out.set_units(rate.units);
  out.set_scale(kRateScale);
}

void AddPricing(const Payment& payment, v1::Payment& out) {
  SetMoney(DebitedOf(payment), *out.mutable_debited());
  SetMoney(CreditedOf(payment), *out.mutable_credited());
  if (!payment.pricing) return;
  const Currency& currency = payment.amount.currency;
  if (const auto& fee = payment.pricing->fee) AddFee(*fee, currency, *out.mutable_fee());
  if (const auto& fx = payment.pricing->conversion) AddConversion(*fx, *out.mutable_conversion());
  for (const Split& split : payment.pricing->splits) AddSplit(split, currency, out);
  if (!payment.pricing->splits.empty()) out.clear_destination_account_id();
}

void AddSplit(const Split& split, const Currency& currency, v1::Payment& out) {
  v1::PaidSplit& paid = *out.add_splits();
  paid.set_destination_account_id(FormatId(IdKind::kAccount, split.destination_account_id));
  SetMoney({split.amount_minor, currency}, *paid.mutable_amount());
  SetMoney({split.fee_minor, currency}, *paid.mutable_fee());
  SetMoney({split.amount_minor - split.fee_minor, currency}, *paid.mutable_credited());
}

absl::StatusOr<std::vector<Split>> ParseSplits(const v1::CreatePaymentRequest& request) {
  if (!request.destination_account_id().empty()) {
    return InvalidSplit("payees are named by splits or alone", "destination_account_id");
  }
  if (static_cast<std::size_t>(request.splits_size()) > kMostSplits) {
    return InvalidSplit("at most 50 payees", "splits");
  }
  std::vector<Split> splits;
  for (int i = 0; i < request.splits_size(); ++i) {
    const v1::Split& proto = request.splits(i);
    const std::string at = "splits[" + std::to_string(i) + "].";
    FLORIN_ASSIGN_OR_RETURN(
        const Uuid account,
        ParseId(IdKind::kAccount, proto.destination_account_id(), at + "destination_account_id"));
    if (proto.amount().currency() != request.amount().currency()) {
      return InvalidSplit("the currency of the payment's amount", at + "amount.currency");
    }
    splits.push_back(
        {.destination_account_id = account, .amount_minor = proto.amount().minor_units()});
  }
  return splits;
}

}  // namespace florin::payments
