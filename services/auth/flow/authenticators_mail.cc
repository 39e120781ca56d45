// E-mailed tokens and notices.
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/crypto/sha256.h"
#include "libs/telemetry/metrics.h"
#include "services/auth/domain/email.h"
#include "services/auth/flow/audit_events.h"
#include "services/auth/flow/authenticators.h"
#include "services/auth/flow/network_prefix.h"

namespace florin::auth {
namespace {

constexpr absl::Duration kTokenLifetime = absl::Minutes(30);
constexpr std::size_t kTokenOctets = 32;
constexpr int kMaxBehind = 256;

absl::Status InvalidToken() {
  return Error(Reason::kEmailTokenInvalid, "no such token is good", {.param = "token"});
}

Task<void> Behind(Task<absl::Status> task, std::atomic<int>& behind) {
  const absl::Status status = co_await std::move(task);
  telemetry::Count("florin_auth_mails_total", {{"outcome", status.ok() ? "done" : "failed"}});
  --behind;
}

// In the query, so that the page needs no script; it moves the token into a cookie at once and
// never logs a query (pages/recovery_pages.cc).
std::string Link(const std::string& url, const std::string& token) {
  return absl::StrCat(url, "?token=", token);
}

}  // namespace

void Authenticators::RunBehind(Task<absl::Status> task, Executor executor) {
  if (++behind_ > kMaxBehind) {
    --behind_;
    telemetry::Count("florin_auth_mails_total", {{"outcome", "dropped"}});
    return;
  }
  asio::co_spawn(executor, Behind(std::move(task), behind_), asio::detached);
}

Task<absl::Status> Authenticators::RequestPasswordReset(std::string email, Network network) {
  const Executor executor = co_await asio::this_coro::executor;
  RunBehind(SendReset(std::move(email), std::move(network)), executor);
  co_return absl::OkStatus();
}

Task<absl::Status> Authenticators::SendReset(std::string email, Network network) {
  absl::StatusOr<std::string> normalized = NormalizeEmail(email);
  if (!normalized.ok()) co_return absl::OkStatus();
  const absl::StatusOr<bool> admitted = co_await parts_.throttles.Admit(
      MailLanes(*normalized, NetworkPrefix(network.address)), Now());
  if (!admitted.ok()) co_return admitted.status();
  if (!*admitted) co_return absl::OkStatus();
  absl::StatusOr<std::optional<User>> user =
      co_await parts_.users.FindUserByEmail(*std::move(normalized));
  if (!user.ok()) co_return user.status();
  if (!user->has_value()) co_return absl::OkStatus();
  co_return co_await SendToken(**std::move(user), EmailPurpose::kPasswordReset);
}

Task<absl::Status> Authenticators::RequestEmailVerification(Uuid user_id) {
  const Executor executor = co_await asio::this_coro::executor;
  RunBehind(SendVerification(user_id), executor);
  co_return absl::OkStatus();
}

Task<absl::Status> Authenticators::SendVerification(Uuid user_id) {
  absl::StatusOr<User> user = co_await UserWith(user_id);
  if (!user.ok()) co_return user.status();
  const absl::StatusOr<bool> admitted =
      co_await parts_.throttles.Admit(MailLanes(user->email, ""), Now());
  if (!admitted.ok()) co_return admitted.status();
  if (!*admitted) co_return absl::OkStatus();
  co_return co_await SendToken(*std::move(user), EmailPurpose::kEmailVerification);
}

Task<absl::Status> Authenticators::SendToken(User user, EmailPurpose purpose) {
  const bool reset = purpose == EmailPurpose::kPasswordReset;
  const std::string text = crypto::Base64UrlEncode(crypto::RandomOctets(kTokenOctets));
  EmailToken token;
  token.token_hash = crypto::Sha256(text);
  token.purpose = purpose;
  token.user_id = user.user_id;
  token.email = user.email;
  token.expire_time = Now() + kTokenLifetime;
  const absl::StatusOr<bool> put = co_await parts_.tokens.Put(std::move(token));
  if (!put.ok()) co_return put.status();
  Mail mail;
  mail.to = std::move(user.email);
  mail.subject = absl::StrCat(options_.issuer_name,
                              reset ? ": set a new password" : ": confirm your e-mail address");
  mail.body = absl::StrCat(
      reset ? "Somebody asked to set a new password for your account. To do so, open within 30 "
              "minutes:\n\n"
            : "To confirm that this is your address, open within 30 minutes:\n\n",
      Link(reset ? options_.reset_url : options_.verification_url, text),
      "\n\nIf it was not you, do nothing: without this link nothing changes.\n");
  co_return co_await parts_.mail.Send(std::move(mail));
}

Task<void> Authenticators::Notify(Uuid user_id, const char* what) {
  const Executor executor = co_await asio::this_coro::executor;
  RunBehind(SendNotice(user_id, what), executor);
}

Task<absl::Status> Authenticators::SendNotice(Uuid user_id, const char* what) {
  absl::StatusOr<User> user = co_await UserWith(user_id);
  if (!user.ok()) co_return user.status();
  Mail mail;
  mail.to = std::move(user->email);
  mail.subject = absl::StrCat(options_.issuer_name, ": a change to your account");
  mail.body = absl::StrCat(what, "\n\nIf it was not you, set a new password at once:\n",
                           options_.reset_url, "\n");
  co_return co_await parts_.mail.Send(std::move(mail));
}

Task<absl::Status> Authenticators::ResetPassword(std::string token, std::string new_password,
                                                 Network from) {
  audit::Origin origin = OriginOf(std::move(from));
  const crypto::Digest token_hash = crypto::Sha256(token);
  const absl::StatusOr<std::optional<EmailToken>> found =
      co_await parts_.tokens.Find(EmailPurpose::kPasswordReset, token_hash, Now());
  if (!found.ok()) co_return found.status();
  if (!found->has_value()) co_return InvalidToken();
  const absl::StatusOr<User> user = co_await UserWith((*found)->user_id);
  if (!user.ok()) co_return user.status();
  FLORIN_CO_RETURN_IF_ERROR(parts_.password_rules.Check(new_password, user->email));
  if ((*found)->use_time) {
    // The same request again, after an error: what is left to do is done.
    std::optional<std::string> hash = user->password_hash;
    const absl::StatusOr<bool> same =
        co_await parts_.hasher.Verify(std::move(hash), std::move(new_password));
    if (!same.ok()) co_return same.status();
    if (!*same) co_return InvalidToken();
    co_return co_await parts_.sessions.EndSessionsOf(user->user_id, std::move(origin));
  }
  absl::StatusOr<std::string> hash = co_await parts_.hasher.Hash(std::move(new_password));
  if (!hash.ok()) co_return hash.status();
  audit::Event event =
      UserEvent(parts_.clock, parts_.ids, "auth.password.reset", user->user_id, origin);
  const absl::StatusOr<bool> set =
      co_await parts_.tokens.SetPassword(token_hash, *std::move(hash), Now(), std::move(event));
  if (!set.ok()) co_return set.status();
  if (!*set) co_return InvalidToken();
  FLORIN_CO_RETURN_IF_ERROR(
      co_await parts_.sessions.EndSessionsOf(user->user_id, std::move(origin)));
  // Guesses at the old password say nothing of the new one.
  const absl::StatusOr<bool> cleared =
      co_await parts_.throttles.Succeed(LanesOf(Guess::kPassword, user->email, "", ""));
  if (!cleared.ok()) co_return cleared.status();
  co_await Notify(user->user_id, "The password of your account was changed.");
  co_return absl::OkStatus();
}

Task<absl::Status> Authenticators::VerifyEmail(std::string token, Network from) {
  const crypto::Digest token_hash = crypto::Sha256(token);
  const absl::StatusOr<std::optional<EmailToken>> found =
      co_await parts_.tokens.Find(EmailPurpose::kEmailVerification, token_hash, Now());
  if (!found.ok()) co_return found.status();
  if (!found->has_value()) co_return InvalidToken();
  audit::Event event = EventOf("auth.email.verify", (*found)->user_id, std::move(from));
  const absl::StatusOr<bool> verified =
      co_await parts_.tokens.VerifyAddress(token_hash, Now(), std::move(event));
  if (!verified.ok()) co_return verified.status();
  co_return *verified ? absl::OkStatus() : InvalidToken();
}

}  // namespace florin::auth
