#include "services/payments/flow/rate_source.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "libs/status/matchers.h"

namespace florin::payments {
namespace {

const Currency kEur = *Currency::Parse("EUR");
const Currency kUsd = *Currency::Parse("USD");

class FileRatesTest : public ::testing::Test {
 protected:
  FileRatesTest() {
    std::string name = "/tmp/florin-rates.XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~FileRatesTest() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/rates"; }
  // As its advice says: another file takes its place.
  void Write(const std::string& text) {
    std::ofstream(directory_ + "/new") << text;
    // Of another time, however coarse the clock of the file system is.
    const auto time = std::filesystem::file_time_type::clock::time_point(
        std::chrono::seconds(1'000'000 + ++written_));
    std::filesystem::last_write_time(directory_ + "/new", time);
    std::filesystem::rename(directory_ + "/new", path());
  }
  std::string At(const std::string& rate, absl::Time time) {
    return "EUR USD " + rate + " " +
           absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()) + "\n";
  }

  std::string directory_;
  int written_ = 0;
  FakeClock clock_{absl::FromUnixSeconds(1'790'000'000)};
};

TEST_F(FileRatesTest, AreReadAgainWhenTheyChange) {
  Write(At("1.1", clock_.Now()));
  FileRates rates(path(), absl::Minutes(5), clock_);
  ASSERT_THAT(rates.Load(), IsOk());
  EXPECT_EQ(rates.Find(kEur, kUsd)->rate.units, 1'100'000'000'000);
  Write(At("1.2", clock_.Now()));
  EXPECT_EQ(rates.Find(kEur, kUsd)->rate.units, 1'200'000'000'000);
  EXPECT_THAT(rates.Find(kEur, *Currency::Parse("JPY")),
              StatusHasReason(Reason::kRateNotAvailable));
}

TEST_F(FileRatesTest, GrowTooOld) {
  Write(At("1.1", clock_.Now()));
  FileRates rates(path(), absl::Minutes(5), clock_);
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(rates.Find(kEur, kUsd), IsOk());
  clock_.Advance(absl::Microseconds(1));
  EXPECT_THAT(rates.Find(kEur, kUsd), StatusHasReason(Reason::kRateNotAvailable));
  // What claims to be of tomorrow would not grow old before.
  Write(At("1.1", clock_.Now() + absl::Hours(24)));
  EXPECT_THAT(rates.Find(kEur, kUsd), StatusHasReason(Reason::kRateNotAvailable));
}

TEST_F(FileRatesTest, ABadFileKeepsTheRatesBeforeIt) {
  Write(At("1.1", clock_.Now()));
  FileRates rates(path(), absl::Minutes(5), clock_);
  ASSERT_THAT(rates.Load(), IsOk());
  Write("nonsense\n");
  EXPECT_EQ(rates.Find(kEur, kUsd)->rate.units, 1'100'000'000'000);
  std::filesystem::remove(path());
  EXPECT_EQ(rates.Find(kEur, kUsd)->rate.units, 1'100'000'000'000);
  Write(At("1.3", clock_.Now()));
  EXPECT_EQ(rates.Find(kEur, kUsd)->rate.units, 1'300'000'000'000);
}

TEST_F(FileRatesTest, TheStartNeedsGoodRatesOrNone) {
  FileRates missing(path(), absl::Minutes(5), clock_);
  EXPECT_FALSE(missing.Load().ok());
  Write("nonsense\n");
  FileRates bad(path(), absl::Minutes(5), clock_);
  EXPECT_THAT(bad.Load(), StatusHasReason(Reason::kInvalidField));
  FileRates none("", absl::Minutes(5), clock_);
  EXPECT_THAT(none.Load(), IsOk());
  EXPECT_THAT(none.Find(kEur, kUsd), StatusHasReason(Reason::kRateNotAvailable));
}

}  // namespace
}  // namespace florin::payments
