#include "services/gateway/http/http1_connection.h"

namespace florin::gateway {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Http1Connection::CloseIfIdle() {
  if (idle_) stream_.Cancel();
}

Task<void> Http1Connection::Run() {
  // Not `while (co_await …) {}`, which GCC 12 miscompiles here.
  bool goes_on = true;
  while (goes_on) {
    goes_on = co_await ServeRequest();
  }
}

// Whether the connection goes on.
Task<bool> Http1Connection::ServeRequest() {
  if (draining_) co_return false;
  parser_.emplace(limits_.body_bytes, stream_.peer());
  const absl::Status received = co_await ReadRequest();
  stream_.Disarm();
  if (ReasonOf(received) == Reason::kCanceled) co_return false;
  const Request& request = parser_->request();
  Response response;
  if (received.ok()) {
    response = co_await api_.Handle(request);
  } else {
    response = api_.Refuse(received, request);
  }
  const bool keep_alive = received.ok() && parser_->keep_alive() && !draining_;
  const std::string bytes = Serialize(response, api_.Date(), keep_alive, request.method == "HEAD");
  const bool written = co_await stream_.Write(bytes);
  first_ = false;
  co_return written&& keep_alive;
}

Task<absl::Status> Http1Connection::ReadRequest() {
  FLORIN_CO_RETURN_IF_ERROR(co_await ReadHead());
  if (parser_->done()) co_return absl::OkStatus();
  co_return co_await ReadBody();
}

Task<absl::Status> Http1Connection::ReadHead() {
  idle_ = stream_.buffered().empty();
  stream_.Arm(idle_ && !first_ ? limits_.idle_time : limits_.header_time);
  std::size_t searched = 0;
  bool skipped_empty_line = false;
  while (true) {
    // RFC 9112 section 2.2: an empty line before the request line is no error.
    if (!skipped_empty_line && stream_.buffered().starts_with("\r\n")) {
      stream_.Consume(2);
      skipped_empty_line = true;
      searched = 0;
    }
    const std::string_view bytes = stream_.buffered();
    const std::size_t end = bytes.find(kHeadEnd, searched);
    const bool complete = end != std::string_view::npos;
    const std::size_t size = complete ? end + kHeadEnd.size() : bytes.size();
    if (size > limits_.header_bytes) co_return HeaderTooLarge(limits_.header_bytes);
    if (complete) {
      const absl::Status parsed = parser_->ParseHead(bytes.substr(0, size));
      stream_.Consume(size);
      co_return parsed;
    }
    searched = size < kHeadEnd.size() ? 0 : size - kHeadEnd.size() + 1;
    const absl::Status filled = co_await stream_.Fill();
    if (idle_) {
      if (!filled.ok()) co_return Error(Reason::kCanceled, "nobody to answer");
      idle_ = false;
      stream_.Arm(limits_.header_time);
    }
    FLORIN_CO_RETURN_IF_ERROR(filled);
  }
}

Task<absl::Status> Http1Connection::ReadBody() {
  if (parser_->expects_continue() && stream_.buffered().empty()) {
    const bool asked = co_await stream_.Write(kContinue);
    if (!asked) co_return Error(Reason::kCanceled, "nobody to answer");
  }
  const auto start = std::chrono::steady_clock::now();
  while (!parser_->done()) {
    const absl::Duration passed = absl::FromChrono(std::chrono::steady_clock::now() - start);
    stream_.Arm(BodyTime(limits_, parser_->request().body.size()) - passed);
    std::size_t taken = 0;
    if (!stream_.buffered().empty()) {
      FLORIN_CO_ASSIGN_OR_RETURN(taken, parser_->ParseBody(stream_.buffered()));
      stream_.Consume(taken);
    }
    if (taken == 0) FLORIN_CO_RETURN_IF_ERROR(co_await stream_.Fill());
  }
  co_return absl::OkStatus();
}

}  // namespace florin::gateway
