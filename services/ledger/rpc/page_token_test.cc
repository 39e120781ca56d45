#include "services/ledger/rpc/page_token.h"

#include <limits>

#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::ledger {
namespace {

const Uuid kAccount = DeriveId("test", "account");

TEST(EntryPageTokenTest, StandsForItsVersion) {
  for (const std::int64_t version :
       {std::int64_t{1}, std::int64_t{256}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(ParseEntryPageToken(kAccount, EntryPageToken(kAccount, version)).value(), version);
  }
}

TEST(EntryPageTokenTest, IsRefusedUnlessGivenForTheAccount) {
  const std::string good = EntryPageToken(kAccount, 7);
  const std::string octets = crypto::Base64UrlDecode(good).value();
  for (const std::string& token :
       {EntryPageToken(DeriveId("test", "other"), 7), EntryPageToken(kAccount, 0),
        EntryPageToken(kAccount, -1), std::string(), std::string("!"), good + "A", good.substr(1),
        crypto::Base64UrlEncode(octets + "x")}) {
    EXPECT_THAT(ParseEntryPageToken(kAccount, token), StatusHasReason(Reason::kInvalidPageToken))
        << token;
  }
}

}  // namespace
}  // namespace florin::ledger
