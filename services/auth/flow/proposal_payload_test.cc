#include "services/auth/flow/proposal_payload.h"

#include "gtest/gtest.h"
#include "libs/status/matchers.h"

namespace florin::auth {
namespace {

TEST(ProposalPayload, IsCanonicalJson) {
  for (const std::string& payload : {
           std::string("{}"),
           std::string(R"({"role":"operator","user_id":"usr_1"})"),
           std::string(
               R"({"a":[],"b":{},"c":null,"d":true,"e":false,"f":-12,"g":[1,"x",{"y":2}]})"),
           std::string(R"({"max":9223372036854775807,"min":-9223372036854775808,"n":0})"),
           std::string(R"({"a":"Käse / \" \\ \b\f\n\r\t \u0001 \u001f"})"),
           std::string(R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}})"),
           "{\"a\":\"" + std::string(kLargestPayload - 8, 'x') + "\"}",
       }) {
    EXPECT_THAT(CheckPayload(payload), IsOk()) << payload.substr(0, 100);
  }
}

TEST(ProposalPayload, HasNoOtherSpelling) {
  for (const std::string& payload : {
           std::string(""),
           std::string("[]"),
           std::string("1"),
           std::string("null"),
           std::string("{"),
           std::string("{}{}"),
           std::string(" {}"),
           std::string("{} "),
           std::string("{}\n"),
           std::string("{ }"),
           std::string(R"({"a": 1})"),
           std::string(R"({"b":1,"a":2})"),
           std::string(R"({"a":1,"a":1})"),
           std::string(R"({"a":1,"a":2})"),
           std::string(R"({"a":{"b":1,"b":1}})"),
           std::string(R"({"a":1.0})"),
           std::string(R"({"a":1e3})"),
           std::string(R"({"a":-0})"),
           std::string(R"({"a":01})"),
           std::string(R"({"a":18446744073709551616})"),
           std::string(R"({"A":1})"),
           std::string(R"({"":1})"),
           std::string(R"({"a b":1})"),
           std::string(R"({"\u0061":1})"),
           std::string(R"({"a":"\u0041"})"),
           std::string(R"({"a":"\/"})"),
           std::string(R"({"a":"\u000a"})"),
           std::string(R"({"a":"\u001F"})"),
           std::string(R"({"a":1,})"),
           std::string(R"({"a":/**/1})"),
           std::string("{\"a\":\"\xff\"}"),
           std::string("{\"a\":\"\n\"}"),
           std::string("\xef\xbb\xbf{}"),
           std::string(R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}})"),
           "{\"a\":\"" + std::string(kLargestPayload - 7, 'x') + "\"}",
           std::string(100'000, '['),
       }) {
    EXPECT_THAT(CheckPayload(payload), StatusHasReason(Reason::kInvalidProposalPayload))
        << payload.substr(0, 100);
    EXPECT_THAT(CheckPayload(payload), StatusHasParam("payload"));
  }
}

TEST(ProposalPayload, OfARoleIsCanonical) {
  const Uuid user = DeriveId("test", "ann");
  const std::string payload = RolePayload(user, Role::kOperator);
  EXPECT_EQ(payload, R"({"role":"operator","user_id":")" + FormatId(IdKind::kUser, user) + R"("})");
  EXPECT_THAT(CheckPayload(payload), IsOk());
}

// SHA-256 of "{}", as sha256sum has it.
TEST(ProposalPayload, HasADigest) {
  EXPECT_EQ(PayloadDigest("{}"),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

}  // namespace
}  // namespace florin::auth
