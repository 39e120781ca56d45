#include "services/ledger/rpc/page_token.h"

#include <limits>

#include "florin/ledger/v1/reader.pb.h"
#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/matchers.h"

namespace florin::ledger {
namespace {

TEST(PageTokenTest, StandsForItsSequence) {
  for (const std::int64_t sequence :
       {std::int64_t{1}, std::int64_t{256}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(ParsePageToken("request", PageToken("request", sequence)).value(), sequence);
  }
}

TEST(PageTokenTest, IsRefusedUnlessGivenForTheRequest) {
  const std::string good = PageToken("request", 7);
  const std::string octets = crypto::Base64UrlDecode(good).value();
  for (const std::string& token :
       {PageToken("other", 7), PageToken("request", 0), PageToken("request", -1), std::string(),
        std::string("!"), good + "A", good.substr(1), crypto::Base64UrlEncode(octets + "x")}) {
    EXPECT_THAT(ParsePageToken("request", token), StatusHasReason(Reason::kInvalidPageToken))
        << token;
  }
}

TEST(PageTokenTest, IsBoundToTheRequestButItsPageAndItsStateAndToItsType) {
  v1::ListEntriesRequest request;
  request.set_book("main");
  request.set_account_id("acc_1");
  const std::string binding = BindingOf(request);
  v1::ListEntriesRequest same = request;
  same.set_page_size(7);
  same.set_page_token("token");
  same.set_at_least_sequence(9);
  EXPECT_EQ(BindingOf(same), binding);

  std::vector<v1::ListEntriesRequest> others(8, request);
  others[0].set_book("other");
  others[1].set_account_id("acc_2");
  others[2].set_oldest_first(true);
  others[3].mutable_from_commit_time()->set_seconds(1);
  others[4].mutable_until_commit_time()->set_seconds(1);
  others[5].add_kinds(v1::HOLD);
  others[6].set_metadata_key("payment_id");
  others[7].set_metadata_value("pay_1");
  for (const v1::ListEntriesRequest& other : others) {
    EXPECT_NE(BindingOf(other), binding) << other.ShortDebugString();
  }
  v1::FindTransactionsRequest find;
  find.set_book("main");
  find.set_metadata_key("acc_1");  // Both are the fields 1 and 2: the same bytes.
  EXPECT_EQ(find.SerializeAsString(), request.SerializeAsString());
  EXPECT_NE(BindingOf(find), binding);
}

}  // namespace
}  // namespace florin::ledger
