#include "services/auth/main_authenticators.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/crypto/secret_keys.h"
#include "services/auth/flow/file_mail.h"
#include "services/auth/flow/smtp_mail.h"

ABSL_FLAG(int, password_threads, 2,
          "How many passwords are hashed at once; each takes a core and 19 MiB.");
ABSL_FLAG(
    std::string, password_pepper, "",
    "File of mode 0600 with the keys under which passwords are HMACed before they are hashed, "
    "each `ID KEY` (32 octets, base64url) on a line, the current one first. Without it: none.");
ABSL_FLAG(std::string, common_passwords, "services/auth/data/common-passwords.txt",
          "Passwords that nobody may choose, one a line in lower case.");
ABSL_FLAG(std::string, data_key, "",
          "File of mode 0600 with the keys that secrets are encrypted with in the database, as of "
          "--password_pepper.");
ABSL_FLAG(std::string, webauthn_rp_id, "localhost",
          "The domain that passkeys are bound to. Never change it: every passkey would be lost.");
ABSL_FLAG(std::vector<std::string>, webauthn_origins, {"https://localhost:8443"},
          "The pages that may use passkeys, exactly as browsers write them.");
ABSL_FLAG(std::string, account_url, "https://localhost:8443/auth",
          "Where the links in messages lead: URL/password-reset/confirm and URL/verify-email, with "
          "the token in the query.");
ABSL_FLAG(std::string, mail_from, "no-reply@florin.local", "The sender of messages.");
ABSL_FLAG(std::string, mail_directory, "",
          "Messages become files in this directory. For running locally.");
ABSL_FLAG(std::string, smtp_url, "",
          "Messages go to this server: smtp://… (STARTTLS) or smtps://…");
ABSL_FLAG(bool, smtp_allow_plaintext, false, "Also without TLS: for a relay on this machine.");
ABSL_FLAG(std::string, smtp_user, "", "Who logs in to it. Empty: nobody.");
ABSL_FLAG(std::string, smtp_password_file, "", "Its password, in a file of mode 0600.");

namespace florin::auth {
namespace {

PasswordHasher MakeHasher() {
  const int threads = absl::GetFlag(FLAGS_password_threads);
  if (threads < 1) {
    config::ExitIfError(Error(Reason::kInvalidField, "at least one"), "reading --password_threads");
  }
  std::optional<crypto::SecretKeys> pepper;
  if (const std::string path = absl::GetFlag(FLAGS_password_pepper); !path.empty()) {
    pepper.emplace(
        config::ValueOrExit(crypto::SecretKeys::Load(path), "reading --password_pepper"));
  }
  return PasswordHasher({.threads = threads}, {}, std::move(pepper));
}

std::unique_ptr<MailSender> MakeMail() {
  const std::string directory = absl::GetFlag(FLAGS_mail_directory);
  const std::string from = absl::GetFlag(FLAGS_mail_from);
  SmtpOptions smtp{.url = absl::GetFlag(FLAGS_smtp_url),
                   .allow_plaintext = absl::GetFlag(FLAGS_smtp_allow_plaintext),
                   .from = from,
                   .user = absl::GetFlag(FLAGS_smtp_user)};
  if (directory.empty() == smtp.url.empty()) {
    config::ExitIfError(Error(Reason::kInvalidField, "--mail_directory or --smtp_url"),
                        "choosing how messages go");
  }
  if (smtp.url.empty()) {
    return std::make_unique<FileMail>(directory, from, SystemClock(), SystemIds());
  }
  if (const std::string path = absl::GetFlag(FLAGS_smtp_password_file); !path.empty()) {
    smtp.password =
        config::ValueOrExit(config::ReadSecretFile(path), "reading --smtp_password_file");
    while (!smtp.password.empty() && smtp.password.back() == '\n') smtp.password.pop_back();
  }
  return std::make_unique<SmtpMail>(std::move(smtp), SystemClock(), SystemIds());
}

AuthenticatorOptions MakeOptions() {
  const std::string url = absl::GetFlag(FLAGS_account_url);
  return {.relying_party = {.id = absl::GetFlag(FLAGS_webauthn_rp_id),
                            .name = "Florin",
                            .origins = absl::GetFlag(FLAGS_webauthn_origins)},
          .reset_url = absl::StrCat(url, "/password-reset/confirm"),
          .verification_url = absl::StrCat(url, "/verify-email")};
}

}  // namespace

std::vector<pg::Statement> AuthenticatorParts::Statements() {
  std::vector<pg::Statement> all = PgAuthenticatorStore::Statements();
  for (const auto& statements : {PgThrottleStore::Statements(), PgEmailTokenStore::Statements()}) {
    all.insert(all.end(), statements.begin(), statements.end());
  }
  return all;
}

AuthenticatorParts::AuthenticatorParts(pg::Pool& pool, Store& users, SessionEnder& sessions,
                                       audit::Recorder& audit)
    : hasher_(MakeHasher()),
      rules_(config::ValueOrExit(PasswordRules::Load(absl::GetFlag(FLAGS_common_passwords)),
                                 "reading --common_passwords")),
      data_keys_(config::ValueOrExit(crypto::SecretKeys::Load(absl::GetFlag(FLAGS_data_key)),
                                     "reading --data_key")),
      store_(pool),
      throttles_(pool),
      tokens_(pool),
      mail_(MakeMail()),
      authenticators_({.users = users,
                       .store = store_,
                       .throttles = throttles_,
                       .tokens = tokens_,
                       .hasher = hasher_,
                       .password_rules = rules_,
                       .data_keys = data_keys_,
                       .mail = *mail_,
                       .sessions = sessions,
                       .audit = audit,
                       .clock = SystemClock(),
                       .ids = SystemIds()},
                      MakeOptions()),
      rpc_(authenticators_) {}

}  // namespace florin::auth
