// What users prove themselves with: passwords, one-time codes, passkeys and recovery codes; their
// enrolment, and what protects them from guessing (NIST SP 800-63B-4; Commission Delegated
// Regulation (EU) 2018/389, "RTS", Art. 4 and 5).
//
// What holds for every method that checks a proof:
//   * One error, kInvalidCredentials, with one text, whatever was wrong: the e-mail, the password,
//     the code, the passkey, or that guessing is blocked (RTS Art. 4(3)(a)). The work is the same
//     too: exactly one Argon2id for each password, whether there is such a user or not.
//   * Every attempt counts as failed before it is looked at, and is taken back if it succeeds, so
//     that guesses sent at once are not more than guesses sent one by one. Five in a row block for
//     30 minutes, each further one for twice as long as the last (domain/throttle.h). A block holds
//     for one lane: an account's unknown devices share one, each known device has its own. Nobody
//     can lock a user out of a device that the user knows.
//   * A proof counts once: one-time codes by their stored counter, passkeys by their challenge,
//     recovery codes and e-mailed tokens by being used up.
// Whether a change of factors is asked for by somebody who proved who they are just now is for the
// caller to see to (rpc/authenticators_rpc.h, pages).
//
// The user is told by e-mail of what changes how they log in: a new factor, a removed one, a used
// recovery code, a new password (SP 800-63B-4 section 4.6).
//
// Every proof that was right or wrong, and every change, is in the audit trail (docs/audit.md)
// before anybody is told; a change in its own transaction.
//
// Errors of every method besides those named: kUnavailable, kInternal; of those that take a
// password: kOverloaded. Whoever names a user names one that there is.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/async/task.h"
#include "libs/audit/recorder.h"
#include "libs/clock/clock.h"
#include "libs/crypto/envelope.h"
#include "libs/crypto/webauthn.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"
#include "services/auth/domain/factor.h"
#include "services/auth/domain/throttle.h"
#include "services/auth/domain/user.h"
#include "services/auth/flow/mail.h"
#include "services/auth/flow/password_hasher.h"
#include "services/auth/flow/password_rules.h"
#include "services/auth/flow/session_ender.h"
#include "services/auth/store/authenticator_store.h"
#include "services/auth/store/email_token_store.h"
#include "services/auth/store/store.h"
#include "services/auth/store/throttle_store.h"

namespace florin::auth {

// Where an attempt comes from.
struct Network {
  // The peer's IP address in text; throttled by its /24 or /56. Empty if unknown: then no network
  // is throttled.
  std::string address;
  // The value of the device cookie that RememberDevice() gave; empty for a device without one.
  std::string device;
  // For the audit trail: the service that asks, and the request.
  std::string caller = {};
  std::string request_id = {};
};

audit::Origin OriginOf(Network from);

// Whose password was right, and what else can be asked of them. `second_factors` is empty for a
// user without any; recovery codes alone are no second factor.
struct VerifiedUser {
  Uuid user_id;
  std::string email;
  std::vector<FactorKind> second_factors;
};

// A ceremony that was begun: what goes to navigator.credentials.get() or .create(), as the JSON
// that PublicKeyCredential.parseRequestOptionsFromJSON() and parseCreationOptionsFromJSON() take
// (WebAuthn Level 3 sections 5.1.8 and 5.1.9), and the id to finish it with, within five minutes
// and once.
struct Ceremony {
  Uuid challenge_id;
  std::string options;
};

// A passkey that proved its user: with user verification, so it is two factors in one (`phr`).
struct VerifiedPasskey {
  Uuid user_id;
  Uuid factor_id;
};

// A TOTP secret to be put into an app, not in force before ConfirmTotp().
struct TotpEnrolment {
  std::string secret;  // Base32 (RFC 4648) without padding: to type.
  std::string uri;     // otpauth://totp/…: to show as a QR code.
};

// An approval that was begun: the user is to approve exactly `octets`.
struct ApprovalCeremony {
  Uuid approval_id;
  // As of Ceremony; empty if the user has no passkey and must give a one-time code.
  std::string options;
  bool totp = false;  // Whether a one-time code will do.
};

// A proof for FinishApproval(): exactly one of the two.
struct ApprovalProof {
  std::string credential;  // JSON of the browser's PublicKeyCredential.
  std::string totp_code;
};

struct Approval {
  Uuid approval_id;
  Uuid factor_id;
  FactorKind kind;
  absl::Time approve_time;
};

struct AuthenticatorOptions {
  // Every way in which these pages may be reached, "https://bank.example"; exact.
  crypto::RelyingParty relying_party;
  std::string issuer_name = "Florin";  // In authenticator apps and prompts.
  // The pages that take e-mailed tokens, as `token` in their query.
  std::string reset_url;
  std::string verification_url;
};

// Thread-safe. The arguments of the constructor outlive it.
class Authenticators {
 public:
  struct Parts {
    Store& users;
    AuthenticatorStore& store;
    ThrottleStore& throttles;
    EmailTokenStore& tokens;
    PasswordHasher& hasher;
    const PasswordRules& password_rules;
    const crypto::DataKeys& data_keys;
    MailSender& mail;
    SessionEnder& sessions;
    audit::Recorder& audit;
    Clock& clock;
    IdSource& ids;
  };
  Authenticators(Parts parts, AuthenticatorOptions options)
      : parts_(parts), options_(std::move(options)) {}

  // --- Passwords ---

  // Rehashes where the parameters or the pepper are not today's. A password alone is enough only
  // for a user without second factors: that is for the caller to see to. Error:
  // kInvalidCredentials.
  Task<absl::StatusOr<VerifiedUser>> VerifyPassword(std::string email, std::string password,
                                                    Network network);
  // A value for the device's cookie (256 bit; send it with Secure, HttpOnly, SameSite=Lax, for a
  // year): from now on the device has a lane of its own. To be called when all that a login asks
  // for was proved. Only its hash is kept.
  Task<absl::StatusOr<std::string>> RememberDevice(Uuid user_id);

  // --- One-time codes (RFC 6238) ---

  // Replaces an enrolment that was not confirmed. Error: kFactorExists for a user who has one.
  Task<absl::StatusOr<TotpEnrolment>> BeginTotp(Uuid user_id);
  // Puts the secret of BeginTotp() in force. Errors: kInvalidCode (the code is wrong or its
  // secret is not the latest), kChallengeExpired (nothing was begun in the last 30 minutes).
  Task<absl::StatusOr<Factor>> ConfirmTotp(Uuid user_id, std::string code, Network from = {});
  // Gives the factor's id. Error: kInvalidCredentials.
  Task<absl::StatusOr<Uuid>> VerifyTotp(Uuid user_id, std::string code, Network network);

  // --- Recovery codes ---

  // Ten new codes, shown now and never again; older ones are void.
  Task<absl::StatusOr<std::vector<std::string>>> IssueRecoveryCodes(Uuid user_id,
                                                                    Network from = {});
  // Takes a code with or without its hyphens, in any case; each works once. Gives how many are
  // left. Error: kInvalidCredentials.
  Task<absl::StatusOr<int>> UseRecoveryCode(Uuid user_id, std::string code, Network network);

  // --- Passkeys (WebAuthn Level 2) ---

  // For whoever it is: the passkey says. As a second factor after a password, too: compare the
  // user.
  Task<absl::StatusOr<Ceremony>> BeginPasskeyLogin();
  // Error: kInvalidCredentials.
  Task<absl::StatusOr<VerifiedPasskey>> FinishPasskeyLogin(Uuid challenge_id,
                                                           std::string credential,
                                                           Network from = {});
  // Error: kTooManyFactors beyond 20 passkeys.
  Task<absl::StatusOr<Ceremony>> BeginPasskeyRegistration(Uuid user_id);
  // `label`: what the user calls it, 1 to 64 characters. Errors: kPasskeyRefused (param
  // `credential`), kChallengeExpired, kFactorExists, kInvalidField (param `label`).
  Task<absl::StatusOr<Factor>> FinishPasskeyRegistration(Uuid user_id, Uuid challenge_id,
                                                         std::string credential, std::string label,
                                                         Network from = {});

  // --- What a user has ---

  // By creation. Never a secret.
  Task<absl::StatusOr<std::vector<Factor>>> ListFactors(Uuid user_id);
  // Ends the user's sessions. Error: kFactorNotFound, also for another user's.
  Task<absl::Status> RemoveFactor(Uuid user_id, Uuid factor_id, Network from = {});

  // --- E-mailed tokens: 256 bit, 30 minutes, one use, older ones void ---

  // OK for every address, known or not; a message goes only to a known one, after the answer.
  Task<absl::Status> RequestPasswordReset(std::string email, Network network);
  // Sets the password and ends all sessions; second factors stay, and are still asked for. Errors:
  // kWeakPassword (the token stays good), kEmailTokenInvalid.
  Task<absl::Status> ResetPassword(std::string token, std::string new_password, Network from = {});
  Task<absl::Status> RequestEmailVerification(Uuid user_id);
  // Error: kEmailTokenInvalid.
  Task<absl::Status> VerifyEmail(std::string token, Network from = {});

  // --- Approvals bound to a text (dynamic linking, RTS Art. 5) ---

  // `octets`: the canonical form of what is approved (amount, payee, …), at most 4096. The
  // challenge that a passkey signs is SHA-256("florin-approval-v1" LF nonce ‖ octets) with a fresh
  // nonce of 32 octets; see crypto::ApprovalChallenge. Error: kSecondFactorRequired for a user
  // without passkey and one-time codes.
  Task<absl::StatusOr<ApprovalCeremony>> BeginApproval(Uuid user_id, std::string octets);
  // `octets` are made anew by the caller from what will be done: that they are the ones approved
  // is the point. An approval is finished once, within five minutes; what was approved and the
  // proof are kept for ever. Errors: kApprovalMismatch (the octets differ; the approval is used
  // up), kChallengeExpired, kInvalidCredentials.
  Task<absl::StatusOr<Approval>> FinishApproval(Uuid user_id, Uuid approval_id, std::string octets,
                                                ApprovalProof proof, Network network);

 private:
  // An attempt that was counted, or refused.
  struct Attempt {
    std::vector<Lane> lanes;
    bool admitted = false;
  };

  absl::Time Now() const;
  Task<absl::StatusOr<User>> UserWith(Uuid user_id);
  Task<absl::StatusOr<Attempt>> Begin(Guess guess, std::string subject, std::string email,
                                      Network network);
  Task<absl::StatusOr<Attempt>> BeginFor(Guess guess, Uuid user_id, Network network);
  Task<absl::Status> Succeed(Attempt attempt);
  audit::Event EventOf(const char* action, const Uuid& user_id, Network from) const;
  // Records how `event` ended, if it was decided. Error: kUnavailable.
  Task<absl::Status> Record(audit::Event event, absl::Status ended);

  // VerifyPassword(), VerifyTotp() and FinishPasskeyLogin() without their events; `event` is told
  // whom it is about.
  Task<absl::StatusOr<VerifiedUser>> CheckPassword(std::string email, std::string password,
                                                   Network network, audit::Event& event);
  // Notes where a user has proved who they are from; a new network is told in `event` and counted.
  Task<absl::Status> NoteNetwork(Uuid user_id, std::string address, audit::Event& event);
  Task<absl::StatusOr<Uuid>> CheckTotp(Uuid user_id, std::string code, Network network);
  Task<absl::StatusOr<VerifiedPasskey>> CheckPasskey(Uuid challenge_id, std::string credential);
  // For an attempt that came to nothing by a fault of ours.
  Task<void> GiveBack(Attempt attempt);
  Task<void> Rehash(User user, std::string password);
  Task<absl::StatusOr<std::vector<FactorKind>>> SecondFactorsOf(Uuid user_id);

  // The id of the factor whose code it is, if it counts now.
  Task<absl::StatusOr<std::optional<Uuid>>> AcceptCode(Uuid user_id, std::string code);

  Task<absl::StatusOr<Challenge>> NewChallenge(std::string purpose, std::optional<Uuid> user_id);
  // The passkey whose assertion it is. Error: kInvalidCredentials.
  Task<absl::StatusOr<Passkey>> AcceptAssertion(std::string challenge, std::string credential);
  Task<absl::StatusOr<Uuid>> Approve(ApprovalRequest request, ApprovalProof proof, Network network);

  // Behind the answer, so that it says nothing of whether there is such a user.
  void RunBehind(Task<absl::Status> task, Executor executor);
  Task<absl::Status> SendReset(std::string email, Network network);
  Task<absl::Status> SendVerification(Uuid user_id);
  Task<absl::Status> SendToken(User user, EmailPurpose purpose);
  // `what` is a literal.
  Task<void> Notify(Uuid user_id, const char* what);
  Task<absl::Status> SendNotice(Uuid user_id, const char* what);

  const Parts parts_;
  const AuthenticatorOptions options_;
  std::atomic<int> behind_ = 0;  // How many tasks of RunBehind() have not ended.
};

}  // namespace florin::auth
