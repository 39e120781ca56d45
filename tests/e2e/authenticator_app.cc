#include "tests/e2e/authenticator_app.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace florin::e2e {

std::string Base32Decode(const std::string& text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string octets;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : text) {
    buffer = buffer << 5 | static_cast<unsigned>(kAlphabet.find(c));
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets += static_cast<char>(buffer >> bits & 0xff);
  }
  return octets;
}

std::string Totp(const std::string& secret, std::int64_t step) {
  std::array<unsigned char, 8> counter;
  for (int i = 7; i >= 0; --i, step >>= 8) counter[i] = static_cast<unsigned char>(step);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(), counter.size(),
       mac.data(), &size);
  const int at = mac[size - 1] & 0xf;
  const unsigned number = (mac[at] & 0x7fu) << 24 | mac[at + 1] << 16 | mac[at + 2] << 8 |
                          static_cast<unsigned>(mac[at + 3]);
  return absl::StrFormat("%06d", number % 1'000'000);
}

AuthenticatorApp::AuthenticatorApp(ApiUser& user) {
  const Answer begun = user.Post("/v1/users/me/authenticators/totp", "{}");
  EXPECT_EQ(Outcome(begun), "200") << begun;
  secret_ = Base32Decode(begun.Text("secret"));
  step_ = absl::ToUnixSeconds(absl::Now()) / 30 - 1;
  const boost::json::object code = {{"code", boost::json::string(NextCode())}};
  const Answer confirmed = user.Post("/v1/users/me/authenticators/totp:confirm", code);
  EXPECT_EQ(Outcome(confirmed), "200") << confirmed;
}

}  // namespace florin::e2e
