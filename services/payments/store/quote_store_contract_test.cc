// What every QuoteStore promises, held against PostgreSQL and the fake: quotes are used once,
// whatever happens at the same time; and what is kept of a payment's price.
#include <future>
#include <memory>

#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>

#include "libs/async/runtime.h"
#include "libs/audit/pg_audit.h"
#include "libs/pg/test_database.h"
#include "libs/status/matchers.h"
#include "services/payments/domain/approval.h"
#include "services/payments/domain/price_payment.h"
#include "services/payments/store/fake_store.h"
#include "services/payments/store/pg_approval_store.h"
#include "services/payments/store/pg_quote_store.h"
#include "services/payments/store/pg_store.h"
#include "services/payments/store/store_test_values.h"

namespace florin::payments {
namespace {

class FakeQuoteSubject {
 public:
  Store& store() { return store_; }
  QuoteStore& quotes() { return store_; }
  ApprovalStore& approvals() { return store_; }

 private:
  FakeStore store_;
};

std::vector<pg::Statement> QuoteStatements() {
  std::vector<pg::Statement> all = PgStore::Statements();
  for (auto& more : PgApprovalStore::Statements()) all.push_back(std::move(more));
  for (auto& more : PgQuoteStore::Statements()) all.push_back(std::move(more));
  for (auto& more : audit::InsertStatements()) all.push_back(std::move(more));
  return all;
}

class PgQuoteSubject {
 public:
  PgQuoteSubject()
      : pool_({.conninfo = Server().conninfo("payments"),
               .connections = 4,
               .statements = QuoteStatements(),
               .settings = pg::KeyedAccessSettings()}) {}
  Store& store() { return store_; }
  QuoteStore& quotes() { return quotes_; }
  ApprovalStore& approvals() { return approvals_; }

 private:
  pg::Pool pool_;
  PgStore store_{pool_};
  PgQuoteStore quotes_{pool_};
  PgApprovalStore approvals_{pool_};
};

template <class S>
class QuoteStoreContractTest : public ::testing::Test {
 protected:
  ~QuoteStoreContractTest() override { runtime_.Stop(); }

  template <class T>
  T Run(Task<T> task) {
    return runtime_.Run(std::move(task));
  }

  Quote NewQuote() {
    return {.quote_id = SystemIds().NewId(),
            .user_id = user_,
            .converted = {{10000, kEur}, {10890, kUsd}, 109, 1},
            .rate = {1'089'000'000'000},
            .mid_rate = {1'100'000'000'000},
            .spread_basis_points = 100,
            .rate_time = kStart - absl::Seconds(1),
            .create_time = kStart,
            .expire_time = kStart + absl::Seconds(30)};
  }
  Quote Insert() {
    const Quote quote = NewQuote();
    EXPECT_THAT(Run(subject_.quotes().InsertQuote(quote)), IsOk());
    return quote;
  }
  Intent NewIntent(const Quote& quote, const std::string& key, absl::Time now = kStart) {
    PaymentRequest request{.kind = Kind::kTransfer,
                           .source_account_id = SystemIds().NewId(),
                           .destination_account_id = SystemIds().NewId(),
                           .amount = quote.converted.source,
                           .reference = "",
                           .quote_id = quote.quote_id};
    Intent intent{.payment = NewPayment(SystemIds().NewId(), user_, request, now),
                  .idempotency_key = key,
                  .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    intent.payment.pricing =
        *PricePayment(request, *ParseFeeSchedule("fx EUR payer fixed=25"), quote);
    return intent;
  }
  absl::StatusOr<StoredIntent> Use(const Intent& intent) {
    return Run(subject_.quotes().InsertWithQuote(intent));
  }
  absl::StatusOr<Judged> Judge(const Intent& intent, const std::string& policy) {
    ApprovalTerms terms =
        NewTerms(intent.payment.payment_id, "Zoë", std::string(sca::kNonceSize, 'n'), kStart);
    return Run(subject_.approvals().InsertJudged(intent, terms, *ParseApprovalPolicy(policy)));
  }
  Quote Kept(const Quote& quote) {
    return Run(subject_.quotes().GetQuote(user_, quote.quote_id)).value();
  }
  std::size_t Count() {
    return Run(subject_.store().ListPayments(user_, std::nullopt, 1000))->size();
  }

  async::Runtime runtime_{4};
  S subject_;
  const Uuid user_ = SystemIds().NewId();
};

using QuoteSubjects = ::testing::Types<FakeQuoteSubject, PgQuoteSubject>;
TYPED_TEST_SUITE(QuoteStoreContractTest, QuoteSubjects);

TYPED_TEST(QuoteStoreContractTest, AQuoteIsKeptWholeForItsUser) {
  const Quote quote = this->Insert();
  EXPECT_EQ(this->Kept(quote), quote);
  ASSERT_THAT(this->Run(this->subject_.quotes().InsertQuote(quote)), IsOk());
  EXPECT_EQ(this->Kept(quote), quote);
  EXPECT_THAT(this->Run(this->subject_.quotes().GetQuote(SystemIds().NewId(), quote.quote_id)),
              StatusHasReason(Reason::kQuoteNotFound));
  EXPECT_THAT(this->Run(this->subject_.quotes().GetQuote(this->user_, SystemIds().NewId())),
              StatusHasReason(Reason::kQuoteNotFound));
}

TYPED_TEST(QuoteStoreContractTest, APaymentIsKeptWithItsPriceAndUsesItsQuote) {
  const Quote quote = this->Insert();
  const Intent intent = this->NewIntent(quote, "key");
  const absl::StatusOr<StoredIntent> stored = this->Use(intent);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->payment, intent.payment);
  EXPECT_EQ(
      this->Run(this->subject_.store().GetPayment(this->user_, intent.payment.payment_id)).value(),
      intent.payment);
  EXPECT_EQ(this->Kept(quote).payment_id, intent.payment.payment_id);
}

TYPED_TEST(QuoteStoreContractTest, AFeeIsKeptWithAPlainIntent) {
  PaymentRequest request{.kind = Kind::kTransfer,
                         .source_account_id = SystemIds().NewId(),
                         .destination_account_id = SystemIds().NewId(),
                         .amount = {1000, kEur},
                         .reference = ""};
  std::vector<Intent> intents;
  for (const char* rule : {"transfer EUR split:5000 fixed=25", ""}) {
    Intent intent{.payment = NewPayment(SystemIds().NewId(), this->user_, request, kStart),
                  .idempotency_key = rule,
                  .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    intent.payment.pricing = *PricePayment(request, *ParseFeeSchedule(rule), std::nullopt);
    intents.push_back(intent);
  }
  ASSERT_THAT(this->Run(this->subject_.store().InsertIntents(intents)), IsOk());
  for (const Intent& intent : intents) {
    EXPECT_EQ(this->Run(this->subject_.store().GetPayment(this->user_, intent.payment.payment_id))
                  .value(),
              intent.payment);
  }
}

TYPED_TEST(QuoteStoreContractTest, AQuoteIsUsedOnce) {
  const Quote quote = this->Insert();
  ASSERT_THAT(this->Use(this->NewIntent(quote, "1")), IsOk());
  EXPECT_THAT(this->Use(this->NewIntent(quote, "2")), StatusHasReason(Reason::kQuoteUsed));
  EXPECT_THAT(this->Judge(this->NewIntent(quote, "3"), "all"), StatusHasReason(Reason::kQuoteUsed));
  EXPECT_EQ(this->Count(), 1u);
  // And the keys of those that were refused are free.
  EXPECT_THAT(this->Use(this->NewIntent(this->Insert(), "2")), IsOk());
  EXPECT_THAT(this->Judge(this->NewIntent(this->Insert(), "3"), "all"), IsOk());
}

TYPED_TEST(QuoteStoreContractTest, ARetryIsTheSamePayment) {
  const Quote quote = this->Insert();
  const Intent first = this->NewIntent(quote, "key");
  ASSERT_THAT(this->Use(first), IsOk());
  Intent retry = first;
  retry.payment.payment_id = SystemIds().NewId();
  // Also long after the quote has expired.
  retry.payment.create_time = kStart + absl::Hours(1);
  const absl::StatusOr<StoredIntent> again = this->Use(retry);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->payment, first.payment);
  EXPECT_TRUE(again->same_request);
  const absl::StatusOr<Judged> judged = this->Judge(retry, "all");
  ASSERT_THAT(judged, IsOk());
  EXPECT_EQ(judged->stored.payment, first.payment);
  EXPECT_EQ(this->Kept(quote).payment_id, first.payment.payment_id);
  const auto found = this->Run(this->subject_.quotes().FindIntent(retry));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->payment, first.payment);
  const Intent unknown = this->NewIntent(quote, "another key");
  EXPECT_FALSE(this->Run(this->subject_.quotes().FindIntent(unknown))->has_value());
}

TYPED_TEST(QuoteStoreContractTest, AQuoteExpires) {
  const Quote quote = this->Insert();
  EXPECT_THAT(this->Use(this->NewIntent(quote, "1", quote.expire_time)),
              StatusHasReason(Reason::kQuoteExpired));
  EXPECT_EQ(this->Count(), 0u);
  EXPECT_THAT(this->Use(this->NewIntent(quote, "1", quote.expire_time - absl::Microseconds(1))),
              IsOk());
}

TYPED_TEST(QuoteStoreContractTest, AnotherUsersQuoteIsNotFound) {
  Quote foreign = this->NewQuote();
  foreign.user_id = SystemIds().NewId();
  ASSERT_THAT(this->Run(this->subject_.quotes().InsertQuote(foreign)), IsOk());
  EXPECT_THAT(this->Use(this->NewIntent(foreign, "1")), StatusHasReason(Reason::kQuoteNotFound));
  EXPECT_EQ(this->Count(), 0u);
}

TYPED_TEST(QuoteStoreContractTest, UnusedQuotesAreForgottenUsedOnesStay) {
  const Quote used = this->Insert();
  ASSERT_THAT(this->Use(this->NewIntent(used, "key")), IsOk());
  const Quote unused = this->Insert();
  // Other tests' quotes expire at the same time.
  ASSERT_THAT(this->Run(this->subject_.quotes().ForgetQuotes(unused.expire_time, 1000)), IsOk());
  EXPECT_EQ(this->Kept(unused), unused);
  const absl::Time later = unused.expire_time + absl::Microseconds(1);
  EXPECT_GE(this->Run(this->subject_.quotes().ForgetQuotes(later, 1000)).value(), 1);
  EXPECT_THAT(this->Run(this->subject_.quotes().GetQuote(this->user_, unused.quote_id)),
              StatusHasReason(Reason::kQuoteNotFound));
  EXPECT_FALSE(this->Kept(used).payment_id.is_nil());
  this->Insert();
  this->Insert();
  EXPECT_EQ(this->Run(this->subject_.quotes().ForgetQuotes(later, 1)).value(), 1);
}

// 16 payments with one quote at once, each under its own key, half of them to be approved.
TYPED_TEST(QuoteStoreContractTest, OfManyPaymentsAtOnceOneHasTheQuote) {
  const Quote quote = this->Insert();
  std::vector<std::future<absl::StatusOr<StoredIntent>>> plain;
  std::vector<std::future<absl::StatusOr<Judged>>> judged;
  for (int i = 0; i < 8; ++i) {
    plain.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->subject_.quotes().InsertWithQuote(this->NewIntent(quote, "p" + std::to_string(i))),
        asio::use_future));
    const Intent intent = this->NewIntent(quote, "j" + std::to_string(i));
    ApprovalTerms terms =
        NewTerms(intent.payment.payment_id, "Zoë", std::string(sca::kNonceSize, 'n'), kStart);
    judged.push_back(asio::co_spawn(
        this->runtime_.context(),
        this->subject_.approvals().InsertJudged(intent, terms, *ParseApprovalPolicy("all")),
        asio::use_future));
  }
  int made = 0;
  const auto count = [&made](const absl::Status& status) {
    made += status.ok();
    if (!status.ok()) {
      EXPECT_THAT(status, StatusHasReason(Reason::kQuoteUsed));
    }
  };
  for (auto& one : plain) count(one.get().status());
  for (auto& one : judged) count(one.get().status());
  EXPECT_EQ(made, 1);
  EXPECT_EQ(this->Count(), 1u);
}

// One key at once: one payment, which everybody is given.
TYPED_TEST(QuoteStoreContractTest, OneKeyAtOnceIsOnePayment) {
  const Quote quote = this->Insert();
  std::vector<std::future<absl::StatusOr<StoredIntent>>> answers;
  const Intent first = this->NewIntent(quote, "key");
  for (int i = 0; i < 16; ++i) {
    Intent intent = first;
    intent.payment.payment_id = SystemIds().NewId();
    answers.push_back(asio::co_spawn(this->runtime_.context(),
                                     this->subject_.quotes().InsertWithQuote(intent),
                                     asio::use_future));
  }
  std::set<Uuid> ids;
  for (auto& answer : answers) {
    const absl::StatusOr<StoredIntent> stored = answer.get();
    ASSERT_THAT(stored, IsOk());
    ids.insert(stored->payment.payment_id);
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(this->Count(), 1u);
}

// A low value is low by all that the payer is debited.
TYPED_TEST(QuoteStoreContractTest, TheExemptionCountsTheFee) {
  PaymentRequest request{.kind = Kind::kTransfer,
                         .source_account_id = SystemIds().NewId(),
                         .destination_account_id = SystemIds().NewId(),
                         .amount = {290, kEur},
                         .reference = ""};
  const auto judge = [&](const std::string& key, const std::string& rule) {
    Intent intent{.payment = NewPayment(SystemIds().NewId(), this->user_, request, kStart),
                  .idempotency_key = key,
                  .fingerprint = crypto::Sha256(CanonicalRequest(request))};
    intent.payment.pricing = *PricePayment(request, *ParseFeeSchedule(rule), std::nullopt);
    return this->Judge(intent, "EUR:300:590")->verdict->basis;
  };
  EXPECT_EQ(judge("1", "transfer EUR payer fixed=11"), Basis::kAmount);
  EXPECT_EQ(judge("2", "transfer EUR payer fixed=10"), Basis::kLowValue);
  // 300 are used.
  EXPECT_EQ(judge("3", "transfer EUR payer fixed=1"), Basis::kExemptionUsed);
  EXPECT_EQ(judge("4", ""), Basis::kLowValue);
}

TYPED_TEST(QuoteStoreContractTest, AnApprovalBindsAllOfThePrice) {
  const Quote quote = this->Insert();
  const Intent intent = this->NewIntent(quote, "key");
  Payment payment = this->Judge(intent, "all")->stored.payment;
  EXPECT_EQ(BindingOf(payment).amount, (Money{10025, kEur}));
  const Payment kept =
      this->Run(this->subject_.store().GetPayment(this->user_, payment.payment_id)).value();
  EXPECT_EQ(kept, payment);
  const crypto::Digest digest = sca::BindingDigest(BindingOf(payment));
  Payment changed = payment;
  changed.pricing->postings[1].amount_minor += 1;
  EXPECT_NE(sca::BindingDigest(BindingOf(changed)), digest);
  changed = payment;
  changed.pricing->conversion->destination.minor_units += 1;
  EXPECT_NE(sca::BindingDigest(BindingOf(changed)), digest);
  changed = payment;
  changed.pricing.reset();
  EXPECT_NE(sca::BindingDigest(BindingOf(changed)), digest);
  // What has no price is bound as it always was.
  EXPECT_EQ(BindingOf(changed).nonce, changed.approval->nonce);
}

// The second line of defence, in the database itself.
TEST(QuoteGrantsTest, WhatWasDecidedCannotChange) {
  pqxx::connection connection(Server().conninfo("payments"));
  const auto refused = [&connection](const std::string& sql) {
    pqxx::work transaction(connection);
    EXPECT_THROW(transaction.exec(sql), pqxx::sql_error) << sql;
  };
  refused("UPDATE payments SET pricing = NULL");
  refused("UPDATE quotes SET rate = 1");
  refused("UPDATE quotes SET expire_time = now()");
  {
    pqxx::work transaction(connection);
    transaction.exec(
        "INSERT INTO quotes (user_id, quote_id, source_currency, source_minor, "
        "destination_currency, "
        "destination_minor, spread_minor, rounding_minor, rate, mid_rate, spread_basis_points, "
        "rate_time, create_time, expire_time, payment_id) VALUES (gen_random_uuid(), "
        "gen_random_uuid(), 'EUR', 1, 'USD', 1, 0, 0, 1, 1, 0, now(), now(), now(), "
        "gen_random_uuid())");
    transaction.commit();
  }
  refused("UPDATE quotes SET payment_id = gen_random_uuid()");
  refused("DELETE FROM quotes WHERE payment_id IS NOT NULL");
}

}  // namespace
}  // namespace florin::payments
