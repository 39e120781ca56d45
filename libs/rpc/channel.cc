#include "libs/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/rendezvous.h"
#include "libs/rpc/target.h"

namespace florin::rpc {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 1;
// How long a target may take to answer before the next one is asked.
constexpr absl::Duration kLongestReach = absl::Seconds(2);

// Accepts exactly one peer: the service that the channel is for. gRPC has verified the chain
// already; this replaces its host name check, since services are known by their SPIFFE identity and
// not by where they run.
class PeerIsService : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit PeerIsService(const std::string& service) : expected_(kTrustDomain + service) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    const auto names = request->uri_names();
    const bool is_service =
        names.size() == 1 && std::string(names[0].data(), names[0].size()) == expected_;
    *status = is_service ? grpc::Status::OK
                         : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                        "the server is not " + expected_);
    return true;  // Decided at once.
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string expected_;
};

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ChannelOptions& options) {
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.certificates.key, options.certificates.certificate, options.certificates.ca,
      kCertificateRefreshSeconds));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(true);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<PeerIsService>(options.service));
  return grpc::experimental::TlsCredentials(tls);
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // In spite of its name, the time that an attempt may take, TCP and TLS together: generous, since
  // a busy machine needs it.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // Retry is ours to decide, by idempotency.
  return arguments;
}

// "host:port,host:port" as a list.
std::vector<std::string> Addresses(const std::string& targets) {
  std::vector<std::string> addresses;
  for (const absl::string_view part : absl::StrSplit(targets, ',')) {
    const absl::string_view address = absl::StripAsciiWhitespace(part);
    if (!address.empty()) addresses.emplace_back(address);
  }
  if (addresses.empty()) addresses.push_back(targets);  // gRPC reports what it cannot use.
  return addresses;
}

}  // namespace

class Channel::Impl {
 public:
  Impl(Executor executor, const ChannelOptions& options)
      : default_timeout_(options.default_timeout), addresses_(Addresses(options.target)) {
    const auto credentials = Credentials(options);
    for (const std::string& address : addresses_) {
      targets_.push_back(std::make_unique<Target>(
          executor, grpc::CreateCustomChannel(address, credentials, Arguments()), open_,
          options.share_stream));
    }
  }

  ~Impl() {
    gone_->Cancel(Error(Reason::kUnavailable, "the channel is gone"));
    targets_.clear();
    open_->WaitForAll();
  }

  absl::Time DeadlineOf(const Outgoing& context) const {
    return std::min(context.deadline, SystemClock().Now() + default_timeout_);
  }

  // The first target in the order of `route` that can be reached; the very first if none can. Asks
  // before anything is sent: a call that fails on its way may have had its effect, and must not go
  // to another target.
  Task<Target*> Choose(std::string route, absl::Time deadline) {
    if (targets_.size() == 1) co_return targets_[0].get();
    const std::vector<std::size_t> ranks = RankByRendezvous(route, addresses_);
    for (const std::size_t rank : ranks) {
      Target* const target = targets_[rank].get();
      const absl::Status reached = co_await target->Reach(ReachBy(deadline));
      if (reached.ok()) co_return target;
      target->Revive();
    }
    co_return targets_[ranks[0]].get();
  }

  const std::shared_ptr<Cancellation>& gone() const { return gone_; }

 private:
  // Leaves time for the next target.
  static absl::Time ReachBy(absl::Time deadline) {
    const absl::Time now = SystemClock().Now();
    return now + std::min((deadline - now) / 2, kLongestReach);
  }

  const absl::Duration default_timeout_;
  const std::vector<std::string> addresses_;
  const std::shared_ptr<OpenStreams> open_ = std::make_shared<OpenStreams>();
  const std::shared_ptr<Cancellation> gone_ = std::make_shared<Cancellation>();
  std::vector<std::unique_ptr<Target>> targets_;  // Of addresses_.
};

Channel::Channel(Executor executor, ChannelOptions options)
    : impl_(std::make_unique<Impl>(executor, options)) {}
Channel::~Channel() = default;
Channel::Channel(Channel&&) noexcept = default;

Task<Reply> Channel::CallBytes(std::string method, Outgoing context, std::string request) {
  const absl::Time deadline = impl_->DeadlineOf(context);
  Target* const target = co_await impl_->Choose(context.route, deadline);
  co_return co_await target->Unary(std::move(method), context, std::move(request), deadline);
}

Task<absl::Status> Channel::StreamBytes(std::string method, Outgoing context, std::string request,
                                        EachBytes each) {
  const std::shared_ptr<Cancellation> gone = impl_->gone();
  Target* const target = co_await impl_->Choose(context.route, impl_->DeadlineOf(context));
  std::shared_ptr<StreamCall> call = target->StartStream(method, context, request);
  co_return co_await Consume(std::move(call), gone, context.cancellation, std::move(each));
}

// A health check (grpc.health.v1), not a look at the channel's state: gRPC drives a connection only
// while a call waits for it. Of several targets, the first that can be reached answers.
Task<absl::Status> Channel::Connect(absl::Time deadline) {
  constexpr absl::Duration kPause = absl::Milliseconds(50);
  while (true) {
    const Outgoing attempt{.deadline = deadline};
    const absl::Time until = impl_->DeadlineOf(attempt);
    Target* const target = co_await impl_->Choose(attempt.route, until);
    const absl::Status answered = co_await target->CheckHealth(until);
    if (answered.ok()) co_return absl::OkStatus();
    if (SystemClock().Now() + kPause >= deadline) co_return answered;
    co_await async::Sleep(kPause);
  }
}

}  // namespace florin::rpc
