#include "services/payments/store/pg_bulk_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/payments/store/order_rows.h"
#include "services/payments/store/payment_rows.h"

namespace florin::payments {
namespace {

// In the order that ReadBulk expects, of the row `b`.
#define FLORIN_BULK_COLUMNS                                                                \
  "b.bulk_id, b.user_id, b.mode, b.state, b.source_account_id, b.currency, b.item_count, " \
  "b.total_minor, (extract(epoch FROM b.create_time) * 1000000)::bigint, "                 \
  "(extract(epoch FROM b.update_time) * 1000000)::bigint, encode(b.content_digest, "       \
  "'hex'), " FLORIN_ORDER_TERMS("b")
constexpr int kOrderTermsAt = 11;
constexpr int kBulkColumns = kOrderTermsAt + kOrderTermsColumns;

// In the order that ReadItem expects, of the row `i`.
#define FLORIN_ITEM_COLUMNS                                                      \
  "i.number, i.item_id, i.destination_account_id, i.amount_minor, i.reference, " \
  "i.reserved_id, i.state, i.pricing, i.payment_id, i.failure_reason"

constexpr char kInsertBulk[] =
    "INSERT INTO bulks (user_id, bulk_id, idempotency_key, fingerprint, mode, state, "
    "source_account_id, currency, item_count, total_minor, create_time, update_time, "
    "next_attempt_time) VALUES ($1::uuid, $2::uuid, $3, $4::bytea, $5, $6, $7::uuid, $8, 0, 0, "
    FLORIN_TIME("$9::bigint") ", " FLORIN_TIME("$9::bigint") ", " FLORIN_TIME("$9::bigint") ") "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";
constexpr char kFindBulk[] = "SELECT " FLORIN_BULK_COLUMNS
                             ", b.fingerprint = $3::bytea FROM bulks AS b "
                             "WHERE b.user_id = $1::uuid AND b.idempotency_key = $2";
constexpr char kGetBulk[] = "SELECT " FLORIN_BULK_COLUMNS
                            " FROM bulks AS b "
                            "WHERE b.user_id = $1::uuid AND b.bulk_id = $2::uuid";
constexpr char kLockBulk[] = "SELECT " FLORIN_BULK_COLUMNS
                             " FROM bulks AS b "
                             "WHERE b.user_id = $1::uuid AND b.bulk_id = $2::uuid FOR UPDATE";
constexpr char kLockAnyBulk[] =
    "SELECT " FLORIN_BULK_COLUMNS " FROM bulks AS b WHERE b.bulk_id = $1::uuid FOR UPDATE";
constexpr char kSaveBulk[] =
    "UPDATE bulks SET work_from = CASE WHEN state = $2 THEN work_from ELSE 1 END, "
    "state = $2, item_count = $3::integer, total_minor = $4::bigint, "
    "update_time = " FLORIN_TIME("$5::bigint") " WHERE bulk_id = $1::uuid";
constexpr char kAwaitApproval[] =
    "UPDATE bulks SET state = 'requires_action', update_time = " FLORIN_TIME("$2::bigint") ", "
    "content_digest = $3::bytea, approval_id = $4::uuid, payee_name = $5, approval_terms = $6, "
    "approval_nonce = $7::bytea, approval_expire_time = " FLORIN_TIME("$8::bigint") ", "
    "approval_check_time = " FLORIN_TIME("$8::bigint") " WHERE bulk_id = $1::uuid";
constexpr char kStartBulk[] =
    "UPDATE bulks SET state = $2, approved_binding = nullif($3, '')::bytea, cancel_reason = $4, "
    "update_time = " FLORIN_TIME("$5::bigint") ", "
    "next_attempt_time = " FLORIN_TIME("$5::bigint") " "
    "WHERE bulk_id = $1::uuid";
constexpr char kCheckBulk[] =
    "UPDATE bulks SET approval_check_time = " FLORIN_TIME("$2::bigint") " WHERE bulk_id = $1::uuid";
constexpr char kClaimAwaiting[] =
    "UPDATE bulks AS b SET approval_check_time = "
    "greatest(b.approval_expire_time, " FLORIN_TIME("$2::bigint") ") "
    "FROM (SELECT bulk_id FROM bulks "
    "WHERE state = 'requires_action' AND approval_check_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY approval_check_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE b.bulk_id = due.bulk_id RETURNING " FLORIN_BULK_COLUMNS;
constexpr char kSumItems[] =
    "SELECT i.state, count(*), sum(i.amount_minor)::bigint FROM bulk_items AS i "
    "WHERE i.bulk_id = $1::uuid GROUP BY i.state";

constexpr char kClaimBulk[] =
    "UPDATE bulks AS b SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT bulk_id FROM bulks "
    "WHERE state IN ('paying', 'holding', 'capturing', 'releasing') "
    "AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "ORDER BY next_attempt_time LIMIT 1 FOR UPDATE SKIP LOCKED) AS due "
    "WHERE b.bulk_id = due.bulk_id RETURNING " FLORIN_BULK_COLUMNS;
constexpr char kLeaseBulk[] =
    "UPDATE bulks SET next_attempt_time = " FLORIN_TIME("$3::bigint") " "
    "WHERE bulk_id = $1::uuid AND state = $2 RETURNING work_from";
constexpr char kWorkFrom[] = "UPDATE bulks SET work_from = $2::integer WHERE bulk_id = $1::uuid";

// Here and below the bulk's id comes with each row of the arrays: with one for all of them a
// planner without statistics may read the whole bulk and look its rows up in the arrays.
constexpr char kFindItems[] =
    "SELECT " FLORIN_ITEM_COLUMNS
    " FROM unnest($1::uuid[], $2::text[]) AS w (bulk_id, item_id) "
    "JOIN bulk_items AS i ON i.bulk_id = w.bulk_id AND i.item_id = w.item_id";
constexpr char kInsertItems[] =
    "INSERT INTO bulk_items (bulk_id, number, item_id, destination_account_id, amount_minor, "
    "reference, reserved_id, state) "
    "SELECT $1::uuid, n.number, n.item_id, n.destination, n.amount, n.reference, n.reserved, "
    "'pending' FROM unnest($2::integer[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], "
    "$7::uuid[]) AS n (number, item_id, destination, amount, reference, reserved)";
constexpr char kListItems[] = "SELECT " FLORIN_ITEM_COLUMNS
                              " FROM bulk_items AS i WHERE i.bulk_id = $1::uuid "
                              "AND i.number > $2::integer ORDER BY i.number LIMIT $3::integer";
constexpr char kListItemsIn[] = "SELECT " FLORIN_ITEM_COLUMNS
                                " FROM bulk_items AS i WHERE i.bulk_id = $1::uuid AND i.state = $4 "
                                "AND i.number > $2::integer ORDER BY i.number LIMIT $3::integer";
constexpr char kListHoldOpen[] = "SELECT " FLORIN_ITEM_COLUMNS
                                 " FROM bulk_items AS i WHERE i.bulk_id = $1::uuid AND i.hold_open "
                                 "AND i.number > $2::integer ORDER BY i.number LIMIT $3::integer";
constexpr char kOpenHolds[] =
    "UPDATE bulk_items AS i SET hold_open = true "
    "FROM unnest($1::uuid[], $2::integer[]) AS n (bulk_id, number) "
    "WHERE i.bulk_id = n.bulk_id AND i.number = n.number";

constexpr char kRecordItems[] =
    "UPDATE bulk_items AS i SET state = r.state, pricing = r.pricing, "
    "payment_id = r.payment_id, failure_reason = r.reason "
    "FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::uuid[], $6::text[]) "
    "AS r (bulk_id, number, state, pricing, payment_id, reason) "
    "WHERE i.bulk_id = r.bulk_id AND i.number = r.number AND i.state = 'pending'";
constexpr char kRecordCaptured[] =
    "UPDATE bulk_items AS i SET state = 'succeeded', payment_id = i.reserved_id, "
    "hold_open = false FROM unnest($1::uuid[], $2::integer[]) AS r (bulk_id, number) "
    "WHERE i.bulk_id = r.bulk_id AND i.number = r.number AND i.state = 'held'";
constexpr char kRecordReleased[] =
    "UPDATE bulk_items AS i SET hold_open = false, state = 'failed', "
    "failure_reason = CASE WHEN i.state = 'failed' THEN i.failure_reason ELSE $3 END "
    "FROM unnest($1::uuid[], $2::integer[]) AS r (bulk_id, number) "
    "WHERE i.bulk_id = r.bulk_id AND i.number = r.number AND i.hold_open";
constexpr char kFailUntouched[] =
    "UPDATE bulk_items AS i SET state = 'failed', failure_reason = $3 "
    "FROM (SELECT bulk_id, number FROM bulk_items WHERE bulk_id = $1::uuid AND state = 'pending' "
    "AND NOT hold_open ORDER BY number LIMIT $2::integer) AS u "
    "WHERE i.bulk_id = u.bulk_id AND i.number = u.number";
constexpr char kLookAtItems[] =
    "SELECT EXISTS (SELECT FROM bulk_items WHERE bulk_id = $1::uuid AND state = 'pending'), "
    "EXISTS (SELECT FROM bulk_items WHERE bulk_id = $1::uuid AND state = 'held'), "
    "EXISTS (SELECT FROM bulk_items WHERE bulk_id = $1::uuid AND state = 'failed'), "
    "EXISTS (SELECT FROM bulk_items WHERE bulk_id = $1::uuid AND hold_open)";

absl::Status NotFound() { return Error(Reason::kBulkNotFound, "no such bulk"); }

absl::StatusOr<Bulk> ReadBulk(const pqxx::row& row) {
  FLORIN_ASSIGN_OR_RETURN(const Currency currency, Currency::Parse(row[5].c_str()));
  Bulk bulk{.currency = currency,
            .item_count = row[6].as<int>(),
            .total_minor = row[7].as<std::int64_t>(),
            .create_time = absl::FromUnixMicros(row[8].as<std::int64_t>()),
            .update_time = absl::FromUnixMicros(row[9].as<std::int64_t>())};
  FLORIN_ASSIGN_OR_RETURN(bulk.bulk_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(bulk.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(bulk.mode, ParseBulkMode(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(bulk.state, ParseBulkState(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(bulk.source_account_id, Uuid::Parse(row[4].c_str()));
  bulk.content = OctetsIn(row[10]);
  FLORIN_ASSIGN_OR_RETURN(bulk.approval, ReadOrderTerms(row, kOrderTermsAt));
  bulk.cancel_reason = row[kBulkColumns - 1].c_str();
  return bulk;
}

absl::StatusOr<BulkItem> ReadItem(const pqxx::row& row) {
  BulkItem item{.number = row[0].as<int>(),
                .item_id = row[1].c_str(),
                .amount_minor = row[3].as<std::int64_t>(),
                .reference = row[4].c_str(),
                .failure_reason = row[9].c_str()};
  FLORIN_ASSIGN_OR_RETURN(item.destination_account_id, Uuid::Parse(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(item.reserved_id, Uuid::Parse(row[5].c_str()));
  FLORIN_ASSIGN_OR_RETURN(item.state, ParseItemState(row[6].c_str()));
  if (!row[7].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(item.pricing, ParsePricing(row[7].c_str()));
  }
  if (!row[8].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(item.payment_id, Uuid::Parse(row[8].c_str()));
  }
  return item;
}

absl::StatusOr<std::vector<BulkItem>> ReadItems(const pqxx::result& rows) {
  std::vector<BulkItem> items;
  items.reserve(rows.size());
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(BulkItem item, ReadItem(row));
    items.push_back(std::move(item));
  }
  return items;
}

absl::StatusOr<Bulk> Read(pqxx::transaction_base& transaction, const char* statement,
                          const Uuid& user_id, const Uuid& bulk_id) {
  const pqxx::result rows =
      transaction.exec_prepared(statement, user_id.ToString(), bulk_id.ToString());
  if (rows.empty()) return NotFound();
  return ReadBulk(rows[0]);
}

void Save(pqxx::work& transaction, const Bulk& bulk) {
  transaction.exec_prepared("save_bulk", bulk.bulk_id.ToString(), std::string(NameOf(bulk.state)),
                            bulk.item_count, bulk.total_minor,
                            absl::ToUnixMicros(bulk.update_time));
}

absl::StatusOr<StoredBulk> Insert(pqxx::work& transaction, const BulkIntent& intent) {
  const Bulk& bulk = intent.bulk;
  const std::string fingerprint = ByteaOf(crypto::AsOctets(intent.fingerprint));
  const pqxx::result inserted = transaction.exec_prepared(
      "insert_bulk", bulk.user_id.ToString(), bulk.bulk_id.ToString(), intent.idempotency_key,
      fingerprint, std::string(NameOf(bulk.mode)), std::string(NameOf(bulk.state)),
      bulk.source_account_id.ToString(), std::string(bulk.currency.code()),
      absl::ToUnixMicros(bulk.create_time));
  if (inserted.affected_rows() == 1) return StoredBulk{.bulk = bulk, .same_request = true};
  const pqxx::result rows = transaction.exec_prepared("find_bulk", bulk.user_id.ToString(),
                                                      intent.idempotency_key, fingerprint);
  FLORIN_CHECK(rows.size() == 1, "an insert ran into the key");
  FLORIN_ASSIGN_OR_RETURN(Bulk known, ReadBulk(rows[0]));
  return StoredBulk{.bulk = std::move(known), .same_request = rows[0][kBulkColumns].as<bool>()};
}

// The bulk's id for each row.
std::string Repeated(const Uuid& bulk_id, std::size_t times) {
  pg::Array ids;
  for (std::size_t i = 0; i < times; ++i) ids.Add(bulk_id);
  return ids.literal();
}

// Those that were not added before.
absl::StatusOr<std::vector<BulkItem>> NewOf(pqxx::work& transaction, const Uuid& bulk_id,
                                            const std::vector<BulkItem>& items) {
  pg::Array ids;
  for (const BulkItem& item : items) ids.Add(item.item_id);
  FLORIN_ASSIGN_OR_RETURN(const std::vector<BulkItem> kept,
                          ReadItems(transaction.exec_prepared(
                              "find_items", Repeated(bulk_id, items.size()), ids.literal())));
  std::map<std::string, BulkItem> known;
  for (const BulkItem& item : kept) known.emplace(item.item_id, item);
  std::vector<BulkItem> added;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [row, inserted] = known.try_emplace(items[i].item_id, items[i]);
    const std::string_view field = Difference(row->second, items[i]);
    if (!field.empty()) {
      return Error(Reason::kIdConflict, "added with other content",
                   {.param = "items[" + std::to_string(i) + "]." + std::string(field)});
    }
    if (inserted) added.push_back(items[i]);
  }
  return added;
}

absl::StatusOr<Bulk> Add(pqxx::work& transaction, const Uuid& user_id, const Uuid& bulk_id,
                         const std::vector<BulkItem>& items) {
  FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "lock_bulk", user_id, bulk_id));
  FLORIN_ASSIGN_OR_RETURN(const std::vector<BulkItem> added, NewOf(transaction, bulk_id, items));
  int number = bulk.item_count;
  FLORIN_RETURN_IF_ERROR(Count(bulk, added));
  if (added.empty()) return bulk;
  pg::Array numbers, ids, destinations, amounts, references, reserved;
  for (const BulkItem& item : added) {
    numbers.Add(static_cast<std::int64_t>(++number));
    ids.Add(item.item_id);
    destinations.Add(item.destination_account_id);
    amounts.Add(item.amount_minor);
    references.Add(item.reference);
    reserved.Add(item.reserved_id);
  }
  transaction.exec_prepared("insert_items", bulk_id.ToString(), numbers.literal(), ids.literal(),
                            destinations.literal(), amounts.literal(), references.literal(),
                            reserved.literal());
  Save(transaction, bulk);
  return bulk;
}

audit::Event EventOf(const Bulk& bulk, std::string_view verb, const audit::Origin& origin) {
  audit::Event event;
  event.subject = FormatId(IdKind::kBulk, bulk.bulk_id);
  event.action = "payments.bulk." + std::string(verb);
  event.event_id = DeriveId("florin." + event.action, event.subject);
  event.time = bulk.update_time;
  // The user, or the worker that goes on with what a crash has left.
  const std::string user = FormatId(IdKind::kUser, bulk.user_id);
  event.actor = origin.caller.empty() ? "payments" : user;
  if (event.actor != user) event.on_behalf_of = user;
  event.origin = origin;
  event.details = {{"amount_minor", std::to_string(bulk.total_minor)},
                   {"currency", std::string(bulk.currency.code())},
                   {"items", std::to_string(bulk.item_count)},
                   {"mode", std::string(NameOf(bulk.mode))},
                   {"source", FormatId(IdKind::kAccount, bulk.source_account_id)}};
  return event;
}

constexpr int kItemsRead = 5000;  // At once, so that memory does not grow with the bulk.

// The digest of the items that are there.
absl::StatusOr<std::string> ContentOf(pqxx::work& transaction, const Uuid& bulk_id) {
  BulkContent content;
  int after = 0;
  for (;;) {
    FLORIN_ASSIGN_OR_RETURN(
        const std::vector<BulkItem> items,
        ReadItems(transaction.exec_prepared("list_items", bulk_id.ToString(), after, kItemsRead)));
    content.Add(items);
    if (items.size() < kItemsRead) return content.octets();
    after = items.back().number;
  }
}

absl::StatusOr<Bulk> Await(pqxx::work& transaction, const Uuid& user_id, const Uuid& bulk_id,
                           OrderTerms terms, int items, absl::Time now, const audit::Origin& origin,
                           std::vector<audit::Event>& events) {
  FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "lock_bulk", user_id, bulk_id));
  Bulk submitted = bulk;
  FLORIN_RETURN_IF_ERROR(Apply(submitted, BulkEvent::kSubmit, now));
  if (bulk.state != BulkState::kDraft || bulk.item_count != items) return bulk;
  FLORIN_ASSIGN_OR_RETURN(std::string content, ContentOf(transaction, bulk_id));
  terms.terms = TermsOf(items, crypto::Hex(content));
  AwaitApproval(bulk, std::move(terms), std::move(content), now);
  const OrderTermsParams params(bulk.approval);
  transaction.exec_prepared("await_bulk_approval", bulk_id.ToString(), absl::ToUnixMicros(now),
                            ByteaOf(bulk.content), params.approval_id, params.payee_name,
                            params.text, params.nonce, params.expire_micros);
  events.push_back(EventOf(bulk, "submit", origin));
  return bulk;
}

// After its approval was redeemed, or refused for good.
void SaveDecided(pqxx::work& transaction, const Bulk& bulk) {
  const std::string& binding = bulk.approval->approved_binding;
  transaction.exec_prepared("start_bulk", bulk.bulk_id.ToString(), std::string(NameOf(bulk.state)),
                            binding.empty() ? std::string() : ByteaOf(binding), bulk.cancel_reason,
                            absl::ToUnixMicros(bulk.update_time));
}

absl::StatusOr<AwaitedOrder> StartIn(pqxx::work& transaction, const Uuid& user_id,
                                     const Uuid& bulk_id, const crypto::Digest& redeemed,
                                     absl::Time now, const audit::Origin& origin,
                                     std::vector<audit::Event>& events) {
  FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "lock_bulk", user_id, bulk_id));
  if (bulk.state != BulkState::kRequiresAction) return AwaitedOf(bulk);
  FLORIN_ASSIGN_OR_RETURN(bulk.content, ContentOf(transaction, bulk_id));
  if (sca::BindingDigest(AskedOf(bulk).binding) != redeemed) {
    return Error(Reason::kApprovalMismatch, "the bulk is not the one that was approved");
  }
  Start(bulk, std::string(crypto::AsOctets(redeemed)), now);
  SaveDecided(transaction, bulk);
  events.push_back(EventOf(bulk, "confirm", origin));
  return AwaitedOf(bulk);
}

std::string NumbersOf(const std::vector<BulkItem>& items) {
  pg::Array numbers;
  for (const BulkItem& item : items) numbers.Add(static_cast<std::int64_t>(item.number));
  return numbers.literal();
}

absl::StatusOr<std::optional<std::vector<BulkItem>>> Take(pqxx::work& transaction,
                                                          const Uuid& bulk_id, BulkState expected,
                                                          absl::Time now, int limit) {
  const std::string id = bulk_id.ToString();
  // Locks the bulk, so that its state stays until the items are marked.
  const pqxx::result leased = transaction.exec_prepared(
      "lease_bulk", id, std::string(NameOf(expected)), absl::ToUnixMicros(now + kBulkLease));
  if (leased.empty()) return std::optional<std::vector<BulkItem>>();
  const int from = leased[0][0].as<int>();
  const ItemState wanted =
      expected == BulkState::kCapturing ? ItemState::kHeld : ItemState::kPending;
  const pqxx::result rows = expected == BulkState::kReleasing
                                ? transaction.exec_prepared("list_hold_open", id, from - 1, limit)
                                : transaction.exec_prepared("list_items_in", id, from - 1, limit,
                                                            std::string(NameOf(wanted)));
  FLORIN_ASSIGN_OR_RETURN(std::vector<BulkItem> taken, ReadItems(rows));
  if (!taken.empty() && taken.front().number > from) {
    transaction.exec_prepared("work_from", id, taken.front().number);
  }
  if (expected == BulkState::kHolding && !taken.empty()) {
    transaction.exec_prepared("open_holds", Repeated(bulk_id, taken.size()), NumbersOf(taken));
  }
  return std::optional(std::move(taken));
}

void Record(pqxx::work& transaction, const Uuid& bulk_id, const std::vector<BulkItem>& items) {
  pg::Array states, pricings, payments, reasons;
  for (const BulkItem& item : items) {
    states.Add(NameOf(item.state));
    if (item.pricing) {
      pricings.Add(TextOf(*item.pricing));
    } else {
      pricings.AddNull();
    }
    if (item.payment_id.is_nil()) {
      payments.AddNull();
    } else {
      payments.Add(item.payment_id);
    }
    reasons.Add(item.failure_reason);
  }
  transaction.exec_prepared("record_items", Repeated(bulk_id, items.size()), NumbersOf(items),
                            states.literal(), pricings.literal(), payments.literal(),
                            reasons.literal());
}

// The payments as they would be if they had been made one by one: intents, and their results.
void Capture(pqxx::work& transaction, const Bulk& bulk, const std::vector<BulkItem>& items,
             const std::vector<Payment>& payments) {
  std::vector<Intent> intents;
  pg::Array users, ids, states, reasons, updated, expires, limit_refusals;
  for (std::size_t i = 0; i < payments.size(); ++i) {
    const Payment& payment = payments[i];
    intents.push_back({.payment = payment,
                       .idempotency_key = ItemKey(bulk.bulk_id, items[i].item_id),
                       .fingerprint = crypto::Sha256(CanonicalRequest(PaymentOf(bulk, items[i])))});
    users.Add(payment.user_id);
    ids.Add(payment.payment_id);
    states.Add(NameOf(payment.state));
    reasons.Add(payment.failure_reason);
    updated.Add(absl::ToUnixMicros(payment.update_time));
    expires.AddNull();
    limit_refusals.AddNull();
  }
  InsertNewIntents(transaction, IntentArrays(intents));
  transaction.exec_prepared("record_results", users.literal(), ids.literal(), states.literal(),
                            reasons.literal(), updated.literal(), expires.literal(),
                            limit_refusals.literal());
  transaction.exec_prepared("record_captured", Repeated(bulk.bulk_id, items.size()),
                            NumbersOf(items));
}

absl::StatusOr<BulkState> Move(pqxx::work& transaction, const Uuid& bulk_id, absl::Time now) {
  const pqxx::result rows = transaction.exec_prepared("lock_any_bulk", bulk_id.ToString());
  if (rows.empty()) return NotFound();
  FLORIN_ASSIGN_OR_RETURN(Bulk bulk, ReadBulk(rows[0]));
  const pqxx::result items = transaction.exec_prepared("look_at_items", bulk_id.ToString());
  const BulkState next = NextOf(bulk.state, items[0][0].as<bool>(), items[0][1].as<bool>(),
                                items[0][2].as<bool>(), items[0][3].as<bool>());
  if (next == bulk.state) return next;
  bulk.state = next;
  bulk.update_time = now;
  Save(transaction, bulk);
  return next;
}

}  // namespace

std::vector<pg::Statement> PgBulkStore::Statements() {
  return {{"insert_bulk", kInsertBulk},
          {"find_bulk", kFindBulk},
          {"get_bulk", kGetBulk},
          {"lock_bulk", kLockBulk},
          {"lock_any_bulk", kLockAnyBulk},
          {"save_bulk", kSaveBulk},
          {"await_bulk_approval", kAwaitApproval},
          {"start_bulk", kStartBulk},
          {"check_bulk", kCheckBulk},
          {"claim_awaiting_bulks", kClaimAwaiting},
          {"sum_items", kSumItems},
          {"claim_bulk", kClaimBulk},
          {"lease_bulk", kLeaseBulk},
          {"work_from", kWorkFrom},
          {"find_items", kFindItems},
          {"insert_items", kInsertItems},
          {"list_items", kListItems},
          {"list_items_in", kListItemsIn},
          {"list_hold_open", kListHoldOpen},
          {"open_holds", kOpenHolds},
          {"record_items", kRecordItems},
          {"record_captured", kRecordCaptured},
          {"record_released", kRecordReleased},
          {"fail_untouched", kFailUntouched},
          {"look_at_items", kLookAtItems}};
}

Task<absl::StatusOr<StoredBulk>> PgBulkStore::InsertBulk(BulkIntent intent) {
  std::function<absl::StatusOr<StoredBulk>(pqxx::work&)> work = [&intent](pqxx::work& transaction) {
    return Insert(transaction, intent);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Bulk>> PgBulkStore::GetBulk(Uuid user_id, Uuid bulk_id) {
  std::function<absl::StatusOr<Bulk>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) {
        return Read(transaction, "get_bulk", user_id, bulk_id);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<BulkProgress>> PgBulkStore::GetProgress(Uuid user_id, Uuid bulk_id) {
  std::function<absl::StatusOr<BulkProgress>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) -> absl::StatusOr<BulkProgress> {
    FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "get_bulk", user_id, bulk_id));
    BulkProgress progress{.bulk = std::move(bulk)};
    for (const auto& row : transaction.exec_prepared("sum_items", bulk_id.ToString())) {
      FLORIN_ASSIGN_OR_RETURN(const ItemState state, ParseItemState(row[0].c_str()));
      progress.sums[state] = {row[1].as<int>(), row[2].as<std::int64_t>()};
    }
    return progress;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Bulk>> PgBulkStore::AddItems(Uuid user_id, Uuid bulk_id,
                                                 std::vector<BulkItem> items) {
  std::function<absl::StatusOr<Bulk>(pqxx::work&)> work = [&](pqxx::work& transaction) {
    return Add(transaction, user_id, bulk_id, items);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Bulk>> PgBulkStore::ChangeBulk(Uuid user_id, Uuid bulk_id, BulkEvent event,
                                                   absl::Time now, audit::Origin origin) {
  std::function<absl::StatusOr<Bulk>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) -> absl::StatusOr<Bulk> {
    FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "lock_bulk", user_id, bulk_id));
    const BulkState before = bulk.state;
    FLORIN_RETURN_IF_ERROR(Apply(bulk, event, now));
    if (bulk.state == before) return bulk;
    Save(transaction, bulk);
    events.push_back(EventOf(bulk, NameOf(event), origin));
    return bulk;
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<BulkItem>>> PgBulkStore::ListItems(Uuid user_id, Uuid bulk_id,
                                                                   std::optional<ItemState> state,
                                                                   int after, int limit) {
  std::function<absl::StatusOr<std::vector<BulkItem>>(pqxx::transaction_base&)> work =
      [=](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<BulkItem>> {
    FLORIN_RETURN_IF_ERROR(Read(transaction, "get_bulk", user_id, bulk_id).status());
    if (!state) {
      return ReadItems(transaction.exec_prepared("list_items", bulk_id.ToString(), after, limit));
    }
    return ReadItems(transaction.exec_prepared("list_items_in", bulk_id.ToString(), after, limit,
                                               std::string(NameOf(*state))));
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::optional<Bulk>>> PgBulkStore::ClaimBulk(absl::Time now) {
  std::function<absl::StatusOr<std::optional<Bulk>>(pqxx::work&)> work =
      [now](pqxx::work& transaction) -> absl::StatusOr<std::optional<Bulk>> {
    const pqxx::result rows = transaction.exec_prepared("claim_bulk", absl::ToUnixMicros(now),
                                                        absl::ToUnixMicros(now + kBulkLease));
    if (rows.empty()) return std::optional<Bulk>();
    FLORIN_ASSIGN_OR_RETURN(Bulk bulk, ReadBulk(rows[0]));
    return std::optional<Bulk>(std::move(bulk));
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<std::optional<std::vector<BulkItem>>>> PgBulkStore::TakeItems(
    Uuid bulk_id, BulkState expected, absl::Time now, int limit) {
  std::function<absl::StatusOr<std::optional<std::vector<BulkItem>>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) { return Take(transaction, bulk_id, expected, now, limit); };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::Status> PgBulkStore::RecordItems(Uuid bulk_id, std::vector<BulkItem> items) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    Record(transaction, bulk_id, items);
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::Status> PgBulkStore::RecordCaptured(Bulk bulk, std::vector<BulkItem> items,
                                               std::vector<Payment> payments) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    // One at a time, so that none inserts a payment that another is inserting.
    transaction.exec_prepared("lock_any_bulk", bulk.bulk_id.ToString());
    Capture(transaction, bulk, items, payments);
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::Status> PgBulkStore::RecordReleased(Uuid bulk_id, std::vector<BulkItem> items) {
  std::function<absl::StatusOr<bool>(pqxx::work&)> work =
      [&](pqxx::work& transaction) -> absl::StatusOr<bool> {
    transaction.exec_prepared("record_released", Repeated(bulk_id, items.size()), NumbersOf(items),
                              std::string(InfoOf(Reason::kBulkItemFailed).name));
    return true;
  };
  co_return (co_await pool_.Transact(std::move(work))).status();
}

Task<absl::StatusOr<int>> PgBulkStore::FailUntouched(Uuid bulk_id, int limit) {
  std::function<absl::StatusOr<int>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<int> {
    const pqxx::result rows = transaction.exec_prepared("lock_any_bulk", bulk_id.ToString());
    if (rows.empty()) return NotFound();
    FLORIN_ASSIGN_OR_RETURN(const Bulk bulk, ReadBulk(rows[0]));
    if (bulk.state != BulkState::kReleasing) return 0;
    const pqxx::result failed =
        transaction.exec_prepared("fail_untouched", bulk_id.ToString(), limit,
                                  std::string(InfoOf(Reason::kBulkItemFailed).name));
    return static_cast<int>(failed.affected_rows());
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<BulkState>> PgBulkStore::Advance(Uuid bulk_id, absl::Time now) {
  std::function<absl::StatusOr<BulkState>(pqxx::work&)> work = [=](pqxx::work& transaction) {
    return Move(transaction, bulk_id, now);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Bulk>> PgBulkStore::AwaitApproval(Uuid user_id, Uuid bulk_id, OrderTerms terms,
                                                      int items, absl::Time now,
                                                      audit::Origin origin) {
  std::function<absl::StatusOr<Bulk>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return Await(transaction, user_id, bulk_id, terms, items, now, origin, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgBulkStore::BeginConfirm(Uuid user_id, Uuid order_id,
                                                             absl::Time now) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<AwaitedOrder> {
    FLORIN_ASSIGN_OR_RETURN(const Bulk bulk, Read(transaction, "lock_bulk", user_id, order_id));
    if (bulk.state == BulkState::kRequiresAction) {
      transaction.exec_prepared("check_bulk", order_id.ToString(),
                                absl::ToUnixMicros(now + kLease));
    }
    return AwaitedOf(bulk);
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgBulkStore::StartApproved(Uuid user_id, Uuid order_id,
                                                              crypto::Digest redeemed,
                                                              absl::Time now,
                                                              audit::Origin origin) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) {
        return StartIn(transaction, user_id, order_id, redeemed, now, origin, events);
      };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<AwaitedOrder>> PgBulkStore::GiveUpAwaited(Uuid user_id, Uuid order_id,
                                                              Reason reason, absl::Time now,
                                                              audit::Origin origin) {
  std::function<absl::StatusOr<AwaitedOrder>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<AwaitedOrder> {
    FLORIN_ASSIGN_OR_RETURN(Bulk bulk, Read(transaction, "lock_bulk", user_id, order_id));
    if (bulk.state != BulkState::kRequiresAction) return AwaitedOf(bulk);
    GiveUp(bulk, reason, now);
    SaveDecided(transaction, bulk);
    events.push_back(EventOf(bulk, "cancel", origin));
    events.back().reason = bulk.cancel_reason;
    return AwaitedOf(bulk);
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<AwaitedOrder>>> PgBulkStore::ClaimAwaiting(absl::Time now,
                                                                           int limit) {
  std::function<absl::StatusOr<std::vector<AwaitedOrder>>(pqxx::work&)> work =
      [=](pqxx::work& transaction) -> absl::StatusOr<std::vector<AwaitedOrder>> {
    const pqxx::result rows = transaction.exec_prepared(
        "claim_awaiting_bulks", absl::ToUnixMicros(now), absl::ToUnixMicros(now + kLease), limit);
    std::vector<AwaitedOrder> claimed;
    for (const auto& row : rows) {
      FLORIN_ASSIGN_OR_RETURN(const Bulk bulk, ReadBulk(row));
      claimed.push_back(AwaitedOf(bulk));
    }
    return claimed;
  };
  co_return co_await pool_.Transact(std::move(work));
}

}  // namespace florin::payments
