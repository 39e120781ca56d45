#include "tests/crash/limited_payers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "libs/ids/ids.h"
#include "tests/crash/rows.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/staff.h"

namespace florin::e2e {
namespace {

constexpr int kPayers = 3;
constexpr std::int64_t kPlenty = 1'000'000'000;

std::string UuidOf(IdKind kind, const std::string& id) {
  const absl::StatusOr<Uuid> parsed = ParseId(kind, id, "id");
  EXPECT_TRUE(parsed.ok()) << id;
  return parsed.ok() ? parsed->ToString() : "";
}

void Fund(ApiUser& user, const std::string& account, const std::string& currency) {
  const boost::json::object amount = {{"currency", currency},
                                      {"minor_units", absl::StrCat(kPlenty)}};
  const boost::json::object body = {{"destination_account_id", account}, {"amount", amount}};
  const Answer deposit = user.Post("/v1/deposits", body, {.key = Fresh(kKeysOfFunds)});
  EXPECT_EQ(Outcome(deposit), "200") << deposit;
}

boost::json::object Limit(const std::string& scope, const std::string& currency,
                          const std::string& measure, std::int64_t window_seconds,
                          std::int64_t maximum) {
  return {{"scope", scope},
          {"currency", currency},
          {"measure", measure},
          {"window_seconds", absl::StrCat(window_seconds)},
          {"maximum", absl::StrCat(maximum)}};
}

// Money that left an account of a payer, or was to.
struct Move {
  std::int64_t sequence = 0;
  std::int64_t micros = 0;
  std::string payment;
  std::string user;
  std::string source;
  std::string destination;
  std::int64_t debited = 0;
  std::string currency;
};

// When the ledger let go of what a payment held of limits of a window: a sequence, by payment and
// window in seconds. What is not there is held still.
using Released = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;

Released ReadReleased() {
  Released released;
  for (const auto& row :
       Rows("SELECT h.metadata->>'limits_of', "
            "round(extract(epoch FROM h.expires_at - h.committed_at)), e.sequence "
            "FROM ledger.journal h JOIN ledger.journal e ON e.book = h.book AND "
            "e.subject_id = h.transaction_id AND e.reason IS NULL AND e.kind IN ('expire', 'void') "
            "WHERE h.kind = 'hold' AND h.reason IS NULL AND h.metadata ? 'limits_of'")) {
    released[{row.at(0), NumberOf(row.at(1))}] = NumberOf(row.at(2));
  }
  return released;
}

class Account {
 public:
  Account(const MadeLimit& limit, const std::vector<std::string>& icelandic,
          const std::vector<Move>& moves, const Released& released)
      : limit_(limit), icelandic_(icelandic), released_(released) {
    for (const Move& move : moves) {
      if (IsAbout(move)) buckets_[BucketOf(move)].push_back(&move);
    }
  }

  // Of whatever passed: with what counted then there was never more than the maximum.
  void CheckPassed(LimitFigures& figures) const {
    for (const auto& [bucket, moves] : buckets_) {
      for (const Move* const move : moves) {
        std::int64_t sum = 0;
        for (const Move* const other : moves) {
          const bool counts = other->sequence <= move->sequence &&
                              other->micros + 1'000'000 * limit_.window_seconds > move->micros;
          if (counts && (limit_.window_seconds > 0 || other == move)) sum += UnitsOf(*other);
        }
        ++figures.checks;
        figures.brim += sum == limit_.maximum;
        EXPECT_LE(sum, limit_.maximum)
            << limit_.scope << " limit " << limit_.limit_id << " let pass " << move->payment;
      }
    }
  }
  // Of what it has refused: with what was held then there was too little room.
  void CheckRefused(const Move& refused, LimitFigures& figures) const {
    std::int64_t held = 0;
    const auto bucket = buckets_.find(BucketOf(refused));
    if (limit_.window_seconds > 0 && bucket != buckets_.end()) {
      for (const Move* const other : bucket->second) {
        const auto until = released_.find({other->payment, limit_.window_seconds});
        const bool over = until != released_.end() && until->second < refused.sequence;
        if (other->sequence < refused.sequence && !over) held += UnitsOf(*other);
      }
    }
    ++figures.checks;
    EXPECT_TRUE(IsAbout(refused)) << limit_.limit_id << " refused " << refused.payment;
    EXPECT_GT(held + UnitsOf(refused), limit_.maximum)
        << limit_.scope << " limit " << limit_.limit_id << " refused " << refused.payment << " of "
        << UnitsOf(refused) << " with " << held << " held of " << limit_.maximum;
  }

 private:
  bool IsAbout(const Move& move) const {
    if (move.currency != limit_.currency) return false;
    if (limit_.scope == "COUNTRY") return std::ranges::count(icelandic_, move.destination) > 0;
    return limit_.scope == "ACCOUNT" ? move.source == limit_.account : move.user == limit_.user;
  }
  std::string BucketOf(const Move& move) const {
    return limit_.scope == "PAYEE" ? move.destination : "";
  }
  std::int64_t UnitsOf(const Move& move) const { return limit_.counts ? 1 : move.debited; }

  const MadeLimit& limit_;
  const std::vector<std::string>& icelandic_;
  const Released& released_;
  std::map<std::string, std::vector<const Move*>> buckets_;
};

// "{a,b}"
std::vector<std::string> Array(const std::string& text) {
  return absl::StrSplit(absl::string_view(text).substr(1, text.size() - 2), ',');
}

// The journal's: what was debited, with a fee that the payer bears, and to whom.
Move MoveOf(const std::vector<std::string>& row, const std::string& source) {
  Move move{.sequence = NumberOf(row.at(0)),
            .micros = NumberOf(row.at(1)),
            .payment = row.at(2),
            .source = source};
  const std::vector<std::string> debits = Array(row.at(3));
  const std::vector<std::string> credits = Array(row.at(4));
  const std::vector<std::string> amounts = Array(row.at(5));
  for (std::size_t i = 0; i < debits.size(); ++i) {
    if (debits[i] == source) move.debited += NumberOf(amounts[i]);
  }
  move.destination = credits.at(0);
  return move;
}

constexpr char kColumns[] =
    "j.sequence, (extract(epoch FROM j.committed_at) * 1000000)::bigint, "
    "j.metadata->>'payment_id', j.debit_account_ids, j.credit_account_ids, j.amounts_minor ";

// What has left the account.
std::vector<Move> ReadMoves(const std::string& account) {
  std::vector<Move> moves;
  for (const auto& row :
       Rows(absl::StrCat("SELECT ", kColumns, "FROM ledger.journal j WHERE reason IS NULL AND ",
                         "kind IN ('post', 'hold') AND '", account,
                         "' = ANY (debit_account_ids) ORDER BY sequence"))) {
    moves.push_back(MoveOf(row, account));
  }
  return moves;
}

// What limits have kept from it, and nothing else has; with their ids.
std::vector<std::pair<std::string, Move>> ReadRefused(const std::string& account) {
  std::vector<std::pair<std::string, Move>> refused;
  for (const auto& row : Rows(absl::StrCat(
           "SELECT ", kColumns,
           ", p.limit_refusal, p.payment_id, p.amount_minor, p.destination_account_id "
           "FROM payments.payments p LEFT JOIN ledger.journal j USING (transaction_id) "
           "WHERE p.state = 'failed' AND p.failure_reason = 'limit_exceeded' AND "
           "p.source_account_id = '",
           account, "'"))) {
    const std::vector<std::string> why = absl::StrSplit(row.at(6), ' ');
    Move move{.payment = row.at(7),
              .source = account,
              .destination = row.at(9),
              .debited = NumberOf(row.at(8))};
    // By a limit of each payment for itself: the ledger was never asked.
    if (!row.at(0).empty()) move = MoveOf(row, account);
    refused.emplace_back(why.at(0), std::move(move));
  }
  EXPECT_EQ(SharedStack().Query(absl::StrCat(
                "SELECT payment_id, failure_reason FROM payments.payments WHERE state = "
                "'failed' AND failure_reason <> 'limit_exceeded' AND source_account_id = '",
                account, "'")),
            "");
  return refused;
}

}  // namespace

LimitedPayers::LimitedPayers() {
  Staff staff("limits:read limits:write");
  for (const char* country : {"IS", "IS", "NO"}) {
    residents_.push_back(std::make_unique<Resident>(country));
    const std::string& account = residents_.back()->account;
    payees_.push_back(account);
    if (std::string(country) == "IS") icelandic_.push_back(UuidOf(IdKind::kAccount, account));
  }
  pounds_payee_ = residents_.back()->user.OpenAccount("GBP");
  for (int i = 0; i < kPayers; ++i) {
    LimitedPayer& payer = payers_.emplace_back();
    payer.user = std::make_unique<ApiUser>(SharedStack());
    payer.euros = payer.user->OpenAccount("EUR");
    payer.pounds = payer.user->OpenAccount("GBP");
    Fund(*payer.user, payer.euros, "EUR");
    Fund(*payer.user, payer.pounds, "GBP");
  }
  const auto make = [&](boost::json::object body, const std::string& user,
                        const std::string& account) {
    const std::string owner = user.empty() ? "" : UuidOf(IdKind::kUser, user);
    MadeLimit& limit = limits_.emplace_back();
    limit.scope = std::string(body.at("scope").as_string());
    limit.user = owner;
    limit.account = account.empty() ? "" : UuidOf(IdKind::kAccount, account);
    limit.currency = std::string(body.at("currency").as_string());
    limit.counts = body.at("measure").as_string() == "COUNT";
    limit.window_seconds = NumberOf(std::string(body.at("window_seconds").as_string()));
    limit.maximum = NumberOf(std::string(body.at("maximum").as_string()));
    if (!user.empty()) body["user_id"] = user;
    if (!account.empty()) body["account_id"] = account;
    const Answer made = staff.MakeLimit(std::move(body));
    EXPECT_EQ(Outcome(made), "200") << made;
    limit.limit_id = UuidOf(IdKind::kLimit, made.Text("limit_id"));
  };
  for (const LimitedPayer& payer : payers_) {
    const std::string& user = payer.user->user_id();
    make(Limit("USER", "EUR", "AMOUNT", 600, 2000), user, "");
    make(Limit("USER", "EUR", "AMOUNT", 0, 500), user, "");
    make(Limit("PAYEE", "EUR", "AMOUNT", 300, 900), user, "");
    make(Limit("ACCOUNT", "EUR", "COUNT", 60, 7), "", payer.euros);
    make(Limit("USER", "GBP", "AMOUNT", 120, 700), user, "");
  }
  boost::json::object iceland = Limit("COUNTRY", "EUR", "AMOUNT", 120, 1500);
  iceland["country"] = "IS";
  make(std::move(iceland), "", "");
}

LimitFigures LimitedPayers::Check() const {
  LimitFigures figures;
  std::vector<Move> moves;
  std::vector<std::pair<std::string, Move>> refused;
  for (const LimitedPayer& payer : payers_) {
    const std::string user = UuidOf(IdKind::kUser, payer.user->user_id());
    for (const auto& [account_id, currency] :
         {std::pair(payer.euros, "EUR"), std::pair(payer.pounds, "GBP")}) {
      const std::string account = UuidOf(IdKind::kAccount, account_id);
      for (Move& move : ReadMoves(account)) {
        move.user = user;
        move.currency = currency;
        moves.push_back(std::move(move));
      }
      for (auto& [limit, move] : ReadRefused(account)) {
        move.user = user;
        move.currency = currency;
        refused.emplace_back(limit, std::move(move));
      }
    }
  }
  std::ranges::sort(moves, {}, &Move::sequence);
  const Released released = ReadReleased();
  for (const MadeLimit& limit : limits_) {
    const Account kept(limit, icelandic_, moves, released);
    kept.CheckPassed(figures);
    for (const auto& [limit_id, move] : refused) {
      if (limit_id == limit.limit_id) kept.CheckRefused(move, figures);
    }
  }
  figures.passed = static_cast<int>(moves.size());
  figures.refused = static_cast<int>(refused.size());
  return figures;
}

}  // namespace florin::e2e
