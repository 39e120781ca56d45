// The pages of a login, from values to HTML. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/auth/pages/html.h"

namespace florin::auth {

// What all of them are given.
struct LoginFrame {
  std::string token;        // Of their forms; see csrf.h.
  std::string client_name;  // Who sent the person here; empty if nobody did.
  std::string error;        // A sentence; empty if all is well.
};

struct LogInView {
  std::string email;            // As it was typed, so that it need not be typed again.
  std::string passkey_options;  // JSON for the script; empty: no passkey button.
  std::string notice;           // "Your password was changed."
  bool again = false;           // The person is known and shows once more who they are.
};
std::string RenderLogIn(const LoginFrame& frame, const LogInView& view);

struct SecondFactorView {
  bool codes = false;           // One-time and recovery codes will do.
  bool totp = false;            // One-time codes are set up.
  std::string passkey_options;  // As above.
};
std::string RenderSecondFactor(const LoginFrame& frame, const SecondFactorView& view);

struct ConsentView {
  std::vector<std::string> scopes;
  std::string destination;  // The host or scheme that the browser goes to next.
};
std::string RenderConsent(const LoginFrame& frame, const ConsentView& view);

std::string RenderRegister(const LoginFrame& frame, std::string_view email);

std::string RenderForgotPassword(const LoginFrame& frame, bool sent);
std::string RenderNewPassword(const LoginFrame& frame);
std::string RenderVerifyEmail(const LoginFrame& frame);

// What a scope lets an app do, in plain words; the scope itself if there are none for it.
std::string WordsFor(std::string_view scope);

// A page that ends here: what happened, and what to do now.
struct EndView {
  std::string title;
  std::string what;
  std::string what_to_do;
  bool to_log_in = false;  // Links to the log-in page.
};
std::string RenderEnd(const EndView& view);

}  // namespace florin::auth
