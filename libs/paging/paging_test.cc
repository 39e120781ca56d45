#include "libs/paging/paging.h"

#include "libs/status/matchers.h"

namespace florin {
namespace {

using ::testing::ElementsAre;

Uuid Same(const Uuid& id) { return id; }

TEST(PagingTest, ZeroMeansTheDefaultSize) {
  ASSERT_THAT(ParsePage(0, ""), IsOk());
  EXPECT_EQ(ParsePage(0, "")->size, kDefaultPageSize);
  EXPECT_EQ(ParsePage(0, "")->after, std::nullopt);
}

TEST(PagingTest, SizesOutsideOneToOneHundredAreRefused) {
  EXPECT_EQ(ParsePage(1, "")->size, 1);
  EXPECT_EQ(ParsePage(100, "")->size, 100);
  EXPECT_THAT(ParsePage(101, ""), StatusHasReason(Reason::kInvalidPageSize));
  EXPECT_THAT(ParsePage(-1, ""), StatusHasReason(Reason::kInvalidPageSize));
}

TEST(PagingTest, TheTokenLeadsBehindTheLastRowOfThePage) {
  SequentialIds ids;
  const Uuid first = ids.NewId();
  const Uuid second = ids.NewId();
  std::vector<Uuid> rows = {first, second, ids.NewId()};
  const std::string token = CutPage(Page{.size = 2}, rows, Same);
  EXPECT_THAT(rows, ElementsAre(first, second));
  ASSERT_THAT(ParsePage(2, token), IsOk());
  EXPECT_EQ(ParsePage(2, token)->after, second);
}

TEST(PagingTest, TheLastPageHasNoToken) {
  SequentialIds ids;
  std::vector<Uuid> rows = {ids.NewId(), ids.NewId()};
  EXPECT_EQ(CutPage(Page{.size = 2}, rows, Same), "");
  EXPECT_EQ(rows.size(), 2u);
}

TEST(PagingTest, ForeignTokensAreRefused) {
  EXPECT_THAT(ParsePage(0, "abc"), StatusHasReason(Reason::kInvalidPageToken));
  EXPECT_THAT(ParsePage(0, "!"), StatusHasReason(Reason::kInvalidPageToken));
  EXPECT_THAT(ParsePage(0, PageToken(Uuid()) + "AAAA"), StatusHasReason(Reason::kInvalidPageToken));
}

}  // namespace
}  // namespace florin
