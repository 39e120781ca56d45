#include "services/gateway/http/h2_session.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/gateway/http/h2_flood.h"
#include "services/gateway/http/test_h2_client.h"

namespace florin::gateway {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDate[] = "Thu, 01 Jan 1970 00:00:00 GMT";
constexpr std::uint32_t kProtocolError = NGHTTP2_PROTOCOL_ERROR;
constexpr std::uint32_t kCalm = NGHTTP2_ENHANCE_YOUR_CALM;

class H2SessionTest : public ::testing::Test {
 protected:
  H2Session& session() {
    if (session_ == nullptr) {
      session_ = std::make_unique<H2Session>(limits_, Peer{"192.0.2.1", "x5t"}, now_);
      session_->Feed(H2Preface(), now_);
      Fetch();
    }
    return *session_;
  }

  void Feed(const std::string& bytes) { session().Feed(bytes, now_); }
  std::uint32_t Open(const H2Fields& fields, bool ends = true) {
    const std::uint32_t stream = next_;
    next_ += 2;
    Feed(codec_.Headers(stream, fields, ends));
    return stream;
  }
  void Data(std::uint32_t stream, const std::string& bytes, bool ends = true) {
    Feed(MakeH2Frame(NGHTTP2_DATA, ends ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes));
  }
  void Answer(std::uint32_t stream, Response response = {.body = "{}"}) {
    session().Answer(static_cast<std::int32_t>(stream), std::move(response), kDate, now_);
  }

  // Takes the output; gives the frames that have come so far.
  std::vector<H2Frame>& Fetch() {
    session().TakeOutput(100'000'000, output_);
    while (auto frame = codec_.Take(output_)) frames_.push_back(*frame);
    return frames_;
  }
  // The code of the stream's RST_STREAM, or of the connection's GOAWAY (stream 0).
  std::optional<std::uint32_t> CodeOf(std::uint32_t stream) {
    std::optional<std::uint32_t> code;
    for (const H2Frame& frame : Fetch()) {
      if (stream == 0 && frame.type == NGHTTP2_GOAWAY) code = frame.Number(4);
      if (stream != 0 && frame.type == NGHTTP2_RST_STREAM && frame.stream == stream)
        code = frame.Number(0);
    }
    return code;
  }
  std::string BodyOf(std::uint32_t stream) {
    std::string body;
    for (const H2Frame& frame : Fetch()) {
      if (frame.stream == stream && frame.type == NGHTTP2_DATA) body += frame.payload;
    }
    return body;
  }
  // The fields of the stream's HEADERS, one list for each.
  std::vector<H2Fields> HeadersOf(std::uint32_t stream) {
    std::vector<H2Fields> headers;
    for (const H2Frame& frame : Fetch()) {
      if (frame.stream == stream && frame.type == NGHTTP2_HEADERS) headers.push_back(frame.fields);
    }
    return headers;
  }

  Limits limits_;
  H2Session::Time now_{std::chrono::hours(1)};
  H2Codec codec_;
  std::unique_ptr<H2Session> session_;
  std::uint32_t next_ = 1;
  std::string output_;
  std::vector<H2Frame> frames_;
};

TEST_F(H2SessionTest, SaysWhatItBears) {
  session();
  ASSERT_FALSE(frames_.empty());
  EXPECT_EQ(frames_[0].type, NGHTTP2_SETTINGS);
  std::map<int, std::uint32_t> settings;
  for (std::size_t at = 0; at < frames_[0].payload.size(); at += 6)
    settings[frames_[0].payload[at + 1]] = frames_[0].Number(at + 2);
  EXPECT_EQ(settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], 100u);
  EXPECT_EQ(settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], 8192u);
  EXPECT_FALSE(settings.contains(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)) << "4096 is the default";
  EXPECT_FALSE(settings.contains(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)) << "so is 65,535";
}

TEST_F(H2SessionTest, TakesARequestAndAnswersIt) {
  const std::uint32_t stream =
      Open(H2Post("/v1/payments?a=b", {{"content-type", "application/json"},
                                       {"idempotency-key", "k"},
                                       {"te", "trailers"},
                                       {"cookie", "a=1"},
                                       {"cookie", "b=2"},
                                       {"host", "LOCALHOST"},
                                       {"x-other", "y"},
                                       {"authorization", "Bearer t"},
                                       {"traceparent", "tp"},
                                       {"grpc-timeout", "1S"}}),
           false);
  EXPECT_THAT(session().TakeIncoming(), IsEmpty());
  Data(stream, "{\"a\":", false);
  Data(stream, "1}");
  auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, IsOk());
  const Request& request = incoming[0].request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/payments?a=b");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.idempotency_key, "k");
  EXPECT_EQ(request.cookie, "a=1; b=2");
  EXPECT_EQ(request.authorization, "Bearer t");
  EXPECT_EQ(request.traceparent, "tp");
  EXPECT_EQ(request.grpc_timeout, "1S");
  EXPECT_EQ(request.peer.address, "192.0.2.1");
  EXPECT_EQ(request.peer.certificate_thumbprint, "x5t");
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_TRUE(request.is_http2);

  Answer(stream, {.status = 201,
                  .content_type = "application/json",
                  .body = "{}",
                  .headers = {{"X-Request-Id", "req_1"}}});
  EXPECT_THAT(HeadersOf(stream),
              ::testing::ElementsAre(H2Fields{{":status", "201"},
                                              {"date", kDate},
                                              {"content-length", "2"},
                                              {"strict-transport-security", "max-age=31536000"},
                                              {"x-content-type-options", "nosniff"},
                                              {"content-type", "application/json"},
                                              {"x-request-id", "req_1"},
                                              {"cache-control", "no-store"}}));
  EXPECT_EQ(BodyOf(stream), "{}");
  EXPECT_EQ(CodeOf(stream), std::nullopt);
}

TEST_F(H2SessionTest, SendsTrailersAndNoBodyForHead) {
  const std::uint32_t one = Open(H2Get("/"));
  H2Fields fields = H2Get("/");
  fields[0].second = "HEAD";
  const std::uint32_t two = Open(fields);
  ASSERT_THAT(session().TakeIncoming(), SizeIs(2));
  Answer(one, {.body = "m", .trailers = {{"grpc-status", "0"}}});
  Answer(two);
  ASSERT_THAT(HeadersOf(one), SizeIs(2));
  EXPECT_EQ(ValueOf(HeadersOf(one)[0], "content-length"), "");
  EXPECT_EQ(HeadersOf(one)[1], (H2Fields{{"grpc-status", "0"}}));
  EXPECT_EQ(BodyOf(one), "m");
  ASSERT_THAT(HeadersOf(two), SizeIs(1));
  EXPECT_EQ(ValueOf(HeadersOf(two)[0], "content-length"), "2");
  EXPECT_EQ(BodyOf(two), "");
}

// A request of these fields is reset, and the connection goes on.
TEST_F(H2SessionTest, ResetsWhatIsInDoubt) {
  const auto without = [](const char* name) {
    H2Fields fields = H2Get("/");
    std::erase_if(fields, [name](const auto& field) { return field.first == name; });
    return fields;
  };
  const auto replaced = [](const char* name, const std::string& value) {
    H2Fields fields = H2Get("/");
    for (auto& field : fields) field.second = field.first == name ? value : field.second;
    return fields;
  };
  const auto with = [](const std::string& name, const std::string& value) {
    return H2Get("/", {{name, value}});
  };
  const std::string nul("a\0b", 3);
  const H2Fields cases[] = {
      with("x", "a\r\nb"),
      with("x", "a\nb"),
      with("x", "a\rb"),
      with("x", nul),
      with("x", "\x7f"),
      with("x", " a"),
      with("x", "a "),
      with("x y", "a"),
      with("x\r\ny", "a"),
      with("x:", "a"),
      with("", "a"),
      with("X-Upper", "a"),
      with("Authorization", "Bearer all"),
      with("connection", "close"),
      with("keep-alive", "1"),
      with("proxy-connection", "close"),
      with("transfer-encoding", "chunked"),
      with("upgrade", "h2c"),
      with("te", "gzip"),
      with("te", "trailers, deflate"),
      with(":path", "/other"),
      with(":status", "200"),
      with(":unknown", "a"),
      with(":protocol", "websocket"),
      without(":method"),
      without(":path"),
      without(":scheme"),
      replaced(":path", ""),
      replaced(":path", "/a b"),
      replaced(":path", "/a\r\nb"),
      replaced(":path", "v1"),
      replaced(":path", "*"),
      replaced(":method", "GE T"),
      replaced(":method", "GET\r\n"),
      replaced(":method", ""),
      replaced(":authority", "a\r\nb"),
      replaced(":authority", "a b"),
      replaced(":scheme", "ht tp"),
      H2Get("/", {{"host", "a"}, {"host", "a"}}),
      H2Get("/", {{"content-length", "0"}, {"content-length", "0"}}),
      with("content-length", "+1"),
      with("content-length", "1,1"),
      with("content-length", ""),
      with("content-length", "99999999999999999999"),
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", ""}},
      {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}},
      // A request without a body that announces one.
      with("content-length", "5"),
      // Pseudo-fields after others.
      {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}},
      {{":method", "GET"},
       {":method", "GET"},
       {":scheme", "https"},
       {":authority", "a"},
       {":path", "/"}},
  };
  for (const H2Fields& fields : cases) {
    const std::uint32_t stream = Open(fields);
    EXPECT_THAT(session().TakeIncoming(), IsEmpty()) << ::testing::PrintToString(fields);
    EXPECT_EQ(CodeOf(stream), kProtocolError) << ::testing::PrintToString(fields);
    EXPECT_EQ(CodeOf(0), std::nullopt) << ::testing::PrintToString(fields);
  }
  Open(H2Get("/"));
  EXPECT_THAT(session().TakeIncoming(), SizeIs(1));
}

TEST_F(H2SessionTest, ResetsALyingContentLength) {
  const H2Fields fields = H2Post("/", {{"content-length", "3"}});
  for (const char* body : {"", "ab", "abcd"}) {
    const std::uint32_t stream = Open(fields, false);
    Data(stream, body);
    EXPECT_THAT(session().TakeIncoming(), IsEmpty()) << body;
    EXPECT_EQ(CodeOf(stream), kProtocolError) << body;
  }
  const std::uint32_t stream = Open(fields, false);
  Data(stream, "abc");
  EXPECT_THAT(session().TakeIncoming(), SizeIs(1));
}

TEST_F(H2SessionTest, RefusesWhatHttp1Refuses) {
  const struct {
    H2Fields fields;
    Reason reason;
  } cases[] = {
      {{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       Reason::kMalformedRequest},

      {{{":method", "GET"}, {":scheme", "https"}, {":authority", "u@a"}, {":path", "/"}},
       Reason::kMalformedRequest},
      {H2Get("/", {{"host", "other"}}), Reason::kMalformedRequest},
      {H2Get("/", {{"authorization", "Bearer a"}, {"authorization", "Bearer b"}}),
       Reason::kMalformedRequest},
      {H2Get("/", {{"content-type", "a"}, {"content-type", "a"}}), Reason::kMalformedRequest},
      {H2Get("/", {{"idempotency-key", "a"}, {"idempotency-key", "a"}}), Reason::kMalformedRequest},
      {H2Get("/", {{"grpc-timeout", "1S"}, {"grpc-timeout", "1S"}}), Reason::kMalformedRequest},
      {H2Get("/", {{"expect", "more"}}), Reason::kMalformedRequest},
      {H2Get("/", {{"content-encoding", "gzip"}}), Reason::kUnsupportedMediaType},
  };
  for (const auto& c : cases) {
    Open(c.fields);
    const auto incoming = session().TakeIncoming();
    ASSERT_THAT(incoming, SizeIs(1)) << ::testing::PrintToString(c.fields);
    EXPECT_THAT(incoming[0].refusal, StatusHasReason(c.reason))
        << ::testing::PrintToString(c.fields);
  }
}

TEST_F(H2SessionTest, RefusesTrailers) {
  const std::uint32_t stream = Open(H2Post("/", {}), false);
  Data(stream, "a", false);
  Feed(codec_.Headers(stream, {{"x", "y"}}, true));
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kMalformedRequest));
}

TEST_F(H2SessionTest, BoundsTheHeader) {
  const auto head = [](std::size_t size) {
    std::size_t used = 0;
    for (const auto& [name, value] : H2Get("/", {{"x", ""}}))
      used += name.size() + value.size() + 32;
    return H2Get("/", {{"x", std::string(size - used, 'x')}});
  };
  Open(head(8192));
  EXPECT_THAT(session().TakeIncoming()[0].refusal, IsOk());
  const std::uint32_t stream = Open(head(8193), false);
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1)) << "before the body";
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kHeaderTooLarge));
  Answer(stream, {.status = 431});
  EXPECT_EQ(CodeOf(stream), NGHTTP2_NO_ERROR);
}

// A field of 3,000 octets is put into the table, then named ten thousand times by one octet each.
TEST_F(H2SessionTest, HoldsAnHpackBomb) {
  std::string block = codec_.Block(H2Get("/", {{"x", std::string(3000, 'x')}}));
  block += std::string(10'000, '\xbe');
  Feed(MakeH2Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block));
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kHeaderTooLarge));
  EXPECT_LE(incoming[0].request.user_agent.value_or("").size(), 8192u);
}

TEST_F(H2SessionTest, BoundsTheBody) {
  const std::uint32_t fits = Open(H2Post("/", {}), false);
  for (int i = 0; i < 4; ++i) Data(fits, std::string(16'384, 'x'), i == 3);
  EXPECT_THAT(session().TakeIncoming()[0].refusal, IsOk());

  const std::uint32_t large = Open(H2Post("/", {}), false);
  for (int i = 0; i < 4; ++i) Data(large, std::string(16'384, 'x'), false);
  EXPECT_THAT(session().TakeIncoming(), IsEmpty());
  Data(large, "x", false);
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kBodyTooLarge));

  Open(H2Post("/", {{"content-length", "65537"}}), false);
  const auto announced = session().TakeIncoming();
  ASSERT_THAT(announced, SizeIs(1)) << "before the body";
  EXPECT_THAT(announced[0].refusal, StatusHasReason(Reason::kBodyTooLarge));
}

TEST_F(H2SessionTest, BoundsTheBodiesOfAllItsRequests) {
  limits_.stream_bodies_bytes = 100;
  const std::uint32_t one = Open(H2Post("/", {}), false);
  Data(one, std::string(60, 'x'));
  ASSERT_THAT(session().TakeIncoming(), SizeIs(1)) << "held until it is answered";
  const std::uint32_t two = Open(H2Post("/", {}), false);
  Data(two, std::string(41, 'x'));
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kOverloaded));
  Answer(one);
  Answer(two, {.status = 429});
  Fetch();
  Data(Open(H2Post("/", {}), false), std::string(100, 'x'));
  EXPECT_THAT(session().TakeIncoming()[0].refusal, IsOk());
}

TEST_F(H2SessionTest, AsksForTheBodyOfWhoWaits) {
  const std::uint32_t stream = Open(H2Post("/", {{"expect", "100-continue"}}), false);
  ASSERT_THAT(HeadersOf(stream), SizeIs(1));
  EXPECT_EQ(HeadersOf(stream)[0], (H2Fields{{":status", "100"}}));
  Data(stream, "x");
  ASSERT_THAT(session().TakeIncoming(), SizeIs(1));
  Answer(stream);
  EXPECT_EQ(ValueOf(HeadersOf(stream)[1], ":status"), "200");
}

TEST_F(H2SessionTest, BoundsStreams) {
  limits_.streams = 3;
  session();
  Feed(MakeH2Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
  for (int i = 0; i < 3; ++i) Open(H2Get("/"), false);
  EXPECT_EQ(CodeOf(0), std::nullopt);
  Open(H2Get("/"));
  EXPECT_EQ(CodeOf(0), kProtocolError) << "it knew better";
}

TEST_F(H2SessionTest, RefusesStreamsBeforeTheClientKnowsBetter) {
  limits_.streams = 3;
  for (int i = 0; i < 3; ++i) Open(H2Get("/"), false);
  EXPECT_EQ(CodeOf(Open(H2Get("/"))), NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(CodeOf(0), std::nullopt);
}

std::string Reset(std::uint32_t stream) {
  return MakeH2Frame(NGHTTP2_RST_STREAM, 0, stream, H2Number(NGHTTP2_CANCEL));
}

TEST_F(H2SessionTest, WhatWasResetAtOnceIsNeverBegun) {
  const std::string request = codec_.Headers(1, H2Get("/"), true);
  Feed(request + Reset(1));
  EXPECT_THAT(session().TakeIncoming(), IsEmpty());
}

TEST_F(H2SessionTest, CountsRequestsWhoseStreamsWereReset) {
  limits_.streams = 3;
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(Open(H2Get("/")));
    ASSERT_THAT(session().TakeIncoming(), SizeIs(1));
    Feed(Reset(streams.back()));
  }
  EXPECT_EQ(CodeOf(Open(H2Get("/"))), NGHTTP2_REFUSED_STREAM) << "they are under way still";
  for (const std::uint32_t stream : streams) Answer(stream);
  EXPECT_THAT(HeadersOf(streams[0]), IsEmpty()) << "nobody to answer";
  Open(H2Get("/"));
  EXPECT_THAT(session().TakeIncoming(), SizeIs(1));
}

TEST_F(H2SessionTest, EndsRapidReset) {
  int resets = 0;
  while (CodeOf(0) == std::nullopt) {
    ASSERT_LT(++resets, 1000);
    Feed(Reset(Open(H2Get("/"))));
  }
  EXPECT_EQ(CodeOf(0), kCalm);
  EXPECT_EQ(resets, H2Flood::Allowances()[H2Flood::kAbandoned].burst + 1);
  EXPECT_TRUE(session().done());
  EXPECT_TRUE(session().flooded());
}

// The client has us reset: by a window beyond 2^31-1, which is an error of its stream.
TEST_F(H2SessionTest, EndsProvokedResets) {
  int resets = 0;
  while (CodeOf(0) == std::nullopt) {
    ASSERT_LT(++resets, 1000);
    const std::uint32_t stream = Open(H2Get("/"));
    ASSERT_LE(session().TakeIncoming().size(), 1u);
    Feed(MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, stream, H2Number(0x7fffffff)));
    if (resets == 1) {
      EXPECT_EQ(CodeOf(stream), NGHTTP2_FLOW_CONTROL_ERROR);
    }
  }
  EXPECT_EQ(CodeOf(0), kCalm);
  EXPECT_TRUE(session().done());
}

TEST_F(H2SessionTest, EndsFloods) {
  const std::pair<const char*, std::string> floods[] = {
      {"PING", MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678")},
      {"SETTINGS", MakeH2Frame(NGHTTP2_SETTINGS, 0, 0)},
      {"PRIORITY", MakeH2Frame(NGHTTP2_PRIORITY, 0, 3, std::string(5, '\0'))},
      {"WINDOW_UPDATE", MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, H2Number(1))},
      {"empty DATA", MakeH2Frame(NGHTTP2_DATA, 0, 1)},
      {"unknown", MakeH2Frame(0xfe, 0, 0)},
  };
  for (const auto& [what, frame] : floods) {
    session_.reset();
    frames_.clear();
    Feed(H2Codec().Headers(1, H2Post("/", {}), false));
    int sent = 0;
    while (CodeOf(0) == std::nullopt && ++sent < 2000) Feed(frame);
    EXPECT_EQ(CodeOf(0), kCalm) << what;
    EXPECT_TRUE(session().done()) << what;
  }
}

TEST_F(H2SessionTest, EndsEndlessHeaders) {
  Feed(MakeH2Frame(NGHTTP2_HEADERS, 0, 1, codec_.Block(H2Get("/"))));
  for (int i = 0; i < 5; ++i)
    Feed(MakeH2Frame(NGHTTP2_CONTINUATION, 0, 1, codec_.Block({{"x", "y"}})));
  EXPECT_EQ(CodeOf(0), kCalm);
}

// Frames that we owe answers to, to somebody who reads none.
TEST_F(H2SessionTest, BoundsWhatNobodyReads) {
  limits_.streams = 1;
  Open(H2Get("/"), false);
  for (int i = 0; i < 1100; ++i) Open(H2Get("/"));  // Each is answered by a RST_STREAM.
  EXPECT_EQ(CodeOf(0), kCalm);
}

TEST_F(H2SessionTest, BeginsNothingWhileResponsesWait) {
  limits_.queued_responses_bytes = 100'000;
  const std::uint32_t one = Open(H2Get("/"));
  session().TakeIncoming();
  Answer(one, {.body = std::string(200'000, 'x')});
  Fetch();
  EXPECT_EQ(BodyOf(one).size(), 65'535u) << "the client's window";
  EXPECT_EQ(CodeOf(Open(H2Get("/"))), NGHTTP2_REFUSED_STREAM);
  for (const std::uint32_t stream : {0u, one})
    Feed(MakeH2Frame(NGHTTP2_WINDOW_UPDATE, 0, stream, H2Number(200'000)));
  EXPECT_EQ(BodyOf(one).size(), 200'000u);
  Open(H2Get("/"));
  EXPECT_THAT(session().TakeIncoming(), SizeIs(1));
}

TEST_F(H2SessionTest, GivesUpOnSlowBodies) {
  const std::uint32_t stream = Open(H2Post("/", {}), false);
  now_ += seconds(1);
  session().Expire(now_);
  Data(stream, std::string(8192, 'x'), false);  // Buys a second, beyond the grace of two.
  now_ += seconds(1);
  session().Expire(now_);
  EXPECT_THAT(session().TakeIncoming(), IsEmpty());
  now_ += seconds(1);
  session().Expire(now_);
  const auto incoming = session().TakeIncoming();
  ASSERT_THAT(incoming, SizeIs(1));
  EXPECT_THAT(incoming[0].refusal, StatusHasReason(Reason::kRequestTimeout));
  session().Expire(now_ + seconds(5));
  Answer(stream, {.status = 408});
  EXPECT_EQ(CodeOf(stream), NGHTTP2_NO_ERROR);
  EXPECT_EQ(CodeOf(0), std::nullopt);
}

TEST_F(H2SessionTest, GivesUpOnSlowFrames) {
  const std::string frame = MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678");
  for (const std::size_t begun : {1u, 9u, 16u}) {
    session_.reset();
    frames_.clear();
    session();
    now_ += seconds(30);
    Feed(frame.substr(0, begun));
    session().Expire(now_ + seconds(9));
    EXPECT_EQ(CodeOf(0), std::nullopt) << begun;
    session().Expire(now_ + seconds(10));
    EXPECT_EQ(CodeOf(0), NGHTTP2_NO_ERROR) << begun;
    EXPECT_TRUE(session().done()) << begun;
  }
}

TEST_F(H2SessionTest, GivesUpOnAHeaderBlockThatDoesNotEnd) {
  Feed(MakeH2Frame(NGHTTP2_HEADERS, 0, 1, codec_.Block(H2Get("/"))));
  now_ += seconds(6);
  Feed(MakeH2Frame(NGHTTP2_CONTINUATION, 0, 1, codec_.Block({{"x", "y"}})));
  session().Expire(now_ + seconds(4));
  EXPECT_EQ(CodeOf(0), NGHTTP2_NO_ERROR);
}

TEST_F(H2SessionTest, GivesUpOnWhoSaysNothing) {
  H2Session silent(limits_, {}, now_);
  silent.Expire(now_ + seconds(10));
  std::string output;
  silent.TakeOutput(1000, output);
  EXPECT_TRUE(silent.done());
}

TEST_F(H2SessionTest, EndsIdleConnections) {
  const std::uint32_t stream = Open(H2Get("/"));
  session().TakeIncoming();
  now_ += seconds(100);
  session().Expire(now_);
  Answer(stream);
  Fetch();
  now_ += seconds(59);
  Feed(MakeH2Frame(NGHTTP2_PING, 0, 0, "12345678"));
  session().Expire(now_);
  EXPECT_EQ(CodeOf(0), std::nullopt);
  session().Expire(now_ + seconds(1));
  EXPECT_EQ(CodeOf(0), NGHTTP2_NO_ERROR) << "a PING is no request";
  EXPECT_TRUE(session().done());
}

TEST_F(H2SessionTest, GivesUpOnResponsesThatNobodyFetches) {
  const std::uint32_t stream = Open(H2Get("/"));
  session().TakeIncoming();
  Answer(stream, {.body = std::string(70'000, 'x')});
  Fetch();
  session().Expire(now_ + seconds(9));
  EXPECT_EQ(CodeOf(stream), std::nullopt);
  session().Expire(now_ + seconds(10));
  EXPECT_EQ(CodeOf(stream), NGHTTP2_CANCEL);
}

TEST_F(H2SessionTest, DrainsWithoutLosingARequest) {
  const std::uint32_t one = Open(H2Get("/"));
  session().TakeIncoming();
  session().Drain();
  session().Drain();
  ASSERT_EQ(CodeOf(0), NGHTTP2_NO_ERROR);
  EXPECT_EQ(frames_.back().Number(0), one) << "the last that is served";
  Open(H2Get("/"));
  EXPECT_THAT(session().TakeIncoming(), IsEmpty());
  EXPECT_FALSE(session().done());
  Answer(one);
  EXPECT_EQ(BodyOf(one), "{}");
  EXPECT_TRUE(session().done());
  EXPECT_FALSE(session().flooded());
}

TEST_F(H2SessionTest, RefusesWhatIsNotHttp2) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(1000, '\0'),
        H2Preface().substr(0, 24) + "GET / "
                                    "HTTP/1.1\r\n\r\n"}) {
    H2Session session(limits_, {}, now_);
    session.Feed(bytes, now_);
    std::string output;
    session.TakeOutput(1000, output);
    EXPECT_TRUE(session.done()) << bytes;
  }
}

// No input breaks a promise of ours: valid openings with octets changed, and answers to what comes.
TEST_F(H2SessionTest, BearsAnyOctets) {
  std::uint32_t random = 1;
  const auto next = [&random] { return (random = random * 1664525u + 1013904223u) >> 8; };
  for (int round = 0; round < 3000; ++round) {
    H2Codec codec;
    std::string bytes = H2Preface();
    for (std::uint32_t stream = 1; stream < 9; stream += 2) {
      bytes += codec.Headers(stream, H2Post("/a", {{"content-type", "x"}}), stream == 1);
      bytes += MakeH2Frame(NGHTTP2_DATA, next() % 2, stream, std::string(next() % 64, 'x'));
      if (next() % 4 == 0) bytes += Reset(stream);
    }
    for (std::uint32_t i = next() % 6; i > 0; --i)
      bytes[24 + next() % (bytes.size() - 24)] = static_cast<char>(next());
    H2Session session(limits_, {}, now_);
    std::string output;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = 1 + next() % 200;
      session.Feed(bytes.substr(at, piece), now_);
      at += piece;
      for (auto& incoming : session.TakeIncoming())
        session.Answer(incoming.stream, {.body = "{}", .trailers = {{"a", "b"}}}, kDate, now_);
      session.TakeOutput(1 + next() % 100, output);
      session.Expire(now_ + seconds(next() % 12));
    }
    session.Drain();
    session.TakeOutput(1'000'000, output);
  }
}

}  // namespace
}  // namespace florin::gateway
