#include "libs/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "libs/async/runtime.h"
#include "libs/clock/clock.h"
#include "libs/rpc/certificate_watch.h"
#include "libs/rpc/rendezvous.h"
#include "libs/rpc/target.h"

namespace florin::rpc {
namespace {

// How long a target may take to answer before the next one is asked.
constexpr absl::Duration kLongestReach = absl::Seconds(2);
// Between attempts to let a new certificate take over.
constexpr absl::Duration kTakeOverPause = absl::Seconds(1);

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

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const Certificates& certificates,
                                                        const std::string& service) {
  const std::vector<grpc::experimental::IdentityKeyCertPair> identity = {
      {.private_key = certificates.key, .certificate_chain = certificates.certificate}};
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
      certificates.ca, identity));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(true);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<PeerIsService>(service));
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
  // What a server has seen is never sent again, since no service config says so: retry is ours to
  // decide, by idempotency. What gRPC could not send, since a connection was just ending (it had
  // its greatest age), it sends on the next one.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 1);
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

// Targets by one certificate: connections are made with that, and with no other.
struct Generation {
  std::shared_ptr<const Certificates> certificates;
  std::vector<std::shared_ptr<Target>> targets;  // Of the channel's addresses, in their order.
};

// The generations of a channel: the one that calls go to, and the one that is to take over. Shared
// with the Task that makes it so; without effect once Close() was called. Thread-safe.
class Generations : public std::enable_shared_from_this<Generations> {
 public:
  Generations(Executor executor, const ChannelOptions& options, std::vector<std::string> addresses)
      : executor_(executor),
        service_(options.service),
        share_stream_(options.share_stream),
        addresses_(std::move(addresses)),
        watch_(CertificateWatch::Of(options.certificates)),
        current_(Make()) {}

  // From now on follows the certificate.
  void Open() {
    const std::lock_guard lock(mutex_);
    subscription_ = std::make_unique<CertificateWatch::Subscription>(
        CertificateWatch::Listen(watch_, [weak = weak_from_this(), executor = executor_] {
          // Only hand over.
          if (auto self = weak.lock())
            asio::co_spawn(executor, TakeOver(std::move(self)), asio::detached);
        }));
  }

  // Breaks off streams and waits for gRPC. The calls have ended before.
  void Close() {
    std::unique_ptr<CertificateWatch::Subscription> subscription;
    std::shared_ptr<const Generation> current;
    std::shared_ptr<const Generation> candidate;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      subscription.swap(subscription_);
      current.swap(current_);
      candidate.swap(candidate_);
    }
    subscription.reset();
    current.reset();
    candidate.reset();
    open_->WaitForAll();
  }

  const std::vector<std::string>& addresses() const { return addresses_; }
  // Without targets as long as there is no certificate.
  std::shared_ptr<const Generation> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  absl::Status WhyNone() const {
    return Error(Reason::kUnavailable, "there is no certificate to call with: " +
                                           std::string(watch_->last_error().message()));
  }

 private:
  std::shared_ptr<const Generation> Make() const {
    auto made = std::make_shared<Generation>();
    made->certificates = watch_->current();
    if (made->certificates == nullptr) return made;
    const auto credentials = CredentialsOf(*made->certificates, service_);
    for (const std::string& address : addresses_) {
      made->targets.push_back(std::make_shared<Target>(
          executor_, grpc::CreateCustomChannel(address, credentials, Arguments()), open_,
          share_stream_));
    }
    return made;
  }

  // What is to be tried now; null if there is nothing to do (any more).
  std::shared_ptr<const Generation> Candidate() {
    const std::shared_ptr<const Certificates> newest = watch_->current();
    const std::lock_guard lock(mutex_);
    if (closed_ || current_->certificates == newest) return nullptr;
    if (candidate_ == nullptr || candidate_->certificates != newest) candidate_ = Make();
    return candidate_;
  }

  // Lets the newest certificate take over as soon as a server accepts it, or the one before is of
  // no use. A server may learn of a new CA later than this process; its word is what counts.
  static Task<void> TakeOver(std::shared_ptr<Generations> self) {
    if (self->taking_over_.exchange(true)) co_return;  // Sees to the newest anyhow.
    while (true) {
      std::shared_ptr<const Generation> candidate = self->Candidate();
      if (candidate == nullptr) break;
      const std::weak_ptr<const Generation> weak = candidate;
      const bool accepted = co_await IsAccepted(std::move(candidate));
      candidate = weak.lock();
      if (candidate == nullptr) continue;  // Closed.
      if (accepted || self->CurrentIsUseless()) {
        self->Promote(candidate);
        continue;
      }
      candidate.reset();
      co_await async::Sleep(kTakeOverPause);
    }
    self->taking_over_ = false;
    // Whoever came between the last look and this line found somebody at work.
    if (self->Candidate() != nullptr) co_await TakeOver(std::move(self));
  }

  // Whether one of its servers answers. Holds nothing of it while it waits, so that Close() can
  // break that off.
  static Task<bool> IsAccepted(std::shared_ptr<const Generation> candidate) {
    const std::weak_ptr<const Generation> weak = candidate;
    candidate.reset();
    for (std::size_t i = 0;; ++i) {
      std::shared_ptr<Target> target;
      if (const auto generation = weak.lock(); generation && i < generation->targets.size())
        target = generation->targets[i];
      if (target == nullptr) co_return false;
      const absl::Time until = SystemClock().Now() + kLongestReach;
      const absl::Status reached = co_await Target::Probe(std::move(target), until);
      if (reached.ok()) co_return true;
    }
  }

  bool CurrentIsUseless() const {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    return current_->certificates == nullptr ||
           current_->certificates->not_after <= SystemClock().Now();
  }

  void Promote(const std::shared_ptr<const Generation>& candidate) {
    std::shared_ptr<const Generation> old;
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || candidate_ != candidate) return;
      old = std::exchange(current_, std::move(candidate_));
      candidate_ = nullptr;
    }
    // Calls that are under way hold what they need.
    for (const auto& target : old->targets) target->Retire();
  }

  const Executor executor_;
  const std::string service_;
  const bool share_stream_;
  const std::vector<std::string> addresses_;
  const std::shared_ptr<CertificateWatch> watch_;
  const std::shared_ptr<OpenStreams> open_ = std::make_shared<OpenStreams>();
  std::atomic<bool> taking_over_ = false;
  mutable std::mutex mutex_;                     // Guards what follows.
  std::shared_ptr<const Generation> current_;    // Null once closed.
  std::shared_ptr<const Generation> candidate_;  // Null: nothing to take over.
  std::unique_ptr<CertificateWatch::Subscription> subscription_;
  bool closed_ = false;
};

}  // namespace

class Channel::Impl {
 public:
  Impl(Executor executor, const ChannelOptions& options)
      : default_timeout_(options.default_timeout),
        generations_(std::make_shared<Generations>(executor, options, Addresses(options.target))) {
    generations_->Open();
  }

  ~Impl() {
    gone_->Cancel(Error(Reason::kUnavailable, "the channel is gone"));
    generations_->Close();
  }

  absl::Time DeadlineOf(const Outgoing& context) const {
    return std::min(context.deadline, SystemClock().Now() + default_timeout_);
  }

  // The first target in the order of `route` that can be reached; the very first if none can. Asks
  // before anything is sent: a call that fails on its way may have had its effect, and must not go
  // to another target. Error: kUnavailable if there is no certificate to call with.
  Task<absl::StatusOr<std::shared_ptr<Target>>> Choose(std::string route, absl::Time deadline) {
    const std::shared_ptr<const Generation> generation = generations_->current();
    const std::vector<std::shared_ptr<Target>>& targets = generation->targets;
    if (targets.empty()) co_return generations_->WhyNone();
    if (targets.size() == 1) co_return targets[0];
    const std::vector<std::size_t> ranks = RankByRendezvous(route, generations_->addresses());
    for (const std::size_t rank : ranks) {
      const std::shared_ptr<Target> target = targets[rank];
      const absl::Status reached = co_await target->Reach(ReachBy(deadline));
      if (reached.ok()) co_return target;
      target->Revive();
    }
    co_return targets[ranks[0]];
  }

  const std::shared_ptr<Cancellation>& gone() const { return gone_; }

 private:
  // Leaves time for the next target.
  static absl::Time ReachBy(absl::Time deadline) {
    const absl::Time now = SystemClock().Now();
    return now + std::min((deadline - now) / 2, kLongestReach);
  }

  const absl::Duration default_timeout_;
  const std::shared_ptr<Cancellation> gone_ = std::make_shared<Cancellation>();
  const std::shared_ptr<Generations> generations_;
};

Channel::Channel(Executor executor, ChannelOptions options)
    : impl_(std::make_unique<Impl>(executor, options)) {}
Channel::~Channel() = default;
Channel::Channel(Channel&&) noexcept = default;

Task<Reply> Channel::CallBytes(std::string method, Outgoing context, std::string request) {
  const absl::Time deadline = impl_->DeadlineOf(context);
  const absl::StatusOr<std::shared_ptr<Target>> target =
      co_await impl_->Choose(context.route, deadline);
  if (!target.ok()) co_return Reply{.payload = target.status()};
  co_return co_await (*target)->Unary(std::move(method), context, std::move(request), deadline);
}

Task<absl::Status> Channel::StreamBytes(std::string method, Outgoing context, std::string request,
                                        EachBytes each) {
  const std::shared_ptr<Cancellation> gone = impl_->gone();
  FLORIN_CO_ASSIGN_OR_RETURN(std::shared_ptr<Target> target,
                             co_await impl_->Choose(context.route, impl_->DeadlineOf(context)));
  std::shared_ptr<StreamCall> call = target->StartStream(method, context, request);
  target.reset();  // The channel may go before the stream.
  co_return co_await Consume(std::move(call), gone, context.cancellation, std::move(each));
}

// A health check (grpc.health.v1), not a look at the channel's state: gRPC drives a connection only
// while a call waits for it. Of several targets, the first that can be reached answers.
Task<absl::Status> Channel::Connect(absl::Time deadline) {
  constexpr absl::Duration kPause = absl::Milliseconds(50);
  while (true) {
    const Outgoing attempt{.deadline = deadline};
    const absl::Time until = impl_->DeadlineOf(attempt);
    const absl::StatusOr<std::shared_ptr<Target>> target =
        co_await impl_->Choose(attempt.route, until);
    absl::Status answered = target.status();
    if (target.ok()) answered = co_await (*target)->CheckHealth(until);
    if (answered.ok()) co_return absl::OkStatus();
    if (SystemClock().Now() + kPause >= deadline) co_return answered;
    co_await async::Sleep(kPause);
  }
}

}  // namespace florin::rpc
