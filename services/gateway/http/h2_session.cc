#include "services/gateway/http/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/status/check.h"
#include "services/gateway/http/h2_flood.h"
#include "services/gateway/http/request_fields.h"

namespace florin::gateway {
namespace {

using Time = H2Session::Time;

// What nghttp2 may keep of answers to SETTINGS and PING while the peer reads nothing.
constexpr std::size_t kUnsentAcknowledgements = 200;
// Frames of any kind that may wait for a peer that reads nothing: answers to what it sends.
constexpr std::size_t kUnsentFrames = 1000;
// RFC 9113 section 6.5.2: the overhead that a field counts for.
constexpr std::size_t kFieldOverhead = 32;
// The window of a connection; that of a stream stays at the 64 KiB of the RFC.
constexpr std::int32_t kConnectionWindow = 1024 * 1024;

absl::Status Malformed(const std::string& message) {
  return Error(Reason::kMalformedRequest, message);
}

std::string_view View(const std::uint8_t* data, std::size_t size) {
  return std::string_view(reinterpret_cast<const char*>(data), size);
}

nghttp2_nv Field(const std::string& name, const std::string& value) {
  // nghttp2 copies both, and changes neither.
  const auto octets = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

using Fields = std::vector<std::pair<std::string, std::string>>;

std::vector<nghttp2_nv> Borrow(const Fields& fields) {
  std::vector<nghttp2_nv> borrowed;
  borrowed.reserve(fields.size());
  for (const auto& [name, value] : fields) borrowed.push_back(Field(name, value));
  return borrowed;
}

Fields HeadOf(const Response& response, const std::string& date) {
  Fields fields;
  fields.reserve(12);
  fields.emplace_back(":status", absl::StrCat(response.status));
  ForEachField(response, date, [&fields](std::string_view name, std::string_view value) {
    fields.emplace_back(absl::AsciiStrToLower(absl::string_view(name.data(), name.size())), value);
  });
  return fields;
}

// One request and its response.
struct Stream {
  explicit Stream(Time now) : since(now) {}

  enum State {
    kReceiving,
    kRefused,     // Reset unread.
    kReady,       // Waits for TakeIncoming.
    kDispatched,  // Taken.
    kAnswered,    // The response is on its way.
  };

  State state = kReceiving;
  bool closed = false;  // In HTTP/2; kept until it is answered.
  bool head_done = false;
  bool is_head = false;  // The method is HEAD.
  Time since;            // The present state, or the end of the head.
  Request request;
  RequestFields fields{request};
  std::string scheme;
  std::string authority;
  std::string host;
  std::size_t head_bytes = 0;
  std::size_t body_bytes = 0;  // Counted in bodies_bytes_.
  absl::Status refusal;        // The first thing that was wrong.
  Response response;
  std::size_t sent = 0;  // Of the response's body.
  bool sent_all = false;

  void Refuse(absl::Status status) {
    if (refusal.ok()) refusal = std::move(status);
  }
};

}  // namespace

class H2Session::Impl {
 public:
  Impl(const Limits& limits, Peer peer, Time now)
      : limits_(limits),
        peer_(std::move(peer)),
        flood_(now),
        now_(now),
        idle_since_(now),
        frame_since_(now) {
    Open();
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
        // Priorities of RFC 7540 are neither kept nor followed.
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    Check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)));
    Check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow));
  }
  ~Impl() { nghttp2_session_del(session_); }
  Impl(const Impl&) = delete;

  void Feed(std::string_view bytes, Time now);
  std::vector<Incoming> TakeIncoming();
  void Answer(std::int32_t id, Response response, const std::string& date, Time now);
  void TakeOutput(std::size_t most, std::string& output);
  bool has_output() const { return nghttp2_session_want_write(session_) != 0; }
  void Expire(Time now);
  void Drain();
  bool flooded() const { return !calm_; }
  bool done() const {
    return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  }

 private:
  static void Check(int result) { FLORIN_CHECK(result == 0, "nghttp2 takes what is well-formed"); }
  void Open();
  void End(std::uint32_t error);
  void EndUnlessCalm();
  void Reset(std::int32_t id, std::uint32_t error);
  Stream* Find(std::int32_t id);
  void FinishHead(std::int32_t id, Stream& stream, bool ends);
  absl::Status CheckHead(const Stream& stream) const;
  void MakeReady(std::int32_t id, Stream& stream);
  void TakeField(Stream& stream, std::string_view name, std::string_view value);
  void Forget(std::map<std::int32_t, Stream>::iterator found);

  // Callbacks of nghttp2.
  int OnBeginHeaders(const nghttp2_frame& frame);
  int OnHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int OnFrame(const nghttp2_frame& frame);
  int OnData(std::int32_t id, std::string_view data);
  int OnClose(std::int32_t id);
  int OnSent(const nghttp2_frame& frame);
  ssize_t Read(std::int32_t id, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags);

  static Impl& Self(void* data) { return *static_cast<Impl*>(data); }

  const Limits& limits_;
  const Peer peer_;
  H2Flood flood_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::vector<std::int32_t> ready_;
  std::size_t bodies_bytes_ = 0;     // Of requests.
  std::size_t responses_bytes_ = 0;  // That wait to be sent.
  std::size_t under_way_ = 0;        // Streams that are ready or dispatched, closed ones, too.
  bool calm_ = true;                 // No flood.
  bool ended_ = false;
  bool draining_ = false;
  Time now_;         // Of the call under way.
  Time idle_since_;  // When the last stream ended.
  Time frame_since_;
};

void H2Session::Impl::Open() {
  nghttp2_option* option = nullptr;
  Check(nghttp2_option_new(&option));
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kUnsentAcknowledgements);
  nghttp2_option_set_max_continuations(option, H2Flood::kContinuations);
  nghttp2_session_callbacks* callbacks = nullptr;
  Check(nghttp2_session_callbacks_new(&callbacks));
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Self(self).OnBeginHeaders(*frame);
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* self) {
        return Self(self).OnHeader(*frame, View(name, name_size), View(value, value_size));
      });
  // Without it nghttp2 would drop the field and go on.
  nghttp2_session_callbacks_set_on_invalid_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
         const std::uint8_t*, std::size_t, std::uint8_t,
         void*) -> int { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Self(self).OnFrame(*frame);
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
         std::size_t size, void* self) { return Self(self).OnData(id, View(data, size)); });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* self) {
        return Self(self).OnClose(id);
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
        return Self(self).OnSent(*frame);
      });
  Check(nghttp2_session_server_new2(&session_, callbacks, this, option));
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
}

void H2Session::Impl::Feed(std::string_view bytes, Time now) {
  now_ = now;
  if (ended_) return;
  const std::uint64_t before = flood_.blocks();
  calm_ = flood_.Observe(bytes, now);
  if (flood_.blocks() != before) frame_since_ = now;
  if (calm_) {
    const ssize_t taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0 && taken != NGHTTP2_ERR_FLOODED) return End(NGHTTP2_PROTOCOL_ERROR);
    if (taken < 0 || nghttp2_session_get_outbound_queue_size(session_) > kUnsentFrames)
      calm_ = false;
  }
  EndUnlessCalm();
}

void H2Session::Impl::EndUnlessCalm() {
  if (!calm_) End(NGHTTP2_ENHANCE_YOUR_CALM);
}

// Ends the session once the GOAWAY is sent.
void H2Session::Impl::End(std::uint32_t error) {
  if (std::exchange(ended_, true)) return;
  nghttp2_session_terminate_session(session_, error);
}

void H2Session::Impl::Reset(std::int32_t id, std::uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
}

Stream* H2Session::Impl::Find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() || found->second.closed ? nullptr : &found->second;
}

int H2Session::Impl::OnBeginHeaders(const nghttp2_frame& frame) {
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    Stream& stream = streams_.try_emplace(frame.hd.stream_id, now_).first->second;
    stream.request.is_http2 = true;
    stream.request.peer = peer_;
  } else if (Stream* stream = Find(frame.hd.stream_id)) {
    stream->Refuse(Malformed("trailers are not accepted"));
  }
  return 0;
}

int H2Session::Impl::OnHeader(const nghttp2_frame& frame, std::string_view name,
                              std::string_view value) {
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr || stream->head_done) return 0;
  stream->head_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream->head_bytes > limits_.header_bytes) {
    stream->Refuse(HeaderTooLarge(limits_.header_bytes));
    return 0;
  }
  TakeField(*stream, name, value);
  return 0;
}

void H2Session::Impl::TakeField(Stream& stream, std::string_view name, std::string_view value) {
  if (name == ":method") {
    stream.request.method = value;
  } else if (name == ":path") {
    stream.request.target = value;
  } else if (name == ":scheme") {
    stream.scheme = value;
  } else if (name == ":authority") {
    stream.authority = value;
  } else if (name == "host") {
    stream.host = value;
  } else if (name == "content-length") {
    // That it is one number, and that of the body, is nghttp2's to see.
    std::uint64_t size = 0;
    if (!absl::SimpleAtoi(absl::string_view(value.data(), value.size()), &size) ||
        size > limits_.body_bytes) {
      stream.Refuse(BodyTooLarge(limits_.body_bytes));
    }
  } else if (absl::Status taken = stream.fields.Take(name, value); !taken.ok()) {
    stream.Refuse(std::move(taken));
  }
}

absl::Status H2Session::Impl::CheckHead(const Stream& stream) const {
  if (stream.request.method != "CONNECT" && stream.scheme != "https")
    return Malformed("the scheme is not https");
  // RFC 9113 section 8.3.1.
  const std::string& authority = stream.authority.empty() ? stream.host : stream.authority;
  if (authority.empty()) return Malformed("there is no authority");
  if (!stream.host.empty() && !absl::EqualsIgnoreCase(stream.host, authority))
    return Malformed("Host contradicts the authority");
  if (absl::StrContains(authority, "@")) return Malformed("user information in the authority");
  return absl::OkStatus();
}

void H2Session::Impl::FinishHead(std::int32_t id, Stream& stream, bool ends) {
  stream.head_done = true;
  stream.is_head = stream.request.method == "HEAD";
  stream.since = now_;
  if (absl::Status checked = CheckHead(stream); !checked.ok()) stream.Refuse(std::move(checked));
  if (ends || !stream.fields.expects_continue() || !stream.refusal.ok()) return;
  const Fields fields = {{":status", "100"}};
  const std::vector<nghttp2_nv> borrowed = Borrow(fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, borrowed.data(), borrowed.size(),
                         nullptr);
}

int H2Session::Impl::OnFrame(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr || stream->state != Stream::kReceiving) return 0;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (!stream->head_done) FinishHead(frame.hd.stream_id, *stream, ends);
  if (ends || !stream->refusal.ok()) MakeReady(frame.hd.stream_id, *stream);
  return 0;
}

int H2Session::Impl::OnData(std::int32_t id, std::string_view data) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->state != Stream::kReceiving) return 0;
  if (stream->body_bytes + data.size() > limits_.body_bytes) {
    stream->Refuse(BodyTooLarge(limits_.body_bytes));
  } else if (bodies_bytes_ + data.size() > limits_.stream_bodies_bytes) {
    stream->Refuse(Error(Reason::kOverloaded, "too much in the bodies of requests at once"));
  } else {
    stream->request.body += data;
    stream->body_bytes += data.size();
    bodies_bytes_ += data.size();
    return 0;
  }
  MakeReady(id, *stream);
  return 0;
}

void H2Session::Impl::MakeReady(std::int32_t id, Stream& stream) {
  // Requests whose streams were reset are under way still: that is what rapid reset exhausts.
  if (under_way_ >= limits_.streams || responses_bytes_ > limits_.queued_responses_bytes) {
    stream.state = Stream::kRefused;
    return Reset(id, NGHTTP2_REFUSED_STREAM);
  }
  stream.state = Stream::kReady;
  ++under_way_;
  ready_.push_back(id);
}

std::vector<H2Session::Incoming> H2Session::Impl::TakeIncoming() {
  std::vector<Incoming> taken;
  taken.reserve(ready_.size());
  for (const std::int32_t id : std::exchange(ready_, {})) {
    const auto found = streams_.find(id);
    if (found == streams_.end() || found->second.state != Stream::kReady) continue;
    Stream& stream = found->second;
    stream.state = Stream::kDispatched;
    taken.push_back(
        {.stream = id, .request = std::move(stream.request), .refusal = std::move(stream.refusal)});
  }
  return taken;
}

void H2Session::Impl::Answer(std::int32_t id, Response response, const std::string& date,
                             Time now) {
  now_ = now;
  const auto found = streams_.find(id);
  FLORIN_CHECK(found != streams_.end() && found->second.state == Stream::kDispatched,
               "what is answered was taken");
  Stream& stream = found->second;
  --under_way_;
  stream.state = Stream::kAnswered;
  stream.since = now;
  if (stream.closed) return Forget(found);
  const Fields head = HeadOf(response, date);
  const std::vector<nghttp2_nv> borrowed = Borrow(head);
  if (stream.is_head) response.body.clear();
  stream.response = std::move(response);
  responses_bytes_ += stream.response.body.size();
  nghttp2_data_provider body = {};
  body.read_callback = [](nghttp2_session*, std::int32_t of, std::uint8_t* buffer, std::size_t size,
                          std::uint32_t* flags, nghttp2_data_source*,
                          void* self) { return Self(self).Read(of, buffer, size, flags); };
  const bool has_body = !stream.response.body.empty() || !stream.response.trailers.empty();
  nghttp2_submit_response(session_, id, borrowed.data(), borrowed.size(),
                          has_body ? &body : nullptr);
}

// The next piece of a response's body.
ssize_t H2Session::Impl::Read(std::int32_t id, std::uint8_t* buffer, std::size_t size,
                              std::uint32_t* flags) {
  Stream* stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::string& body = stream->response.body;
  const std::size_t taken = std::min(size, body.size() - stream->sent);
  std::copy_n(body.data() + stream->sent, taken, buffer);
  stream->sent += taken;
  responses_bytes_ -= taken;
  if (stream->sent < body.size()) return static_cast<ssize_t>(taken);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!stream->response.trailers.empty()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const std::vector<nghttp2_nv> borrowed = Borrow(stream->response.trailers);
    nghttp2_submit_trailer(session_, id, borrowed.data(), borrowed.size());
  }
  return static_cast<ssize_t>(taken);
}

int H2Session::Impl::OnSent(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) &&
                    (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Stream* stream = ends ? Find(frame.hd.stream_id) : nullptr;
  if (stream == nullptr) return 0;
  stream->sent_all = true;
  // RFC 9113 section 8.1: the rest of the request is not needed.
  if (nghttp2_session_get_stream_remote_close(session_, frame.hd.stream_id) == 0)
    Reset(frame.hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

int H2Session::Impl::OnClose(std::int32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return 0;
  Stream& stream = found->second;
  if (!stream.sent_all && !flood_.ObserveAbandoned(now_)) calm_ = false;
  if (stream.state == Stream::kDispatched) {
    stream.closed = true;
    return 0;
  }
  if (stream.state == Stream::kReady) --under_way_;
  Forget(found);
  return 0;
}

void H2Session::Impl::Forget(std::map<std::int32_t, Stream>::iterator found) {
  const Stream& stream = found->second;
  bodies_bytes_ -= stream.body_bytes;
  responses_bytes_ -= stream.response.body.size() - stream.sent;
  streams_.erase(found);
  if (streams_.empty()) idle_since_ = now_;
}

void H2Session::Impl::TakeOutput(std::size_t most, std::string& output) {
  while (output.size() < most) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    output.append(View(bytes, static_cast<std::size_t>(size)));
    EndUnlessCalm();  // A stream that we reset may have been one too many.
  }
}

void H2Session::Impl::Expire(Time now) {
  now_ = now;
  const auto is_over = [now](Time since, absl::Duration limit) {
    return now - since >= absl::ToChronoNanoseconds(limit);
  };
  if ((flood_.in_frame() && is_over(frame_since_, limits_.header_time)) ||
      (streams_.empty() && is_over(idle_since_, limits_.idle_time))) {
    return End(NGHTTP2_NO_ERROR);
  }
  for (auto& [id, stream] : streams_) {
    if (stream.closed) continue;
    if (stream.state == Stream::kReceiving && stream.head_done &&
        is_over(stream.since, BodyTime(limits_, stream.request.body.size()))) {
      stream.Refuse(Error(Reason::kRequestTimeout, "the request did not arrive in time"));
      MakeReady(id, stream);
    } else if (stream.state == Stream::kAnswered && !stream.sent_all &&
               is_over(stream.since, limits_.write_time)) {
      Reset(id, NGHTTP2_CANCEL);
    }
  }
}

void H2Session::Impl::Drain() {
  if (std::exchange(draining_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

H2Session::H2Session(const Limits& limits, Peer peer, Time now)
    : impl_(std::make_unique<Impl>(limits, std::move(peer), now)) {}
H2Session::~H2Session() = default;
void H2Session::Feed(std::string_view bytes, Time now) { impl_->Feed(bytes, now); }
std::vector<H2Session::Incoming> H2Session::TakeIncoming() { return impl_->TakeIncoming(); }
void H2Session::Answer(std::int32_t stream, Response response, const std::string& date, Time now) {
  impl_->Answer(stream, std::move(response), date, now);
}
void H2Session::TakeOutput(std::size_t most, std::string& output) {
  impl_->TakeOutput(most, output);
}
bool H2Session::has_output() const { return impl_->has_output(); }
void H2Session::Expire(Time now) { impl_->Expire(now); }
void H2Session::Drain() { impl_->Drain(); }
bool H2Session::done() const { return impl_->done(); }
bool H2Session::flooded() const { return impl_->flooded(); }

}  // namespace florin::gateway
