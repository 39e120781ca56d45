// The account's pages, from values to HTML. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "services/auth/pages/html.h"

namespace florin::auth {

struct SessionRow {
  std::string session_id;  // `ses_…`
  std::string browser;     // As DescribeBrowser() says.
  std::string address;
  absl::Time active_time;
  bool is_this = false;
};

struct FactorRow {
  std::string factor_id;
  std::string label;
  absl::Time create_time;
};

struct AppRow {
  std::string client_id;
  std::string name;
  std::vector<std::string> scopes;
};

struct AccountView {
  std::string token;  // Of the forms; see csrf.h.
  std::string notice;
  std::string error;
  std::vector<SessionRow> sessions;
  std::vector<FactorRow> passkeys;
  std::string totp_id;  // Empty: not set up.
  int recovery_codes_left = 0;
  bool has_recovery_codes = false;
  std::vector<AppRow> apps;
};
std::string RenderAccount(const AccountView& view);

struct TotpView {
  std::string token;
  std::string secret;  // Both empty after a wrong code: the app has the secret by then.
  std::string uri;
  std::string error;
};
std::string RenderTotp(const TotpView& view);

struct NewPasskeyView {
  std::string token;
  std::string options;  // JSON for the script.
  std::string ceremony;
  std::string error;
};
std::string RenderNewPasskey(const NewPasskeyView& view);

std::string RenderRecoveryCodes(std::string_view token, const std::vector<std::string>& codes);

// "Firefox on Windows"; a guess for people, by the User-Agent field. Never the field itself.
std::string DescribeBrowser(std::string_view user_agent);

}  // namespace florin::auth
