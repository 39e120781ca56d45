// A login from the first page to the end, as a state machine over values.
//
//            password            second factor            (an app asked)
//   kFirst ───────────▶ kSecond ───────────────▶ kConsent ───────────▶ kDone
//     │  password, none set up │ passkey            ▲                    ▲
//     ├────────────────────────┼────────────────────┤                    │
//     └── passkey ─────────────┴────────────────────┴── (no app) ────────┘
//
// Its state is kept in the database under the hash of a cookie's secret: nothing of it is in the
// hands of the browser. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/authentication.h"
#include "services/auth/domain/session.h"

namespace florin::auth {

// From its first page to its last.
inline constexpr absl::Duration kLoginLifetime = absl::Minutes(15);

// Values are stored: never change one.
enum class LoginStep : std::uint8_t {
  kFirst = 1,    // Nothing shown yet.
  kSecond = 2,   // The password was right; more is needed.
  kConsent = 3,  // Authenticated; the app's wish is to be allowed or denied.
  kDone = 4,
};

// Everything that happens in a login.
enum class LoginEvent {
  kPasswordShown,
  kTotpShown,
  kRecoveryCodeShown,
  kPasskeyShown,
  kConsentGiven,
  kConsentDenied,
};

struct Login {
  LoginStep step = LoginStep::kFirst;
  std::optional<Uuid> user_id;  // Known after the first factor.
  Proofs proofs;
  std::optional<absl::Time> auth_time;    // Of the first factor, once it was shown.
  Strength demand = Strength::kPassword;  // What the app, or the page that was asked for, needs.
  std::string request_uri;  // The app's pushed request (RFC 9126). Empty: the account's pages.
  std::string client_id;    // Whose request that is.
  std::string ceremony;     // The passkey challenge that the last page gave out; empty if none.
  absl::Time create_time;

  friend bool operator==(const Login&, const Login&) = default;
};

// What the machine must know of the user besides.
struct LoginFacts {
  bool has_second_factor = false;  // TOTP is set up, or there is a passkey.
  bool needs_consent = true;       // The app is not the first party's and was not allowed before.
};

// The login after `event`. Errors, which change nothing:
//   kLoginExpired           it began more than kLoginLifetime ago, or it is done
//   kLoginStepInvalid       the event does not belong to this step
//   kStrongerFactorNeeded   the password was right, but the demand cannot be met: the user has no
//                           second factor; or TOTP where only a passkey will do
// `user_id` is the one that showed the factor: with kPasskeyShown at the second step another user's
// passkey is kLoginStepInvalid.
absl::StatusOr<Login> Advance(Login login, LoginEvent event, Uuid user_id, const LoginFacts& facts,
                              absl::Time now);

// What an app demands of the authentication that it is told of (OpenID Connect Core
// section 3.1.2.1).
struct AuthorizationDemand {
  Strength strength = Strength::kPassword;            // Of `acr_values`: the weakest that will do.
  absl::Duration max_age = absl::InfiniteDuration();  // `max_age`
  bool log_in = false;   // `prompt` has login or select_account: whatever the session says.
  bool consent = false;  // `prompt` has consent: even if it was given before.
  bool silent = false;   // `prompt` is none: no page may be shown.
};

// What to do with an app's request when it arrives.
enum class Opening {
  kLogIn,          // From the first step.
  kStepUp,         // From the second step: the session showed the first factors.
  kConsent,        // The session is enough; ask for consent.
  kGrant,          // Nothing to ask.
  kLoginRequired,  // It would have to be asked, and may not: errors of section 3.1.2.6.
  kConsentRequired,
};

// `session`: that of the browser, nullptr if it has none. An idle one counts as none. Pure.
Opening Open(const Session* session, const AuthorizationDemand& demand, const LoginFacts& facts,
             absl::Time now);

// A login that begins at the second step: an active session of this strength and time already
// showed its first proofs, and the app demands more.
Login StepUp(Login login, Uuid user_id, Proofs proofs, absl::Time auth_time);

bool IsOver(const Login& login, absl::Time now);

// Pages, and which of them a login may see now.
enum class LoginPage { kLogIn, kRegister, kSecondFactor, kConsent };
bool MayVisit(LoginStep step, LoginPage page);
// The page to send a browser to that asked for one it may not visit. Nothing for kDone.
std::optional<LoginPage> HomeOf(LoginStep step);

}  // namespace florin::auth
