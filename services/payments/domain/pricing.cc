#include "services/payments/domain/pricing.h"

#include <initializer_list>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace florin::payments {
namespace {

// Reads the words of a line one after another. What is wrong once stays wrong.
class Words {
 public:
  explicit Words(const std::string& line) : words_(absl::StrSplit(line, ' ')) {}

  std::string Next() {
    if (at_ < words_.size()) return words_[at_++];
    good_ = false;
    return {};
  }
  std::int64_t Number() {
    std::int64_t value = 0;
    good_ = absl::SimpleAtoi(Next(), &value) && good_;
    return value;
  }
  Uuid Id() {
    const absl::StatusOr<Uuid> id = Uuid::Parse(Next());
    good_ = good_ && id.ok();
    return id.ok() ? *id : Uuid();
  }
  // Whether all words were there, and no more.
  bool Done() const { return good_ && at_ == words_.size(); }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool good_ = true;
};

bool ReadFee(Words& words, Pricing& pricing) {
  const absl::StatusOr<Bearer> bearer = ParseBearer(words.Next());
  if (!bearer.ok() || pricing.fee) return false;
  pricing.fee = Fee{.bearer = *bearer};
  pricing.fee->payer_minor = words.Number();
  pricing.fee->payee_minor = words.Number();
  return true;
}

bool ReadConversion(Words& words, Pricing& pricing) {
  const Uuid quote_id = words.Id();
  const absl::StatusOr<Currency> currency = Currency::Parse(words.Next());
  if (!currency.ok() || pricing.conversion) return false;
  Conversion conversion{.quote_id = quote_id,
                        .destination = {.minor_units = words.Number(), .currency = *currency}};
  conversion.rate.units = words.Number();
  conversion.mid_rate.units = words.Number();
  conversion.spread_minor = words.Number();
  conversion.rounding_minor = words.Number();
  pricing.conversion = conversion;
  return true;
}

bool ReadLine(const std::string& line, Pricing& pricing) {
  Words words(line);
  const std::string name = words.Next();
  if (name == "fee") {
    if (!ReadFee(words, pricing)) return false;
  } else if (name == "back_if_returned") {
    if (!pricing.fee || pricing.fee->back_if_returned) return false;
    pricing.fee->back_if_returned = true;
  } else if (name == "fx") {
    if (!ReadConversion(words, pricing)) return false;
  } else if (name == "split") {
    Split& split = pricing.splits.emplace_back();
    split.destination_account_id = words.Id();
    split.amount_minor = words.Number();
    split.fee_minor = words.Number();
  } else if (name == "post") {
    LedgerPosting& posting = pricing.postings.emplace_back();
    posting.debit_account_id = words.Id();
    posting.credit_account_id = words.Id();
    posting.amount_minor = words.Number();
  } else {
    return false;
  }
  return words.Done();
}

void AppendLine(std::string& text, std::initializer_list<std::string> words) {
  for (const std::string& word : words) {
    if (text.back() != '\n') text += ' ';
    text += word;
  }
  text += '\n';
}

}  // namespace

std::string TextOf(const Pricing& pricing) {
  std::string text = "1\n";  // The version of this form.
  if (const auto& fee = pricing.fee) {
    AppendLine(text, {"fee", std::string(NameOf(fee->bearer)), std::to_string(fee->payer_minor),
                      std::to_string(fee->payee_minor)});
    if (fee->back_if_returned) AppendLine(text, {"back_if_returned"});
  }
  if (const auto& fx = pricing.conversion) {
    AppendLine(text, {"fx", fx->quote_id.ToString(), std::string(fx->destination.currency.code()),
                      std::to_string(fx->destination.minor_units), std::to_string(fx->rate.units),
                      std::to_string(fx->mid_rate.units), std::to_string(fx->spread_minor),
                      std::to_string(fx->rounding_minor)});
  }
  for (const Split& split : pricing.splits) {
    AppendLine(text, {"split", split.destination_account_id.ToString(),
                      std::to_string(split.amount_minor), std::to_string(split.fee_minor)});
  }
  for (const LedgerPosting& posting : pricing.postings) {
    AppendLine(text, {"post", posting.debit_account_id.ToString(),
                      posting.credit_account_id.ToString(), std::to_string(posting.amount_minor)});
  }
  return text;
}

absl::StatusOr<Pricing> ParsePricing(std::string_view text) {
  Pricing pricing;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  bool good = lines.size() > 2 && lines.front() == "1" && lines.back().empty();
  for (std::size_t i = 1; good && i + 1 < lines.size(); ++i) good = ReadLine(lines[i], pricing);
  if (!good) return Error(Reason::kInternal, "a payment's pricing is not as it was written");
  return pricing;
}

}  // namespace florin::payments
