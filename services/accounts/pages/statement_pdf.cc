#include "services/accounts/pages/statement_pdf.h"

#include <hpdf.h>

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/money/decimal_text.h"

namespace florin::accounts {
namespace {

// Points of 1/72 inch, from the lower left corner of an A4 page.
constexpr float kWidth = 595;
constexpr float kHeight = 842;
constexpr float kMargin = 50;
constexpr float kLine = 15;
constexpr float kText = 9;
constexpr float kTitle = 16;
constexpr float kTop = kHeight - kMargin;
constexpr float kFoot = kMargin + 2 * kLine;  // No entry lower than this.

// Columns: where text begins, and where figures end.
constexpr float kBooked = kMargin;
constexpr float kValue = 115;
constexpr float kReference = 180;
constexpr float kAmountEnd = 455;
constexpr float kBalanceEnd = kWidth - kMargin;

// libharu reports errors by a callback through its C frames, which leave nothing behind: the
// document is freed by its owner.
[[noreturn]] void Fail(HPDF_STATUS error, HPDF_STATUS detail, void*) {
  throw std::runtime_error(absl::StrCat("libharu: ", error, " ", detail));
}

struct FreeDocument {
  void operator()(HPDF_Doc document) const { HPDF_Free(document); }
};
using Document = std::unique_ptr<std::remove_pointer_t<HPDF_Doc>, FreeDocument>;

// Draws one statement from top to bottom, on as many pages as it needs.
class Drawing {
 public:
  Drawing(HPDF_Doc document, const StatementFacts& facts, const std::string& font)
      : document_(document), facts_(facts) {
    HPDF_UseUTFEncodings(document_);
    HPDF_SetCompressionMode(document_, HPDF_COMP_ALL);
    const char* name = HPDF_LoadTTFontFromFile(document_, font.c_str(), HPDF_TRUE);
    font_ = HPDF_GetFont(document_, name, "UTF-8");
    HPDF_SetInfoAttr(document_, HPDF_INFO_TITLE, "Account statement");
    HPDF_SetInfoAttr(document_, HPDF_INFO_PRODUCER, "Florin");
  }

  void Draw(const AccountStatement& statement) {
    NewPage();
    DrawHead();
    DrawBalances(statement);
    DrawTableHead();
    for (const BookedEntry& entry : statement.entries) DrawEntry(entry);
    DrawClosing(statement);
    NumberPages();
  }

 private:
  void NewPage() {
    page_ = HPDF_AddPage(document_);
    HPDF_Page_SetWidth(page_, kWidth);
    HPDF_Page_SetHeight(page_, kHeight);
    HPDF_Page_SetFontAndSize(page_, font_, kText);
    pages_.push_back(page_);
    y_ = kTop;
  }

  // Text that begins at `x`, cut to what fits before `end`.
  void Left(float x, const std::string& text, float end = kBalanceEnd) {
    HPDF_REAL width = 0;
    const HPDF_UINT fitting =
        HPDF_Page_MeasureText(page_, text.c_str(), end - x, HPDF_FALSE, &width);
    Write(x, text.substr(0, fitting));
  }
  void Right(float end, const std::string& text) {
    Write(end - HPDF_Page_TextWidth(page_, text.c_str()), text);
  }
  void Write(float x, const std::string& text) {
    HPDF_Page_BeginText(page_);
    HPDF_Page_TextOut(page_, x, y_, text.c_str());
    HPDF_Page_EndText(page_);
  }
  void Rule() {
    HPDF_Page_SetLineWidth(page_, 0.5);
    HPDF_Page_MoveTo(page_, kMargin, y_ - 4);
    HPDF_Page_LineTo(page_, kBalanceEnd, y_ - 4);
    HPDF_Page_Stroke(page_);
  }
  std::string Amount(std::int64_t minor_units) const {
    return absl::StrCat(DecimalText(minor_units, facts_.currency), " ",
                        std::string(facts_.currency.code()));
  }
  std::string Day(absl::Time time) const { return DateText(absl::ToCivilDay(time, facts_.zone)); }

  void Fact(const std::string& name, const std::string& value) {
    Left(kMargin, name);
    Left(kReference, value);
    y_ -= kLine;
  }

  void DrawHead() {
    HPDF_Page_SetFontAndSize(page_, font_, kTitle);
    Left(kMargin, "Account statement");
    HPDF_Page_SetFontAndSize(page_, font_, kText);
    y_ -= 2 * kLine;
    Fact("Holder", facts_.holder_name);
    Fact("Account", FormatId(IdKind::kAccount, facts_.account_id));
    if (!facts_.account_name.empty()) Fact("Name", facts_.account_name);
    Fact("Currency", std::string(facts_.currency.code()));
    Fact("Period", absl::StrCat(DateText(facts_.period.first), " to ", DateText(facts_.period.last),
                                ", ", facts_.time_zone));
    Fact("Drawn up", absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", facts_.create_time, facts_.zone));
    y_ -= kLine;
  }

  void Figure(const std::string& name, const std::string& amount) {
    Left(kMargin, name);
    Right(kBalanceEnd, amount);
    y_ -= kLine;
  }

  void DrawBalances(const AccountStatement& statement) {
    Figure("Opening balance", Amount(statement.opening_minor));
    Figure(absl::StrCat("Money in (", statement.credits.count, ")"),
           Amount(statement.credits.total_minor));
    Figure(absl::StrCat("Money out (", statement.debits.count, ")"),
           Amount(-statement.debits.total_minor));
    Figure("Closing balance", Amount(statement.closing_minor));
    y_ -= kLine;
  }

  void DrawTableHead() {
    Left(kBooked, "Booked");
    Left(kValue, "Value date");
    Left(kReference, "Reference");
    Right(kAmountEnd, "Amount");
    Right(kBalanceEnd, "Balance");
    Rule();
    y_ -= kLine + 3;
  }

  void MakeRoom() {
    if (y_ >= kFoot) return;
    NewPage();
    DrawTableHead();
  }

  void DrawEntry(const BookedEntry& entry) {
    MakeRoom();
    Left(kBooked, Day(entry.booking_time));
    Left(kValue, Day(entry.value_time));
    Left(kReference, entry.payment_id.empty() ? entry.transaction_id : entry.payment_id);
    Right(kAmountEnd, DecimalText(entry.amount_minor, facts_.currency));
    Right(kBalanceEnd, DecimalText(entry.balance_after_minor, facts_.currency));
    y_ -= kLine;
  }

  void DrawClosing(const AccountStatement& statement) {
    MakeRoom();
    if (statement.entries.empty()) {
      Left(kBooked, "Nothing was booked in this period.");
      y_ -= kLine;
    }
    y_ += kLine;
    Rule();
    y_ -= kLine + 3;
    Figure("Closing balance", Amount(statement.closing_minor));
  }

  void NumberPages() {
    y_ = kMargin;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      page_ = pages_[i];
      Right(kBalanceEnd, absl::StrCat("Page ", i + 1, " of ", pages_.size()));
    }
  }

  HPDF_Doc document_;
  const StatementFacts& facts_;
  HPDF_Font font_ = nullptr;
  HPDF_Page page_ = nullptr;  // The one that is drawn on.
  std::vector<HPDF_Page> pages_;
  float y_ = 0;  // The line that is next.
};

std::string OctetsOf(HPDF_Doc document) {
  HPDF_SaveToStream(document);
  HPDF_ResetStream(document);
  std::string octets(HPDF_GetStreamSize(document), '\0');
  auto size = static_cast<HPDF_UINT32>(octets.size());
  HPDF_ReadFromStream(document, reinterpret_cast<HPDF_BYTE*>(octets.data()), &size);
  octets.resize(size);
  return octets;
}

}  // namespace

absl::StatusOr<std::string> StatementPdf(const StatementFacts& facts,
                                         const AccountStatement& statement,
                                         const std::string& font) {
  try {
    const Document document(HPDF_New(Fail, nullptr));
    if (document == nullptr) return Error(Reason::kInternal, "no PDF document could be made");
    Drawing(document.get(), facts, font).Draw(statement);
    return OctetsOf(document.get());
  } catch (const std::runtime_error& error) {
    return Error(Reason::kInternal, error.what());
  }
}

}  // namespace florin::accounts
