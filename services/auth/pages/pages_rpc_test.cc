// The pages as a browser meets them: real flows over stores in memory.
#include "services/auth/pages/pages_rpc.h"

#include <map>
#include <regex>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/async/runtime.h"
#include "libs/audit/fake_recorder.h"
#include "libs/crypto/totp.h"
#include "libs/status/matchers.h"
#include "services/auth/flow/authenticator_prover.h"
#include "services/auth/pages/csrf.h"
#include "services/auth/store/fake_approval_store.h"
#include "services/auth/store/fake_authenticator_store.h"
#include "services/auth/store/fake_email_token_store.h"
#include "services/auth/store/fake_login_store.h"
#include "services/auth/store/fake_oauth_store.h"
#include "services/auth/store/fake_role_store.h"
#include "services/auth/store/fake_session_store.h"
#include "services/auth/store/fake_store.h"
#include "services/auth/store/fake_throttle_store.h"
#include "services/auth/store/some_event.h"

namespace florin::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kIssuer[] = "https://bank.example";
constexpr crypto::PasswordCost kCheap = {.operations = 1, .memory_bytes = 8192};
constexpr char kEmail[] = "ann@example.com";
constexpr char kPassword[] = "correct horse battery";
constexpr char kClient[] = "acme";
constexpr char kRedirect[] = "https://app.example/cb";

class KeptMail : public MailSender {
 public:
  Task<absl::Status> Send(Mail mail) override {
    const std::lock_guard lock(mutex_);
    mails_.push_back(std::move(mail));
    co_return absl::OkStatus();
  }
  std::vector<Mail> mails() {
    const std::lock_guard lock(mutex_);
    return mails_;
  }

 private:
  std::mutex mutex_;
  std::vector<Mail> mails_;  // Guarded by mutex_.
};

using Form = std::map<std::string, std::string>;

std::vector<std::string> HeadersNamed(const WebResponse& response, const std::string& name) {
  std::vector<std::string> values;
  for (const http::v1::Parameter& header : response.headers()) {
    if (header.name() == name) values.push_back(header.value());
  }
  return values;
}

std::string LocationOf(const WebResponse& response) {
  const auto values = HeadersNamed(response, "Location");
  return values.empty() ? "" : values[0];
}

// What is between the first `before` and the next `after`.
std::string Between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t start = text.find(before);
  if (start == std::string::npos) return {};
  const std::size_t end = text.find(after, start + before.size());
  return text.substr(start + before.size(), end - start - before.size());
}

class PagesRpcTest : public ::testing::Test {
 protected:
  ~PagesRpcTest() override { runtime_.Stop(); }

  // A browser: it keeps cookies, says where its forms come from, and knows the last page's token.
  class Browser {
   public:
    explicit Browser(PagesRpcTest& test) : test_(test) {}

    WebResponse Get(const std::string& target) {
      WebRequest request;
      request.set_method("GET");
      return Send(std::move(request), target);
    }

    WebResponse Post(const std::string& path, const Form& form) {
      WebRequest request;
      request.set_method("POST");
      request.set_origin("null");
      request.set_fetch_site("same-origin");
      for (const auto& [name, value] : form) Add(request.mutable_form(), name, value);
      if (!form.contains("csrf")) Add(request.mutable_form(), "csrf", token);
      return Send(std::move(request), path);
    }

    // Follows redirects of this host.
    WebResponse Follow(WebResponse response) {
      for (int i = 0; i < 5 && response.status() == 303; ++i) {
        const std::string to = LocationOf(response);
        if (!to.starts_with("/")) break;
        response = Get(to);
      }
      return response;
    }
    WebResponse Open(const std::string& target) { return Follow(Get(target)); }
    WebResponse Submit(const std::string& path, const Form& form) {
      return Follow(Post(path, form));
    }

    WebResponse Send(WebRequest request, const std::string& target) {
      const std::size_t mark = target.find('?');
      request.set_path(target.substr(0, mark));
      std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
      while (!query.empty()) {
        const std::string pair = query.substr(0, query.find('&'));
        query.erase(0, pair.size() + 1);
        Add(request.mutable_query(), pair.substr(0, pair.find('=')),
            pair.substr(std::min(pair.size(), pair.find('=') + 1)));
      }
      for (const auto& [name, value] : cookies) Add(request.mutable_cookies(), name, value);
      request.set_client_address("192.0.2.1");
      request.set_user_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0");
      const WebResponse response = test_.Dispatch(request);
      for (const std::string& set : HeadersNamed(response, "Set-Cookie")) Keep(set);
      const std::string found = Between(response.body(), "name=\"csrf\" value=\"", "\"");
      if (!found.empty()) token = found;
      return response;
    }

    std::map<std::string, std::string> cookies;
    std::string token;

   private:
    static void Add(google::protobuf::RepeatedPtrField<http::v1::Parameter>* to,
                    const std::string& name, const std::string& value) {
      http::v1::Parameter& parameter = *to->Add();
      parameter.set_name(name);
      parameter.set_value(value);
    }
    void Keep(const std::string& set) {
      const std::string name = set.substr(0, set.find('='));
      const std::string value = Between(set, "=", ";");
      EXPECT_THAT(set, HasSubstr("; Path=/; ")) << set;
      EXPECT_THAT(set, HasSubstr("Secure; HttpOnly; SameSite=Lax"));
      if (value.empty()) {
        cookies.erase(name);
      } else {
        cookies[name] = value;
      }
    }

    PagesRpcTest& test_;
  };

  WebResponse Dispatch(const WebRequest& request) {
    using Handler = PagesRpc::Answer (PagesRpc::*)(rpc::Call&, const WebRequest&);
    static const std::map<std::string, Handler> handlers = {
        {"/oauth/authorize", &PagesRpc::Authorize},
        {"/auth/login", &PagesRpc::LogIn},
        {"/auth/second-factor", &PagesRpc::SecondFactor},
        {"/auth/passkey", &PagesRpc::Passkey},
        {"/auth/consent", &PagesRpc::Consent},
        {"/auth/register", &PagesRpc::SignUp},
        {"/auth/password-reset", &PagesRpc::ForgotPassword},
        {"/auth/password-reset/confirm", &PagesRpc::NewPassword},
        {"/auth/verify-email", &PagesRpc::ConfirmEmail},
        {"/auth/account", &PagesRpc::Account},
        {"/auth/approval", &PagesRpc::ApprovePayment},
        {"/auth/logout", &PagesRpc::LogOut}};
    const auto handler = handlers.find(request.path());
    rpc::Call call("gateway", rpc::Outgoing(), rpc::Principal(), false);
    const Handler run = handler != handlers.end()                     ? handler->second
                        : request.path().starts_with("/auth/assets/") ? &PagesRpc::GetAsset
                                                                      : &PagesRpc::ChangeAccount;
    const auto response = runtime_.Run((pages_.*run)(call, request));
    EXPECT_THAT(response, IsOk());
    return *response;
  }

  Uuid Register(const std::string& email = kEmail) {
    const Registering made = runtime_.Run(register_user_.Run("key-" + email, email, kPassword));
    EXPECT_THAT(made.user, IsOk());
    return made.user->user_id;
  }

  // Logs in with the password alone.
  Browser LoggedIn(const std::string& email = kEmail) {
    Browser browser(*this);
    browser.Open("/auth/login");
    const WebResponse response =
        browser.Submit("/auth/login", {{"email", email}, {"password", kPassword}});
    EXPECT_THAT(response.body(), HasSubstr("Your account"));
    return browser;
  }

  // Sets up one-time codes; gives their secret in Base32.
  std::string SetUpTotp(Browser& browser) {
    browser.Open("/auth/account");
    const WebResponse page = browser.Submit("/auth/account/totp", {});
    const std::string secret = Between(page.body(), "class=\"secret\">", "<");
    EXPECT_FALSE(secret.empty()) << page.body();
    const WebResponse done =
        browser.Submit("/auth/account/totp/confirm", {{"code", CodeOf(secret)}});
    EXPECT_THAT(done.body(), HasSubstr("Codes are on."));
    clock_.Advance(crypto::kTotpStep);  // The code was used.
    return secret;
  }

  std::string CodeOf(const std::string& base32) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string secret;
    unsigned bits = 0;
    int count = 0;
    for (const char c : base32) {
      bits = bits << 5 | static_cast<unsigned>(kAlphabet.find(c));
      count += 5;
      if (count >= 8) secret += static_cast<char>(bits >> (count -= 8) & 0xff);
    }
    return crypto::HotpCode(secret, crypto::TotpCounter(clock_.Now()), crypto::kTotpDigits);
  }

  // A payment of 40.00 EUR that waits for this user's approval; gives the page's target.
  std::string Ask(Uuid user_id) {
    const PaymentApproval approval{
        .approval_id = SystemIds().NewId(),
        .user_id = user_id,
        .payment_id = SystemIds().NewId(),
        .amount = {.minor_units = 4000, .currency = *Currency::Parse("EUR")},
        .payee_account_id = SystemIds().NewId(),
        .payee_name = "Zoë <Ltd>",
        .nonce = std::string(32, 'n'),
        .expire_time = clock_.Now() + absl::Minutes(5)};
    EXPECT_THAT(runtime_.Run(approvals_.Ask(approval)), IsOk());
    return "/auth/approval?id=" + FormatId(IdKind::kApproval, approval.approval_id);
  }
  static std::string IdIn(const std::string& target) { return target.substr(target.find('=') + 1); }
  ApprovalState StateOf(const std::string& target) {
    const Uuid id = ParseId(IdKind::kApproval, IdIn(target), "").value();
    return runtime_.Run(approval_store_.FindApproval(id))->state;
  }

  // What an app pushed; gives the target of its redirect to us.
  std::string Push(AuthorizationRequest asked = {}, bool first_party = false) {
    Client client;
    client.client_id = first_party ? "own" : kClient;
    client.client_name = "Acme <Budget>";
    client.redirect_uris = {kRedirect};
    client.grant_types = {"authorization_code"};
    client.scopes = {"accounts:read", "api_keys:write", "openid"};
    client.first_party = first_party;
    client.create_time = clock_.Now();
    EXPECT_THAT(runtime_.Run(oauth_.RegisterClient(client, SomeEvent())), IsOk());
    const std::string uri = "urn:ietf:params:oauth:request_uri:" + std::to_string(++pushed_);
    PushedRequest request;
    request.request_uri = crypto::Sha256(uri);
    request.client_id = client.client_id;
    request.request = std::move(asked);
    request.request.redirect_uri = kRedirect;
    if (request.request.scopes.empty()) request.request.scopes = {"accounts:read"};
    request.request.state = "s1";
    request.request.code_challenge = std::string(43, 'a');
    request.expires_at = clock_.Now() + absl::Seconds(60);
    EXPECT_THAT(runtime_.Run(oauth_.PushRequest(request)), IsOk());
    return "/oauth/authorize?client_id=" + client.client_id + "&request_uri=" + uri;
  }

  async::Runtime runtime_{2};
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  SequentialIds ids_;
  FakeStore users_;
  FakeAuthenticatorStore authenticator_store_{users_};
  FakeThrottleStore throttles_{users_};
  FakeEmailTokenStore tokens_{users_};
  FakeOAuthStore oauth_;
  FakeSessionStore session_store_;
  FakeLoginStore login_store_;
  FakeRoleStore roles_;
  PasswordHasher hasher_{{}, kCheap};
  const PasswordRules rules_{CommonPasswords({"password1234", "florin2026!!"})};
  const crypto::DataKeys data_keys_{
      crypto::SecretKeys::Parse("k1 " + crypto::Base64UrlEncode(std::string(32, 'k')) + "\n")
          .value()};
  KeptMail mail_;
  Sessions sessions_{session_store_, oauth_, clock_, ids_};
  audit::FakeRecorder recorder_;
  Authenticators authenticators_{
      {.users = users_,
       .store = authenticator_store_,
       .throttles = throttles_,
       .tokens = tokens_,
       .hasher = hasher_,
       .password_rules = rules_,
       .data_keys = data_keys_,
       .mail = mail_,
       .sessions = sessions_,
       .audit = recorder_,
       .clock = clock_,
       .ids = ids_},
      {.relying_party = {.id = "bank.example", .name = "Florin", .origins = {kIssuer}},
       .reset_url = std::string(kIssuer) + "/reset",
       .verification_url = std::string(kIssuer) + "/verify"}};
  FakeApprovalStore approval_store_;
  AuthenticatorProver prover_{authenticators_};
  PaymentApprovals approvals_{approval_store_, prover_, clock_};
  AuthorizationRequests requests_{oauth_, clock_, ids_, kIssuer};
  RegisterUser register_user_{users_, hasher_, clock_, ids_, rules_};
  Logins logins_{{.store = login_store_,
                  .sessions = sessions_,
                  .authenticators = authenticators_,
                  .requests = requests_,
                  .oauth = oauth_,
                  .register_user = register_user_,
                  .roles = roles_,
                  .clock = clock_}};
  PagesRpc pages_{{.logins = logins_,
                   .sessions = sessions_,
                   .authenticators = authenticators_,
                   .approvals = approvals_,
                   .oauth = oauth_,
                   .clock = clock_,
                   .ids = SystemIds()},
                  kIssuer};
  int pushed_ = 0;
};

TEST_F(PagesRpcTest, APasswordLogsIn) {
  Register();
  Browser browser = LoggedIn();
  EXPECT_TRUE(browser.cookies.contains("__Host-florin-session"));
  EXPECT_TRUE(browser.cookies.contains("__Host-florin-device"));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-login"));
  EXPECT_EQ(browser.cookies["__Host-florin-session"].size(), 43u);
}

TEST_F(PagesRpcTest, WrongAndUnknownLookTheSame) {
  Register();
  std::vector<std::string> bodies;
  for (const char* email : {kEmail, "bob@example.com"}) {
    Browser browser(*this);
    browser.Open("/auth/login");
    const std::string before = browser.cookies["__Host-florin-login"];
    const WebResponse wrong =
        browser.Post("/auth/login", {{"email", email}, {"password", "incorrect horse battery"}});
    EXPECT_EQ(wrong.status(), 400);
    EXPECT_EQ(browser.cookies["__Host-florin-login"], before);
    std::string body = wrong.body();
    // What differs by chance: the form's token and the passkey challenge.
    body = std::regex_replace(body, std::regex("value=\"[^\"]*\""), "");
    body = std::regex_replace(body, std::regex("data-options=\"[^\"]*\""), "");
    bodies.push_back(body);
  }
  EXPECT_EQ(bodies[0], bodies[1]);
  EXPECT_THAT(bodies[0], HasSubstr("role=\"alert\""));
}

TEST_F(PagesRpcTest, TheSecondFactorIsAskedFor) {
  Register();
  Browser setup = LoggedIn();
  const std::string secret = SetUpTotp(setup);

  Browser browser(*this);
  browser.Open("/auth/login");
  const WebResponse second =
      browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(second.body(), HasSubstr("Code from your app"));
  EXPECT_THAT(second.body(), HasSubstr("autocomplete=\"one-time-code\""));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-session"));
  EXPECT_EQ(LocationOf(browser.Get("/auth/account")), "/auth/login");

  const WebResponse wrong = browser.Post("/auth/second-factor", {{"code", "000000"}});
  EXPECT_EQ(wrong.status(), 403);  // Asking for the account began another login.
  browser.Open("/auth/login");
  browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_EQ(browser.Post("/auth/second-factor", {{"code", "000000"}}).status(), 400);
  const std::string code = CodeOf(secret);
  const WebResponse done =
      browser.Submit("/auth/second-factor", {{"code", code.substr(0, 3) + " " + code.substr(3)}});
  EXPECT_THAT(done.body(), HasSubstr("Your account"));
  EXPECT_TRUE(browser.cookies.contains("__Host-florin-session"));
}

TEST_F(PagesRpcTest, ARecoveryCodeDoesOnce) {
  Register();
  Browser setup = LoggedIn();
  SetUpTotp(setup);
  setup.Open("/auth/account");
  const WebResponse page = setup.Submit("/auth/account/recovery-codes", {});
  const std::string code = Between(page.body(), "class=\"codes\"><li>", "<");
  ASSERT_FALSE(code.empty()) << page.body();

  const auto log_in = [&] {
    Browser browser(*this);
    browser.Open("/auth/login");
    browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
    return browser.Submit("/auth/second-factor", {{"recovery_code", code}});
  };
  EXPECT_THAT(log_in().body(), HasSubstr("Your account"));
  EXPECT_EQ(log_in().status(), 400);
}

TEST_F(PagesRpcTest, StepsCannotBeSkipped) {
  Register();
  Browser browser(*this);
  browser.Open("/auth/login");
  EXPECT_EQ(LocationOf(browser.Get("/auth/second-factor")), "/auth/login");
  EXPECT_EQ(LocationOf(browser.Get("/auth/consent")), "/auth/login");
  EXPECT_EQ(LocationOf(browser.Post("/auth/second-factor", {{"code", "000000"}})), "/auth/login");
  EXPECT_EQ(LocationOf(browser.Post("/auth/consent", {{"decision", "allow"}})), "/auth/login");
}

// --- Approvals of payments ---

TEST_F(PagesRpcTest, APayerSeesAndApprovesAPaymentByCode) {
  const Uuid user = Register();
  Browser browser = LoggedIn();
  const std::string secret = SetUpTotp(browser);
  const std::string target = Ask(user);
  const WebResponse page = browser.Open(target);
  EXPECT_EQ(page.status(), 200);
  EXPECT_THAT(page.body(), HasSubstr("40.00\u00a0EUR"));
  EXPECT_THAT(page.body(), HasSubstr("Zoë &lt;Ltd&gt;"));

  const Form wrong = {{"approval_id", IdIn(target)}, {"code", "000000"}};
  const WebResponse refused = browser.Post("/auth/approval", wrong);
  EXPECT_EQ(refused.status(), 400);
  EXPECT_THAT(refused.body(), HasSubstr("role=\"alert\""));
  EXPECT_THAT(refused.body(), HasSubstr("40.00\u00a0EUR"));
  const WebResponse nothing = browser.Post("/auth/approval", {{"approval_id", IdIn(target)}});
  EXPECT_EQ(nothing.status(), 400);
  EXPECT_EQ(StateOf(target), ApprovalState::kPending);

  const std::string code = CodeOf(secret);
  const std::string spaced = code.substr(0, 3) + " " + code.substr(3);
  const Form right = {{"approval_id", IdIn(target)}, {"code", spaced}};
  const WebResponse approved = browser.Post("/auth/approval", right);
  EXPECT_EQ(approved.status(), 303);
  EXPECT_EQ(LocationOf(approved), target);
  EXPECT_EQ(StateOf(target), ApprovalState::kApproved);
  EXPECT_THAT(browser.Open(target).body(), HasSubstr("You have approved this payment."));

  // The code approved that one: no other.
  const std::string other = Ask(user);
  browser.Open(other);
  const Form again = {{"approval_id", IdIn(other)}, {"code", code}};
  EXPECT_EQ(browser.Post("/auth/approval", again).status(), 400);
  EXPECT_EQ(StateOf(other), ApprovalState::kPending);
}

TEST_F(PagesRpcTest, GuessesFromElsewhereDoNotKeepAKnownDeviceFromApproving) {
  const Uuid user = Register();
  Browser browser = LoggedIn();
  const std::string secret = SetUpTotp(browser);
  const std::string target = Ask(user);
  browser.Open(target);
  const Uuid id = ParseId(IdKind::kApproval, IdIn(target), "").value();
  const auto elsewhere = [&](const std::string& code) {
    const PayerProver::Proof proof{.credential = "", .totp_code = code};
    return runtime_.Run(approvals_.Approve(user, id, proof)).status();
  };
  const std::string code = CodeOf(secret);
  const std::string wrong = code == "000000" ? "000001" : "000000";
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(elsewhere(wrong), StatusHasReason(Reason::kInvalidCredentials));
  }
  EXPECT_THAT(elsewhere(code), StatusHasReason(Reason::kInvalidCredentials));
  const Form right = {{"approval_id", IdIn(target)}, {"code", code}};
  EXPECT_EQ(browser.Post("/auth/approval", right).status(), 303);
  EXPECT_EQ(StateOf(target), ApprovalState::kApproved);
}

TEST_F(PagesRpcTest, WhoIsLoggedOutComesBackToTheApproval) {
  const Uuid user = Register();
  const std::string target = Ask(user);
  Browser browser(*this);
  EXPECT_THAT(browser.Open(target).body(), HasSubstr("name=\"password\""));
  const WebResponse page =
      browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(page.body(), HasSubstr("Approve this payment?"));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-approval"));
  // From there on the account is the account.
  EXPECT_THAT(browser.Open("/auth/account").body(), HasSubstr("Your account"));
  // An idle session approves and shows nothing.
  clock_.Advance(kSessionIdleLimit + absl::Seconds(1));
  EXPECT_EQ(LocationOf(browser.Get(target)), "/auth/login");
  const Form decline = {{"approval_id", IdIn(target)}, {"decision", "decline"}};
  EXPECT_EQ(LocationOf(browser.Post("/auth/approval", decline)), "/auth/login");
  EXPECT_EQ(StateOf(target), ApprovalState::kPending);
}

TEST_F(PagesRpcTest, ADeclinedOrLatePaymentCannotBeApproved) {
  const Uuid user = Register();
  Browser browser = LoggedIn();
  const std::string secret = SetUpTotp(browser);
  const std::string target = Ask(user);
  browser.Open(target);
  const Form decline = {{"approval_id", IdIn(target)}, {"decision", "decline"}};
  EXPECT_THAT(browser.Submit("/auth/approval", decline).body(),
              HasSubstr("You have declined this payment."));
  EXPECT_EQ(StateOf(target), ApprovalState::kDeclined);
  const Form approve = {{"approval_id", IdIn(target)}, {"code", CodeOf(secret)}};
  EXPECT_THAT(browser.Submit("/auth/approval", approve).body(),
              HasSubstr("You have declined this payment."));

  const std::string late = Ask(user);
  clock_.Advance(absl::Minutes(3));
  browser.Open(late);
  clock_.Advance(absl::Minutes(2));
  const Form too_late = {{"approval_id", IdIn(late)}, {"code", CodeOf(secret)}};
  EXPECT_THAT(browser.Submit("/auth/approval", too_late).body(), HasSubstr("Too late"));
  EXPECT_EQ(StateOf(late), ApprovalState::kPending);
}

TEST_F(PagesRpcTest, AnApprovalOfAnotherUserLooksLikeNone) {
  Register("bob@example.com");
  const std::string target = Ask(Register());
  Browser bob = LoggedIn("bob@example.com");
  const WebResponse theirs = bob.Open(target);
  const std::string none = FormatId(IdKind::kApproval, SystemIds().NewId());
  const WebResponse nobodys = bob.Open("/auth/approval?id=" + none);
  EXPECT_EQ(theirs.status(), 404);
  EXPECT_EQ(theirs.body(), nobodys.body());
  EXPECT_EQ(bob.Open("/auth/approval?id=usr_1").status(), 404);
  EXPECT_EQ(bob.Open("/auth/approval").status(), 404);
  bob.Open("/auth/account");
  const Form decline = {{"approval_id", IdIn(target)}, {"decision", "decline"}};
  EXPECT_EQ(bob.Post("/auth/approval", decline).status(), 404);
  EXPECT_EQ(StateOf(target), ApprovalState::kPending);
}

// --- Cross-site request forgery ---

TEST_F(PagesRpcTest, EveryFormIsHeldToItsOrigin) {
  Register();
  Browser anonymous(*this);
  anonymous.Open("/auth/login");
  Browser member = LoggedIn();
  member.Open("/auth/account");
  const struct {
    Browser* browser;
    const char* path;
  } forms[] = {
      {&anonymous, "/auth/login"},
      {&anonymous, "/auth/second-factor"},
      {&anonymous, "/auth/passkey"},
      {&anonymous, "/auth/consent"},
      {&anonymous, "/auth/register"},
      {&anonymous, "/auth/password-reset"},
      {&anonymous, "/auth/password-reset/confirm"},
      {&anonymous, "/auth/verify-email"},
      {&member, "/auth/logout"},
      {&member, "/auth/account/sessions/end"},
      {&member, "/auth/account/sessions/end-others"},
      {&member, "/auth/account/passkeys"},
      {&member, "/auth/account/passkeys/finish"},
      {&member, "/auth/account/totp"},
      {&member, "/auth/account/totp/confirm"},
      {&member, "/auth/account/recovery-codes"},
      {&member, "/auth/account/factors/remove"},
      {&member, "/auth/account/apps/revoke"},
      {&member, "/auth/approval"},
  };
  for (const auto& form : forms) {
    const auto status = [&](const char* origin, const char* site, const std::string& token) {
      WebRequest request;
      request.set_method("POST");
      request.set_origin(origin);
      request.set_fetch_site(site);
      http::v1::Parameter& field = *request.add_form();
      field.set_name("csrf");
      field.set_value(token);
      Browser copy = *form.browser;
      return copy.Send(std::move(request), form.path).status();
    };
    const std::string token = form.browser->token;
    EXPECT_EQ(status(kIssuer, "same-origin", ""), 403) << form.path;
    EXPECT_EQ(status(kIssuer, "same-origin", FormToken("x")), 403) << form.path;
    EXPECT_EQ(status("https://evil.example", "", token), 403) << form.path;
    EXPECT_EQ(status("null", "cross-site", token), 403) << form.path;
    EXPECT_EQ(status(kIssuer, "cross-site", token), 403) << form.path;
    EXPECT_EQ(status("", "", token), 403) << form.path;
  }
}

TEST_F(PagesRpcTest, ATokenOfAnotherBrowserIsNoToken) {
  Register();
  Register("eve@example.com");
  Browser eve(*this);
  eve.Open("/auth/login");
  // Eve's page, sent by Ann's browser, would log Ann in as Eve.
  Browser ann(*this);
  ann.Open("/auth/login");
  const WebResponse response = ann.Post(
      "/auth/login", {{"csrf", eve.token}, {"email", "eve@example.com"}, {"password", kPassword}});
  EXPECT_EQ(response.status(), 403);
  EXPECT_FALSE(ann.cookies.contains("__Host-florin-session"));
}

// --- Sessions ---

TEST_F(PagesRpcTest, APlantedCookieIsNotTakenOver) {
  Register();
  Browser browser(*this);
  const std::string planted = crypto::Base64UrlEncode(std::string(32, 'p'));
  browser.cookies["__Host-florin-session"] = planted;
  browser.cookies["__Host-florin-login"] = planted;
  browser.Open("/auth/login");
  EXPECT_NE(browser.cookies["__Host-florin-login"], planted);
  const std::string login = browser.cookies["__Host-florin-login"];
  browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_NE(browser.cookies["__Host-florin-session"], planted);

  Browser thief(*this);
  thief.cookies = {{"__Host-florin-session", planted}, {"__Host-florin-login", login}};
  EXPECT_EQ(thief.Get("/auth/account").status(), 303);
  EXPECT_THAT(thief.Open("/auth/login").body(), HasSubstr("current-password"));
}

TEST_F(PagesRpcTest, AnotherAuthenticationGivesANewSecretToTheSameSession) {
  Register();
  Browser browser = LoggedIn();
  const std::string first = browser.cookies["__Host-florin-session"];
  clock_.Advance(absl::Seconds(301));
  EXPECT_EQ(LocationOf(browser.Get("/auth/account")), "/auth/login");
  EXPECT_THAT(browser.Open("/auth/login").body(), HasSubstr("Confirm it is you"));
  browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_NE(browser.cookies["__Host-florin-session"], first);
  EXPECT_THAT(browser.Open("/auth/account").body(), HasSubstr("this one"));
  Browser old(*this);
  old.cookies["__Host-florin-session"] = first;
  EXPECT_EQ(LocationOf(old.Get("/auth/account")), "/auth/login");
}

TEST_F(PagesRpcTest, AccountPagesEndAfterFiveIdleMinutesAndTwelveHours) {
  Register();
  Browser browser = LoggedIn();
  clock_.Advance(absl::Seconds(299));
  EXPECT_EQ(browser.Get("/auth/account").status(), 200);
  clock_.Advance(absl::Seconds(299));  // Activity counts.
  EXPECT_EQ(browser.Get("/auth/account").status(), 200);
  Browser idle = browser;
  clock_.Advance(absl::Seconds(301));
  EXPECT_EQ(LocationOf(idle.Get("/auth/account")), "/auth/login");
  EXPECT_EQ(LocationOf(idle.Get("/auth/account")), "/auth/login");

  Browser busy = LoggedIn();
  for (int i = 0; i < 12 * 3600 / 240; ++i) {
    clock_.Advance(absl::Seconds(240));
    ASSERT_EQ(busy.Get("/auth/account").status(), 200) << i;
  }
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(LocationOf(busy.Get("/auth/account")), "/auth/login");
}

TEST_F(PagesRpcTest, LoggingOutKillsTheSession) {
  Register();
  Browser browser = LoggedIn();
  browser.Open("/auth/account");
  const std::string secret = browser.cookies["__Host-florin-session"];
  EXPECT_THAT(browser.Submit("/auth/logout", {}).body(), HasSubstr("You are logged out."));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-session"));
  browser.cookies["__Host-florin-session"] = secret;
  EXPECT_EQ(LocationOf(browser.Get("/auth/account")), "/auth/login");
}

TEST_F(PagesRpcTest, SessionsAreListedAndEnded) {
  Register();
  Browser first = LoggedIn();
  Browser second = LoggedIn();
  Browser third = LoggedIn();
  const WebResponse page = first.Open("/auth/account");
  EXPECT_THAT(page.body(), HasSubstr("Firefox on Linux"));
  const std::string id = Between(page.body(), "name=\"session_id\" value=\"", "\"");
  EXPECT_THAT(id, StartsWith("ses_"));
  first.Submit("/auth/account/sessions/end", {{"session_id", id}});
  const bool second_ended = second.Get("/auth/account").status() == 303;
  EXPECT_NE(second_ended, third.Get("/auth/account").status() == 303);

  // Not another user's.
  Register("eve@example.com");
  Browser eve = LoggedIn("eve@example.com");
  const WebResponse own = first.Open("/auth/account");
  eve.Open("/auth/account");
  eve.Submit("/auth/account/sessions/end",
             {{"session_id", Between(own.body(), "name=\"session_id\" value=\"", "\"")}});
  EXPECT_EQ(first.Get("/auth/account").status(), 200);

  first.Open("/auth/account");
  first.Submit("/auth/account/sessions/end-others", {});
  EXPECT_EQ(first.Get("/auth/account").status(), 200);
  EXPECT_EQ(second.Get("/auth/account").status(), 303);
  EXPECT_EQ(third.Get("/auth/account").status(), 303);
}

TEST_F(PagesRpcTest, AChangeOfFactorsEndsTheOthersAndRenewsThisOne) {
  Register();
  Browser other = LoggedIn();
  Browser browser = LoggedIn();
  const std::string before = browser.cookies["__Host-florin-session"];
  SetUpTotp(browser);
  EXPECT_NE(browser.cookies["__Host-florin-session"], before);
  EXPECT_EQ(other.Get("/auth/account").status(), 303);

  const WebResponse page = browser.Open("/auth/account");
  const std::string factor = Between(page.body(), "name=\"factor_id\" value=\"", "\"");
  const std::string old = browser.cookies["__Host-florin-session"];
  EXPECT_THAT(browser.Submit("/auth/account/factors/remove", {{"factor_id", factor}}).body(),
              HasSubstr("It was removed."));
  EXPECT_NE(browser.cookies["__Host-florin-session"], old);
}

TEST_F(PagesRpcTest, FactorsChangeOnlyAfterAFreshAuthentication) {
  Register();
  Browser browser = LoggedIn();
  clock_.Advance(absl::Seconds(200));
  browser.Open("/auth/account");
  clock_.Advance(absl::Seconds(101));
  browser.Open("/auth/account");  // Active, but 301 s after the authentication.
  for (const char* path : {"/auth/account/totp", "/auth/account/passkeys",
                           "/auth/account/recovery-codes", "/auth/account/factors/remove"}) {
    Browser copy = browser;
    EXPECT_EQ(LocationOf(copy.Post(path, {})), "/auth/login") << path;
  }
}

// --- Authorization requests ---

TEST_F(PagesRpcTest, AnAppIsLetInAfterConsent) {
  Register();
  Browser browser(*this);
  const WebResponse login = browser.Open(Push());
  EXPECT_THAT(login.body(), HasSubstr("Acme &lt;Budget&gt;"));
  EXPECT_THAT(HeadersNamed(login, "Content-Security-Policy")[0],
              HasSubstr("form-action 'self' https://app.example;"));
  const WebResponse consent =
      browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(consent.body(), HasSubstr("see your accounts"));
  EXPECT_THAT(consent.body(), HasSubstr("app.example"));
  const WebResponse done = browser.Post("/auth/consent", {{"decision", "allow"}});
  EXPECT_EQ(done.status(), 303);
  EXPECT_THAT(LocationOf(done), StartsWith("https://app.example/cb?code="));
  EXPECT_THAT(LocationOf(done), HasSubstr("&state=s1&iss=https%3A%2F%2Fbank.example"));

  // The next time there is nothing to ask.
  EXPECT_THAT(LocationOf(browser.Get(Push())), StartsWith("https://app.example/cb?code="));
  // Unless the app wants it asked.
  EXPECT_EQ(LocationOf(browser.Get(Push({.prompt = {"consent"}}))), "/auth/consent");
  EXPECT_THAT(browser.Open("/auth/account").body(), HasSubstr("May see your accounts"));
  browser.Submit("/auth/account/apps/revoke", {{"client_id", kClient}});
  EXPECT_EQ(LocationOf(browser.Get(Push())), "/auth/consent");
}

TEST_F(PagesRpcTest, AnAppIsDenied) {
  Register();
  Browser browser(*this);
  browser.Open(Push());
  browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_EQ(browser.Post("/auth/consent", {{"decision", "maybe"}}).status(), 400);
  EXPECT_EQ(browser.Post("/auth/consent", {}).status(), 400);
  const WebResponse done = browser.Post("/auth/consent", {{"decision", "deny"}});
  EXPECT_THAT(LocationOf(done), StartsWith("https://app.example/cb?error=access_denied"));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-login"));
}

TEST_F(PagesRpcTest, AnAppGetsNoMoreThanTheUsersRolesGive) {
  const Uuid user = Register();
  Browser browser(*this);
  browser.Open(Push({.scopes = {"accounts:read", "api_keys:write"}}));
  const WebResponse consent =
      browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(consent.body(), HasSubstr("see your accounts"));
  EXPECT_THAT(consent.body(), Not(HasSubstr("API keys")));
  browser.Post("/auth/consent", {{"decision", "allow"}});
  EXPECT_THAT(runtime_.Run(oauth_.FindConsent(user, kClient)).value()->scopes,
              ElementsAre("accounts:read"));
  // What the user cannot give is not asked for again either.
  EXPECT_THAT(LocationOf(browser.Get(Push({.scopes = {"accounts:read", "api_keys:write"}}))),
              StartsWith("https://app.example/cb?code="));

  EXPECT_THAT(LocationOf(browser.Get(Push({.scopes = {"api_keys:write"}}))),
              StartsWith("https://app.example/cb?error=invalid_scope"));
  Browser other(*this);
  other.Open(Push({.scopes = {"api_keys:write"}}));
  EXPECT_THAT(LocationOf(other.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}})),
              StartsWith("https://app.example/cb?error=invalid_scope"));

  roles_.Give(user, Role::kMerchant);
  EXPECT_THAT(browser.Open(Push({.scopes = {"api_keys:write"}})).body(), HasSubstr("API keys"));
  // Taken away between the page and the answer.
  roles_.Take(user, Role::kMerchant);
  EXPECT_THAT(LocationOf(browser.Post("/auth/consent", {{"decision", "allow"}})),
              StartsWith("https://app.example/cb?error=invalid_scope"));
}

TEST_F(PagesRpcTest, AFirstPartyAppNeedsNoConsent) {
  Register();
  Browser browser(*this);
  browser.Open(Push({}, true));
  const WebResponse done =
      browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(LocationOf(done), StartsWith("https://app.example/cb?code="));
}

TEST_F(PagesRpcTest, PromptNoneAsksNothing) {
  Register();
  Browser browser(*this);
  EXPECT_THAT(LocationOf(browser.Get(Push({.prompt = {"none"}}))),
              StartsWith("https://app.example/cb?error=login_required"));
  Browser member = LoggedIn();
  EXPECT_THAT(LocationOf(member.Get(Push({.prompt = {"none"}}))),
              StartsWith("https://app.example/cb?error=consent_required"));
}

TEST_F(PagesRpcTest, FreshOrStrongerAuthenticationIsDemanded) {
  Register();
  Browser browser = LoggedIn();
  EXPECT_EQ(LocationOf(browser.Get(Push({.prompt = {"login"}}))), "/auth/login");
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(LocationOf(browser.Get(Push({.max_age = absl::Seconds(59)}))), "/auth/login");
  EXPECT_EQ(LocationOf(browser.Get(Push({.max_age = absl::Seconds(60)}))), "/auth/consent");
  // Nothing stronger is set up.
  browser.Open(Push({.acr_values = {"urn:florin:acr:mfa"}}));
  EXPECT_EQ(browser.Post("/auth/login", {{"email", kEmail}, {"password", kPassword}}).status(),
            403);

  Browser fresh = LoggedIn();
  const std::string secret = SetUpTotp(fresh);
  EXPECT_EQ(LocationOf(fresh.Get(Push({.acr_values = {"urn:florin:acr:mfa"}}))),
            "/auth/second-factor");
  fresh.Open("/auth/second-factor");
  EXPECT_EQ(LocationOf(fresh.Post("/auth/second-factor", {{"code", CodeOf(secret)}})),
            "/auth/consent");
  // Codes are not enough for this.
  const WebResponse page = fresh.Open(Push({.acr_values = {"urn:florin:acr:phr"}}));
  EXPECT_THAT(page.body(), HasSubstr("This needs a passkey"));
  EXPECT_THAT(page.body(), Not(HasSubstr("one-time-code")));
}

TEST_F(PagesRpcTest, ABadAuthorizeRequestIsAPageAndNoRedirect) {
  Register();
  const std::string good = Push();
  std::vector<std::string> bad = {
      "/oauth/authorize",
      "/oauth/authorize?client_id=acme",
      "/oauth/authorize?request_uri=urn:x",
      "/oauth/authorize?client_id=acme&request_uri=",
      "/oauth/authorize?client_id=other&request_uri=urn:ietf:params:oauth:request_uri:1",
      "/oauth/authorize?client_id=acme&request_uri=urn:ietf:params:oauth:request_uri:none",
      "/oauth/authorize?client_id=acme&request_uri=https://evil.example/request",
      "/oauth/authorize?response_type=code&client_id=acme&redirect_uri=https://evil.example",
  };
  for (const char* more : {"redirect_uri=https://evil.example", "state=x", "scope=payments:write",
                           "client_id=acme", "response_type=code", "request_uri=urn:x", "x=%3Cb"}) {
    bad.push_back(good + "&" + more);
  }
  for (const std::string& target : bad) {
    for (Browser browser : {Browser(*this), LoggedIn()}) {
      const WebResponse response = browser.Get(target);
      EXPECT_EQ(response.status(), 400) << target;
      EXPECT_EQ(LocationOf(response), "") << target;
      EXPECT_THAT(response.body(), Not(HasSubstr("evil"))) << target;
      EXPECT_THAT(response.body(), HasSubstr("start again")) << target;
    }
  }
  // After a minute nobody has come.
  clock_.Advance(absl::Seconds(61));
  Browser browser(*this);
  EXPECT_EQ(browser.Get(good).status(), 400);
}

TEST_F(PagesRpcTest, NothingInAnAddressChoosesWhereARedirectLeads) {
  Register();
  for (const char* parameter : {"return_to", "next", "redirect_uri", "continue", "notice", "url"}) {
    for (const char* evil : {"https://evil.example", "//evil.example", "/\\evil.example"}) {
      Browser browser(*this);
      const std::string target = "/auth/login?" + std::string(parameter) + "=" + std::string(evil);
      EXPECT_THAT(browser.Get(target).body(), Not(HasSubstr("evil")));
      const WebResponse done =
          browser.Post("/auth/login", {{"email", kEmail}, {"password", kPassword}});
      EXPECT_EQ(LocationOf(done), "/auth/account") << target;
    }
  }
}

TEST_F(PagesRpcTest, APersonMayTakeLongerThanAPushedRequestLives) {
  Register();
  Browser browser(*this);
  browser.Open(Push());
  clock_.Advance(absl::Minutes(5));
  browser.Submit("/auth/login", {{"email", kEmail}, {"password", kPassword}});
  const WebResponse done = browser.Post("/auth/consent", {{"decision", "allow"}});
  EXPECT_THAT(LocationOf(done), StartsWith("https://app.example/cb?code="));
}

// --- Registering, recovery ---

TEST_F(PagesRpcTest, SomebodyNewSignsUp) {
  Browser browser(*this);
  browser.Open("/auth/register");
  EXPECT_EQ(browser.Post("/auth/register", {{"email", "no"}, {"password", kPassword}}).status(),
            400);
  EXPECT_EQ(browser.Post("/auth/register", {{"email", kEmail}, {"password", "short"}}).status(),
            400);
  const WebResponse done =
      browser.Submit("/auth/register", {{"email", kEmail}, {"password", kPassword}});
  EXPECT_THAT(done.body(), HasSubstr("Your account"));
}

TEST_F(PagesRpcTest, AForgottenPasswordIsReplacedByALink) {
  Register();
  Browser other = LoggedIn();
  std::vector<std::string> bodies;
  for (const char* email : {kEmail, "bob@example.com"}) {
    Browser browser(*this);
    browser.Open("/auth/password-reset");
    const WebResponse sent = browser.Submit("/auth/password-reset", {{"email", email}});
    bodies.push_back(std::regex_replace(sent.body(), std::regex("value=\"[^\"]*\""), ""));
  }
  EXPECT_EQ(bodies[0], bodies[1]);

  std::string token;
  while (token.empty()) {  // It goes after the answer.
    for (const Mail& mail : mail_.mails()) token = Between(mail.body, "token=", "\n");
    std::this_thread::yield();
  }
  Browser browser(*this);
  const WebResponse moved = browser.Get("/auth/password-reset/confirm?token=" + token);
  EXPECT_EQ(moved.status(), 303);
  EXPECT_EQ(LocationOf(moved), "/auth/password-reset/confirm");
  const WebResponse page = browser.Open("/auth/password-reset/confirm");
  EXPECT_THAT(page.body(), Not(HasSubstr(token)));
  EXPECT_EQ(browser.Post("/auth/password-reset/confirm", {{"password", "short"}}).status(), 400);
  const WebResponse done =
      browser.Submit("/auth/password-reset/confirm", {{"password", "another horse battery"}});
  EXPECT_THAT(done.body(), HasSubstr("Your password was changed."));
  EXPECT_FALSE(browser.cookies.contains("__Host-florin-reset"));
  // The other sessions have ended, and the old password is void.
  EXPECT_EQ(other.Get("/auth/account").status(), 303);
  EXPECT_EQ(browser.Post("/auth/login", {{"email", kEmail}, {"password", kPassword}}).status(),
            400);
  EXPECT_EQ(LocationOf(browser.Post("/auth/login",
                                    {{"email", kEmail}, {"password", "another horse battery"}})),
            "/auth/account");
  // A link works once.
  Browser late(*this);
  late.Open("/auth/password-reset/confirm?token=" + token);
  EXPECT_EQ(late.Post("/auth/password-reset/confirm", {{"password", kPassword}}).status(), 400);
}

// --- What every answer has ---

TEST_F(PagesRpcTest, EveryAnswerOfEveryRouteHasItsGuards) {
  Register();
  Browser member = LoggedIn();
  member.Open("/auth/account");
  for (const char* path :
       {"/oauth/authorize", "/auth/login", "/auth/second-factor", "/auth/passkey", "/auth/consent",
        "/auth/register", "/auth/password-reset", "/auth/password-reset/confirm",
        "/auth/verify-email", "/auth/account", "/auth/account/sessions/end", "/auth/logout",
        "/auth/approval", "/auth/account/totp", "/auth/account/passkeys", "/auth/assets/x"}) {
    for (const bool post : {false, true}) {
      for (Browser browser : {Browser(*this), member}) {
        const WebResponse response = post ? browser.Post(path, {}) : browser.Get(path);
        const auto policies = HeadersNamed(response, "Content-Security-Policy");
        ASSERT_EQ(policies.size(), 1u) << path;
        EXPECT_THAT(policies[0], HasSubstr("frame-ancestors 'none'")) << path;
        EXPECT_THAT(policies[0], HasSubstr("default-src 'none'")) << path;
        EXPECT_THAT(policies[0], Not(HasSubstr("unsafe"))) << path;
        EXPECT_EQ(HeadersNamed(response, "Referrer-Policy").size(), 1u) << path;
        EXPECT_EQ(HeadersNamed(response, "Cache-Control"), std::vector<std::string>{"no-store"})
            << path;
        EXPECT_NE(response.status(), 302);
        EXPECT_NE(response.status(), 307);
      }
    }
  }
}

TEST_F(PagesRpcTest, WhatIsTypedComesBackInert) {
  Browser browser(*this);
  browser.Open("/auth/login");
  const std::string attack = "\"><script>alert(1)</script>@x.example";
  for (const char* path : {"/auth/login", "/auth/register"}) {
    const WebResponse response = browser.Post(path, {{"email", attack}, {"password", kPassword}});
    EXPECT_EQ(response.status(), 400);
    EXPECT_THAT(response.body(), Not(HasSubstr("<script>alert")));
    EXPECT_THAT(response.body(), HasSubstr("&quot;&gt;&lt;script&gt;"));
  }
}

}  // namespace
}  // namespace florin::auth
