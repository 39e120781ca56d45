#include "services/gateway/http/request_parser.h"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/http/request_fields.h"

namespace florin::gateway {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

absl::Status Malformed(const std::string& message) {
  return Error(Reason::kMalformedRequest, message);
}

bool EqualsIgnoreCase(string_view a, const char* b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()), b);
}

// What Beast forgives on the way to its tokens.
absl::Status CheckBytes(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c >= 0x20 && c != 0x7f) continue;
    if (c == '\t') continue;
    const bool ends_line = c == '\r' && i + 1 < head.size() && head[i + 1] == '\n';
    if (!ends_line) return Malformed("a control character or a lone CR or LF in the head");
    ++i;
    const char next = i + 1 < head.size() ? head[i + 1] : '\0';
    if (next == ' ' || next == '\t') return Malformed("a folded header line");
  }
  return absl::OkStatus();
}

}  // namespace

class RequestParser::Impl : public http::basic_parser<true> {
 public:
  explicit Impl(std::uint64_t limit) : limit_(limit) { body_limit(limit); }

  // Maps Beast's verdict to ours.
  absl::Status StatusOf(const error_code& ec) const {
    if (!status_.ok()) return status_;
    if (ec == http::error::body_limit) return BodyTooLarge(limit_);
    return ec ? Malformed(ec.message()) : absl::OkStatus();
  }

  absl::Status CheckHead() const {
    if (version_ == 11 && hosts_ != 1) return Malformed("HTTP/1.1 needs a Host");
    if (content_lengths_ > 0 && transfer_encodings_ > 0)
      return Malformed("both Content-Length and Transfer-Encoding");
    if (transfer_encodings_ > 0 && version_ < 11) return Malformed("Transfer-Encoding in HTTP/1.0");
    return absl::OkStatus();
  }

  Request request_;
  int version_ = 0;
  RequestFields fields_{request_};

 private:
  void Refuse(absl::Status status, error_code& ec) {
    status_ = std::move(status);
    ec = http::error::bad_field;
  }

  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
    version_ = version;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(http::field field, string_view name, string_view value,
                     error_code& ec) override {
    if (in_body_) return Refuse(Malformed("trailers are not accepted"), ec);
    switch (field) {
      case http::field::host:
        if (++hosts_ > 1) Refuse(Malformed("more than one Host"), ec);
        return;
      case http::field::content_length:
        if (++content_lengths_ > 1) return Refuse(Malformed("more than one Content-Length"), ec);
        if (value.empty() || value.find_first_not_of("0123456789") != string_view::npos) {
          Refuse(Malformed("Content-Length is no number"), ec);
        }
        return;
      case http::field::transfer_encoding:
        if (++transfer_encodings_ > 1 || !EqualsIgnoreCase(value, "chunked")) {
          Refuse(Malformed("the only transfer coding is chunked"), ec);
        }
        return;
      default:
        if (absl::Status taken = fields_.Take(std::string_view(name.data(), name.size()),
                                              std::string_view(value.data(), value.size()));
            !taken.ok()) {
          Refuse(std::move(taken), ec);
        }
    }
  }

  void on_header_impl(error_code&) override { in_body_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) override {
    if (!extensions.empty()) Refuse(Malformed("chunk extensions are not accepted"), ec);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  const std::uint64_t limit_;
  absl::Status status_;
  int hosts_ = 0;
  int content_lengths_ = 0;
  int transfer_encodings_ = 0;
  bool in_body_ = false;
};

RequestParser::RequestParser(std::uint64_t body_limit, Peer peer)
    : impl_(std::make_unique<Impl>(body_limit)) {
  impl_->request_.peer = std::move(peer);
}
RequestParser::~RequestParser() = default;

absl::Status RequestParser::ParseHead(std::string_view head) {
  FLORIN_RETURN_IF_ERROR(CheckBytes(head));
  error_code ec;
  // The caller bounds the head; Beast's own bound must not be smaller.
  impl_->header_limit(static_cast<std::uint32_t>(head.size() + 1));
  const std::size_t taken = impl_->put(boost::asio::buffer(head.data(), head.size()), ec);
  // What is wrong with the head comes first, also where its length is too large: it may be that the
  // length is what is wrong.
  if (!ec || ec == http::error::body_limit) FLORIN_RETURN_IF_ERROR(impl_->CheckHead());
  FLORIN_RETURN_IF_ERROR(impl_->StatusOf(ec));
  if (taken != head.size() || !impl_->is_header_done())
    return Malformed("the head does not end with its first empty line");
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> RequestParser::ParseBody(std::string_view bytes) {
  error_code ec;
  const std::size_t taken = impl_->put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  if (ec == http::error::need_more) return taken;
  FLORIN_RETURN_IF_ERROR(impl_->StatusOf(ec));
  return taken;
}

bool RequestParser::done() const { return impl_->is_done(); }
bool RequestParser::keep_alive() const { return impl_->version_ == 11 && impl_->keep_alive(); }
bool RequestParser::expects_continue() const { return impl_->fields_.expects_continue(); }
const Request& RequestParser::request() const { return impl_->request_; }

}  // namespace florin::gateway
