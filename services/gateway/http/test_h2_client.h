// HTTP/2 for tests, frame by frame: what a well-behaved client never sends must be sayable, too.
// HPACK is nghttp2's.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/gateway/http/test_client.h"

namespace florin::gateway {

using H2Fields = std::vector<std::pair<std::string, std::string>>;

struct H2Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  H2Fields fields;  // Of HEADERS.

  // Big-endian, of the payload.
  std::uint32_t Number(std::size_t at) const {
    std::uint32_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      number = number << 8 | static_cast<unsigned char>(payload.at(i));
    return number;
  }
};

inline std::string ValueOf(const H2Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "";
}

inline std::string H2Number(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

inline std::string MakeH2Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                               std::string_view payload = "") {
  std::string bytes = H2Number(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  return bytes.append(H2Number(stream)).append(payload);
}

// One connection's compression, both ways.
class H2Codec {
 public:
  H2Codec() {
    nghttp2_hd_deflate_new(&deflater_, 4096);
    nghttp2_hd_inflate_new(&inflater_);
  }
  ~H2Codec() {
    nghttp2_hd_deflate_del(deflater_);
    nghttp2_hd_inflate_del(inflater_);
  }
  H2Codec(const H2Codec&) = delete;

  std::string Block(const H2Fields& fields) {
    std::vector<nghttp2_nv> borrowed;
    for (const auto& [name, value] : fields) {
      borrowed.push_back(
          {Octets(name), Octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater_, borrowed.data(), borrowed.size()), '\0');
    block.resize(static_cast<std::size_t>(nghttp2_hd_deflate_hd(
        deflater_, Octets(block), block.size(), borrowed.data(), borrowed.size())));
    return block;
  }

  std::string Headers(std::uint32_t stream, const H2Fields& fields, bool ends) {
    return MakeH2Frame(
        NGHTTP2_HEADERS,
        ends ? NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_END_HEADERS,
        stream, Block(fields));
  }

  // Takes a whole frame from the front of `bytes`, if there is one.
  std::optional<H2Frame> Take(std::string& bytes) {
    if (bytes.size() < 9) return std::nullopt;
    H2Frame frame{.payload = bytes};
    const std::size_t size = frame.Number(0) >> 8;
    if (bytes.size() < 9 + size) return std::nullopt;
    frame.type = static_cast<std::uint8_t>(bytes[3]);
    frame.flags = static_cast<std::uint8_t>(bytes[4]);
    frame.stream = frame.Number(5);
    frame.payload = bytes.substr(9, size);
    bytes.erase(0, 9 + size);
    if (frame.type == NGHTTP2_HEADERS) frame.fields = Inflate(frame.payload);
    return frame;
  }

 private:
  static std::uint8_t* Octets(const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }

  H2Fields Inflate(const std::string& block) {
    H2Fields fields;
    std::size_t at = 0;
    while (true) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t taken = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, Octets(block) + at,
                                                   block.size() - at, 1);
      if (taken < 0) return {{"error", "HPACK"}};
      at += static_cast<std::size_t>(taken);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(
            std::string(reinterpret_cast<const char*>(field.name), field.namelen),
            std::string(reinterpret_cast<const char*>(field.value), field.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater_);
        return fields;
      }
    }
  }

  nghttp2_hd_deflater* deflater_ = nullptr;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

// What a client says first.
inline std::string H2Preface(std::string_view settings = "") {
  return std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") +
         MakeH2Frame(NGHTTP2_SETTINGS, 0, 0, settings);
}

inline H2Fields H2Get(const std::string& path, H2Fields more = {{"authorization", "Bearer all"}}) {
  H2Fields fields = {
      {":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

inline H2Fields H2Post(const std::string& path, H2Fields more) {
  H2Fields fields = H2Get(path, std::move(more));
  fields[0].second = "POST";
  return fields;
}

struct H2Response {
  int status = 0;  // 0: none came.
  H2Fields fields;
  std::string body;
  H2Fields trailers;
  std::optional<std::uint32_t> reset;  // The code of RST_STREAM.
};

// A connection over TLS. Blocking.
class TestH2Client {
 public:
  explicit TestH2Client(
      int port, std::string_view settings = "", const TestClient::Prepare& prepare = [](SSL*) {})
      : tls_(port, [&prepare](SSL* ssl) {
          SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
          prepare(ssl);
        }) {
    tls_.Send(H2Preface(settings));
  }

  bool ok() const { return tls_.ok(); }
  void Send(std::string_view bytes) { tls_.Send(bytes); }
  void HangUp() { tls_.HangUp(); }
  // Opens no windows from now on.
  void StopFetching() { fetches_ = false; }

  // Sends a request on a new stream and gives its number.
  std::uint32_t Begin(const H2Fields& fields, bool ends = true) {
    const std::uint32_t stream = next_;
    next_ += 2;
    Send(codec_.Headers(stream, fields, ends));
    return stream;
  }
  std::uint32_t Begin(const H2Fields& fields, const std::string& body) {
    const std::uint32_t stream = Begin(fields, false);
    Send(MakeH2Frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, body));
    return stream;
  }

  // Reads until the stream has ended or nothing comes any more.
  H2Response Read(std::uint32_t stream) {
    while (!ended_[stream] && !over_) ReadFrame();
    return responses_[stream];
  }
  H2Response Ask(const H2Fields& fields) { return Read(Begin(fields)); }
  H2Response Ask(const H2Fields& fields, const std::string& body) {
    return Read(Begin(fields, body));
  }

  // Reads until the connection ends and gives the code of its last GOAWAY.
  std::optional<std::uint32_t> ReadGoAway() {
    while (!over_) ReadFrame();
    return go_away_;
  }
  // Reads the next GOAWAY and gives its last stream.
  std::optional<std::uint32_t> ReadLastStream() {
    while (!last_stream_ && !over_) ReadFrame();
    return last_stream_;
  }
  bool over() const { return over_; }
  H2Codec& codec() { return codec_; }
  TestClient& tls() { return tls_; }

 private:
  void ReadFrame() {
    std::optional<H2Frame> frame = codec_.Take(bytes_);
    if (!frame) {
      const std::string more = tls_.ReadSome();
      bytes_ += more;
      over_ = more.empty();
      return;
    }
    H2Response& response = responses_[frame->stream];
    const bool ends = (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->type) {
      case NGHTTP2_HEADERS:
        if (response.status >= 200) {
          response.trailers = frame->fields;
        } else {
          response.status = std::stoi(ValueOf(frame->fields, ":status"));
          response.fields = frame->fields;
        }
        ended_[frame->stream] |= ends;
        break;
      case NGHTTP2_DATA:
        response.body += frame->payload;
        if (!frame->payload.empty() && fetches_) {
          for (const std::uint32_t window : {0u, frame->stream}) {
            Send(MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, window,
                             H2Number(static_cast<std::uint32_t>(frame->payload.size()))));
          }
        }
        ended_[frame->stream] |= ends;
        break;
      case NGHTTP2_RST_STREAM:
        response.reset = frame->Number(0);
        ended_[frame->stream] = true;
        break;
      case NGHTTP2_GOAWAY:
        last_stream_ = frame->Number(0);
        go_away_ = frame->Number(4);
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->flags & NGHTTP2_FLAG_ACK) == 0)
          Send(MakeH2Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
        break;
      default:
        break;
    }
  }

  TestClient tls_;
  H2Codec codec_;
  std::string bytes_;
  std::uint32_t next_ = 1;
  std::map<std::uint32_t, H2Response> responses_;
  std::map<std::uint32_t, bool> ended_;
  std::optional<std::uint32_t> last_stream_;
  std::optional<std::uint32_t> go_away_;
  bool fetches_ = true;
  bool over_ = false;
};

}  // namespace florin::gateway
