#include "libs/audit/event.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::audit {
namespace {

Event Sample() {
  Event event;
  event.event_id = *Uuid::Parse("018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00");
  event.time = absl::FromUnixMicros(1'800'000'000'123'456);
  event.action = "auth.session.begin";
  event.actor = "usr_1";
  event.subject = "usr_1";
  event.decision = Decision::kRefused;
  event.reason = "invalid_credentials";
  event.origin = {.caller = "gateway", .client_address = "192.0.2.1", .request_id = "req_1"};
  event.details = {{"method", "password"}, {"attempt", "3"}};
  return event;
}

TEST(Event, HasOneCanonicalLine) {
  const std::string line = EncodeEvent(Sample());
  EXPECT_EQ(
      line,
      R"({"event_id":"018f3a1e-7b2c-7d3e-8f4a-5b6c7d8e9f00","time":"2027-01-15T08:00:00.123456Z",)"
      R"("action":"auth.session.begin","actor":"usr_1","on_behalf_of":"","subject":"usr_1",)"
      R"("decision":"refused","reason":"invalid_credentials","caller":"gateway",)"
      R"("client_address":"192.0.2.1","request_id":"req_1",)"
      R"("details":{"attempt":"3","method":"password"}})");
  ASSERT_THAT(DecodeEvent(line), IsOk());
  EXPECT_EQ(*DecodeEvent(line), Sample());
}

TEST(Event, AnyOtherSpellingIsRefused) {
  const std::string line = EncodeEvent(Sample());
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"actor\":\"usr_1\"", "\"actor\": \"usr_1\""},
           {"\"refused\"", "\"maybe\""},
           {"usr_1", "usr\\u005f1"},
           {"123456Z", "123Z"},
           {"\"details\":{", "\"more\":\"x\",\"details\":{"},
           {"{\"attempt\":\"3\",", "{\"attempt\":\"3\",\"attempt\":\"3\","}}) {
    std::string other = line;
    other.replace(other.find(from), from.size(), to);
    EXPECT_THAT(DecodeEvent(other), StatusHasReason(Reason::kInvalidField)) << other;
  }
  EXPECT_FALSE(DecodeEvent("").ok());
  EXPECT_FALSE(DecodeEvent(line + "\n").ok());
}

TEST(Event, WhatAnOutsiderSentStaysOneHarmlessLine) {
  Event event = Sample();
  const std::string payload = std::string("a\r\nforged line\x1B[2J\x1B]0;t\x07") + '\0' +
                              "\x7F\xC2\x9B" + "31m\xFF\xC0\xAF\xED\xA0\x80";
  event.actor = payload;
  event.details = {{payload, payload}};
  const std::string line = EncodeEvent(Fit(event));
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  EXPECT_EQ(line.find('\x7F'), std::string::npos);
  EXPECT_EQ(line.find("\xC2\x9B"), std::string::npos);
  ASSERT_THAT(DecodeEvent(line), IsOk());
  EXPECT_EQ(*DecodeEvent(line), Fit(event));
}

TEST(Event, FitCutsBetweenCharacters) {
  Event event = Sample();
  for (int i = 0; i < 300; ++i) event.subject += "\xE2\x82\xAC";
  for (int i = 0; i < 40; ++i) event.details["k" + std::to_string(i)] = "v";
  const Event fit = Fit(event);
  EXPECT_LE(fit.subject.size(), kLongestText);
  EXPECT_GT(fit.subject.size(), kLongestText - 3);
  EXPECT_TRUE(fit.subject.ends_with("\xE2\x82\xAC"));
  EXPECT_EQ(fit.details.size(), kMostDetails);
  EXPECT_EQ(Fit(fit), fit);
}

TEST(Event, AnActionIsAName) {
  EXPECT_THAT(CheckAction("auth.signing_key.publish"), IsOk());
  for (const char* wrong : {"", "auth", "auth.session", "Auth.session.begin", "a.b.c.d", "a.b.c\n"})
    EXPECT_THAT(CheckAction(wrong), StatusHasReason(Reason::kInvalidField)) << wrong;
}

}  // namespace
}  // namespace florin::audit
