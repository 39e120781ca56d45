#include "services/payments/domain/order_approval.h"

#include <algorithm>

#include "libs/text/text.h"

namespace florin::payments {
namespace {

constexpr std::size_t kLongestText = 140;  // auth's rule, in characters.
constexpr std::size_t kLongestName = 100;

std::size_t LengthOf(const std::string& text) { return CountPlainCharacters(text).value_or(0); }

std::string WithMore(std::string text, int more) {
  if (more == 0) return text;
  if (text.empty()) return std::to_string(more) + (more == 1 ? " payee" : " payees");
  return text + " and " + std::to_string(more) + " more";
}

}  // namespace

Uuid OrderApprovalIdOf(IdKind kind, const Uuid& order_id) {
  return DeriveId("florin.payments.order_approval", FormatId(kind, order_id));
}

std::string PayeesText(const std::vector<std::string>& names, int payees) {
  std::string text;
  int shown = 0;
  for (const std::string& name : names) {
    // A name that cannot be shown is one of those that are more.
    if (shown == payees || LengthOf(name) == 0 || LengthOf(name) > kLongestName) break;
    const std::string longer = text.empty() ? name : text + ", " + name;
    if (LengthOf(WithMore(longer, payees - shown - 1)) > kLongestText) break;
    text = longer;
    ++shown;
  }
  return WithMore(std::move(text), payees - shown);
}

}  // namespace florin::payments
