#include "services/auth/domain/email.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

TEST(NormalizeEmail, GivesLowerCase) {
  const std::pair<const char*, const char*> cases[] = {
      {"ann@example.com", "ann@example.com"},
      {"Ann@Example.COM", "ann@example.com"},
      {"a@b.co", "a@b.co"},
      {"first.last+tag@mail.example.co.uk", "first.last+tag@mail.example.co.uk"},
      {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"},
      {"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"},
      {"1@2.c3", "1@2.c3"},
  };
  for (const auto& [text, email] : cases) {
    const auto result = NormalizeEmail(text);
    ASSERT_THAT(result, IsOk()) << text;
    EXPECT_EQ(*result, email);
  }
}

TEST(NormalizeEmail, RefusesEverythingElse) {
  const std::string refused[] = {
      "",
      "ann",
      "@",
      "@example.com",
      "ann@",
      "ann@example",
      "ann@example.",
      "ann@.example.com",
      "ann@example..com",
      "ann@-example.com",
      "ann@example-.com",
      "ann@exa_mple.com",
      "ann@example.123",
      "ann@192.0.2.1",
      "ann@[192.0.2.1]",
      "ann@@example.com",
      "ann@b@example.com",
      ".ann@example.com",
      "ann.@example.com",
      "an..n@example.com",
      "\"ann\"@example.com",
      "an n@example.com",
      " ann@example.com",
      "ann@example.com ",
      "ann@example.com\n",
      "ann@example.com\r\nBcc: x@example.com",
      "Ann <ann@example.com>",
      "ann@ex\xc3\xa4mple.com",
      "\xc3\xa4nn@example.com",
      std::string("ann\0@example.com", 16),
  };
  for (const std::string& text : refused) {
    EXPECT_THAT(NormalizeEmail(text), StatusHasReason(Reason::kInvalidEmail)) << text;
    EXPECT_THAT(NormalizeEmail(text), StatusHasParam("email")) << text;
  }
}

TEST(NormalizeEmail, HoldsToTheLengths) {
  const auto address = [](int local_part, const std::vector<int>& labels) {
    std::string text(local_part, 'a');
    char separator = '@';
    for (const int label : labels) {
      text += separator;
      text.append(label, 'd');
      separator = '.';
    }
    return text;
  };
  EXPECT_THAT(NormalizeEmail(address(64, {7, 3})), IsOk());
  EXPECT_THAT(NormalizeEmail(address(65, {7, 3})), StatusHasReason(Reason::kInvalidEmail));
  EXPECT_THAT(NormalizeEmail(address(1, {63, 3})), IsOk());
  EXPECT_THAT(NormalizeEmail(address(1, {64, 3})), StatusHasReason(Reason::kInvalidEmail));
  const std::string longest = address(62, {63, 63, 63});
  ASSERT_EQ(longest.size(), 254u);
  EXPECT_THAT(NormalizeEmail(longest), IsOk());
  EXPECT_THAT(NormalizeEmail(address(63, {63, 63, 63})), StatusHasReason(Reason::kInvalidEmail));
}

}  // namespace
}  // namespace florin::auth
