#include "services/accounts/store/pg_customer_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/status/check.h"
#include "services/accounts/store/customer_rows.h"
#include "services/accounts/store/holder_rows.h"
#include "services/accounts/store/payee_rows.h"

namespace florin::accounts {
namespace {

using rows::kCustomerColumns;
using Events = std::vector<audit::Event>;

// $1: the user, empty for anybody's; $2: the customer.
#define FLORIN_THAT_CUSTOMER  \
  "c.customer_id = $2::uuid " \
  "AND c.user_id = coalesce(nullif($1::text, '')::uuid, c.user_id)"

constexpr char kLockCustomer[] =
    "SELECT 1 FROM customers AS c WHERE " FLORIN_THAT_CUSTOMER " FOR NO KEY UPDATE";

constexpr char kReadRecord[] =
    "SELECT " FLORIN_CUSTOMER_COLUMNS ", " FLORIN_HEX("c.profile_sealed")
    ", c.leaving_to, " FLORIN_MICROS("c.next_attempt_time") ", c.leaving_attempt, "
    "EXISTS (SELECT FROM verifications AS v "
    "  WHERE v.customer_id = c.customer_id AND v.state = 'pending'), "
    "EXISTS (SELECT FROM accounts AS a WHERE a.user_id = c.user_id "
    "  AND a.customer_id = c.customer_id AND (a.state = 'opening' OR a.state = 'open' "
    "    AND EXISTS (SELECT FROM account_states AS s "
    "      WHERE s.account_id = a.account_id AND s.life = 'closing'))) "
    "FROM customers AS c WHERE " FLORIN_THAT_CUSTOMER;

constexpr char kWriteRecord[] =
    "UPDATE customers AS c SET kind = $3, state = $4, kyc_level = $5, "
    "profile_sealed = " FLORIN_OCTETS("$6") ", email_index = " FLORIN_OCTETS("$7")
    ", phone_index = " FLORIN_OCTETS("$8") ", leaving_to = nullif($9::text, ''), "
    "leaving_attempt = $10::integer, next_attempt_time = CASE WHEN $9::text = '' THEN NULL ELSE "
    FLORIN_TIME("$11::bigint") " END, country = nullif($12::text, '') WHERE " FLORIN_THAT_CUSTOMER;

constexpr char kSuspendAccounts[] =
    "INSERT INTO account_states (account_id, suspended) "
    "SELECT account_id, $3::boolean FROM accounts "
    "WHERE user_id = $1::uuid AND customer_id = $2::uuid AND state <> 'closed' "
    "ON CONFLICT (account_id) DO UPDATE SET suspended = excluded.suspended "
    "WHERE account_states.suspended <> excluded.suspended";

constexpr char kFindByEmail[] =
    "SELECT " FLORIN_CUSTOMER_COLUMNS
    " FROM customers AS c "
    "WHERE c.email_index = " FLORIN_OCTETS("$1") " ORDER BY c.customer_id LIMIT 100";
constexpr char kFindByPhone[] =
    "SELECT " FLORIN_CUSTOMER_COLUMNS
    " FROM customers AS c "
    "WHERE c.phone_index = " FLORIN_OCTETS("$1") " ORDER BY c.customer_id LIMIT 100";

constexpr char kAccountsOf[] =
    "SELECT " FLORIN_ACCOUNT_COLUMNS
    " FROM accounts AS a JOIN customers AS c USING (user_id, customer_id) "
    "WHERE a.user_id = $1::uuid AND a.customer_id = $2::uuid ORDER BY a.account_id";

#define FLORIN_VERIFICATION_COLUMNS                                                          \
  "v.verification_id, v.user_id, v.customer_id, v.level, v.state, v.reason, " FLORIN_MICROS( \
      "v.create_time") ", " FLORIN_MICROS("v.update_time") ", " FLORIN_MICROS("v.expire_time")
constexpr int kVerificationColumns = 9;

constexpr char kInsertVerification[] =
    "INSERT INTO verifications (verification_id, user_id, customer_id, level, idempotency_key, "
    "fingerprint, create_time, update_time, expire_time, next_attempt_time) VALUES ($1::uuid, "
    "$2::uuid, $3::uuid, $4, $5, " FLORIN_OCTETS("$6") ", " FLORIN_TIME("$7::bigint") ", "
    FLORIN_TIME("$7::bigint") ", " FLORIN_TIME("$8::bigint") ", " FLORIN_TIME("$9::bigint") ") "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING";

constexpr char kVerificationOfKey[] =
    "SELECT " FLORIN_VERIFICATION_COLUMNS ", v.fingerprint = " FLORIN_OCTETS(
        "$3") " FROM verifications AS v WHERE v.user_id = $1::uuid AND v.idempotency_key = $2";

constexpr char kGetVerification[] = "SELECT " FLORIN_VERIFICATION_COLUMNS
                                    " FROM verifications AS v "
                                    "WHERE v.verification_id = $1::uuid";

constexpr char kListVerifications[] =
    "SELECT " FLORIN_VERIFICATION_COLUMNS
    " FROM verifications AS v "
    "WHERE v.user_id = $1::uuid AND v.customer_id = $2::uuid ORDER BY v.verification_id";

// SKIP LOCKED: replicas that claim at the same time share the work instead of waiting for each
// other.
constexpr char kClaimVerifications[] =
    "UPDATE verifications AS v SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT verification_id, user_id, customer_id FROM verifications "
    "  WHERE state = 'pending' AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "  ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "JOIN customers AS c USING (user_id, customer_id) "
    "WHERE v.verification_id = due.verification_id "
    "RETURNING " FLORIN_VERIFICATION_COLUMNS ", " FLORIN_HEX("c.data_key") ", "
    FLORIN_HEX("c.profile_sealed");

constexpr char kEndVerification[] =
    "UPDATE verifications SET state = $2, reason = $3, update_time = " FLORIN_TIME(
        "$4::bigint") " WHERE verification_id = $1::uuid AND state = 'pending'";

constexpr char kSetLevel[] = "UPDATE customers AS c SET kyc_level = $3 WHERE " FLORIN_THAT_CUSTOMER;

constexpr char kClaimLeaving[] =
    "UPDATE customers AS c SET next_attempt_time = " FLORIN_TIME("$2::bigint") " "
    "FROM (SELECT customer_id FROM customers "
    "  WHERE leaving_to IS NOT NULL AND next_attempt_time <= " FLORIN_TIME("$1::bigint") " "
    "  ORDER BY next_attempt_time LIMIT $3::integer FOR UPDATE SKIP LOCKED) AS due "
    "WHERE c.customer_id = due.customer_id RETURNING c.user_id, c.customer_id";

constexpr char kCloseAccounts[] =
    "UPDATE accounts SET state = 'closed' WHERE user_id = $1::uuid AND customer_id = $2::uuid "
    "AND state = 'open' RETURNING account_id";
constexpr char kExpirePending[] =
    "UPDATE verifications SET state = 'expired', update_time = " FLORIN_TIME(
        "$3::bigint") " WHERE user_id = $1::uuid AND customer_id = $2::uuid AND state = 'pending'";
constexpr char kFinishCustomer[] =
    "UPDATE customers SET state = $3, leaving_to = NULL, next_attempt_time = NULL, "
    "kyc_level = $4 WHERE user_id = $1::uuid AND customer_id = $2::uuid";

// What was said is gone, and so is what could be tried against a guess of it.
#define FLORIN_NO_FINGERPRINT "fingerprint = decode(repeat('00', 32), 'hex')"
constexpr char kEraseAccounts[] =
    "UPDATE accounts SET display_name = NULL, display_name_sealed = NULL, " FLORIN_NO_FINGERPRINT
    " WHERE user_id = $1::uuid AND customer_id = $2::uuid";
constexpr char kEraseVerifications[] =
    "UPDATE verifications SET reason = '' WHERE user_id = $1::uuid AND customer_id = $2::uuid";
constexpr char kEraseCustomer[] =
    "UPDATE customers SET state = 'erased', kind = '', data_key = NULL, data_key_id = NULL, "
    "display_name = NULL, display_name_sealed = NULL, profile_sealed = NULL, email_index = NULL, "
    "phone_index = NULL, country = NULL, " FLORIN_NO_FINGERPRINT
    " WHERE user_id = $1::uuid AND customer_id = $2::uuid";

std::string UserOf(const CustomerRef& ref) { return ref.user_id ? ref.user_id->ToString() : ""; }

absl::Status VerificationNotFound() {
  return Error(Reason::kVerificationNotFound, "no such verification", {.param = "verification_id"});
}

absl::StatusOr<Profile> OpenProfile(const Uuid& customer_id, const std::string& data_key,
                                    const std::string& sealed, PersonalData& data) {
  if (sealed.empty()) return Profile();
  FLORIN_ASSIGN_OR_RETURN(const CustomerKey key, data.KeyOf(customer_id, data_key));
  FLORIN_ASSIGN_OR_RETURN(const std::string octets,
                          key.Open(sealed, rows::kCustomerProfile, customer_id));
  return DecodeProfile(octets);
}

absl::StatusOr<CustomerRecord> ReadRecord(pqxx::transaction_base& transaction,
                                          const CustomerRef& ref, PersonalData& data) {
  const pqxx::result found =
      transaction.exec_prepared("read_record", UserOf(ref), ref.customer_id.ToString());
  if (found.empty()) return rows::CustomerNotFound();
  const pqxx::row row = found[0];
  CustomerRecord record;
  FLORIN_ASSIGN_OR_RETURN(record.customer, rows::ReadCustomer(row, data));
  FLORIN_ASSIGN_OR_RETURN(record.profile, OpenProfile(ref.customer_id, rows::OctetsOf(row[4]),
                                                      rows::OctetsOf(row[kCustomerColumns]), data));
  if (!row[kCustomerColumns + 1].is_null()) {
    FLORIN_ASSIGN_OR_RETURN(record.leaving_to,
                            ParseCustomerState(row[kCustomerColumns + 1].c_str()));
    record.next_attempt_time = rows::TimeOf(row[kCustomerColumns + 2]);
  }
  record.leaving_attempt = row[kCustomerColumns + 3].as<int>();
  record.verification_pending = row[kCustomerColumns + 4].as<bool>();
  record.account_opening = row[kCustomerColumns + 5].as<bool>();
  return record;
}

// In two statements: what the first one waited for, the second one sees.
absl::StatusOr<CustomerRecord> LockRecord(pqxx::work& transaction, const CustomerRef& ref,
                                          PersonalData& data) {
  transaction.exec_prepared("lock_customer", UserOf(ref), ref.customer_id.ToString());
  return ReadRecord(transaction, ref, data);
}

absl::Status WriteRecord(pqxx::work& transaction, const CustomerRecord& record,
                         PersonalData& data) {
  const std::string user = record.customer.user_id.ToString();
  const Uuid customer_id = record.customer.customer_id;
  const pqxx::result found = transaction.exec_prepared("read_record", user, customer_id.ToString());
  FLORIN_CHECK(found.size() == 1, "the locked customer is there");
  // A row from before names were sealed gets its key now.
  FLORIN_ASSIGN_OR_RETURN(const CustomerKey key,
                          rows::SealCustomer(transaction, data, record.customer.user_id,
                                             customer_id, rows::OctetsOf(found[0][4])));
  const Profile& profile = record.profile;
  const std::optional<std::string> email = NormalizeEmail(profile.email);
  const std::optional<std::string> phone = NormalizePhone(profile.phone);
  transaction.exec_prepared(
      "write_record", user, customer_id.ToString(), std::string(NameOf(profile.kind)),
      std::string(NameOf(record.customer.state)), std::string(NameOf(record.customer.kyc_level)),
      crypto::Hex(key.Seal(EncodeProfile(profile), rows::kCustomerProfile, customer_id)),
      email ? crypto::Hex(data.EmailIndex(*email)) : std::string(),
      phone ? crypto::Hex(data.PhoneIndex(*phone)) : std::string(),
      record.leaving_to ? std::string(NameOf(*record.leaving_to)) : std::string(),
      record.leaving_attempt, record.leaving_to ? absl::ToUnixMicros(record.next_attempt_time) : 0,
      ResidenceOf(profile));
  return absl::OkStatus();
}

absl::StatusOr<Verification> ReadVerification(const pqxx::row& row) {
  Verification verification{.reason = row[5].c_str(),
                            .create_time = rows::TimeOf(row[6]),
                            .update_time = rows::TimeOf(row[7]),
                            .expire_time = rows::TimeOf(row[8])};
  FLORIN_ASSIGN_OR_RETURN(verification.verification_id, Uuid::Parse(row[0].c_str()));
  FLORIN_ASSIGN_OR_RETURN(verification.user_id, Uuid::Parse(row[1].c_str()));
  FLORIN_ASSIGN_OR_RETURN(verification.customer_id, Uuid::Parse(row[2].c_str()));
  FLORIN_ASSIGN_OR_RETURN(verification.level, ParseKycLevel(row[3].c_str()));
  FLORIN_ASSIGN_OR_RETURN(verification.state, ParseVerificationState(row[4].c_str()));
  return verification;
}

absl::StatusOr<Verification> FindOne(pqxx::transaction_base& transaction, const Uuid& id) {
  const pqxx::result found = transaction.exec_prepared("get_verification", id.ToString());
  if (found.empty()) return VerificationNotFound();
  return ReadVerification(found[0]);
}

audit::Event Requested(const Verification& verification, const audit::Origin& origin) {
  audit::Event event = rows::Once("accounts.verification.request",
                                  FormatId(IdKind::kVerification, verification.verification_id),
                                  verification.user_id, verification.create_time, origin);
  event.details["customer"] = FormatId(IdKind::kCustomer, verification.customer_id);
  event.details["level"] = NameOf(verification.level);
  return event;
}

// What an insert works with; it outlives the transaction.
struct NewVerification {
  Verification verification;
  RequestKey request;
  absl::Time next_attempt_time;
  Decide decide;
};

absl::StatusOr<StoredVerification> Insert(pqxx::work& transaction, const NewVerification& asked,
                                          PersonalData& data, Events& events) {
  const Verification& verification = asked.verification;
  const std::string user = verification.user_id.ToString();
  const std::string fingerprint = crypto::Hex(crypto::AsOctets(asked.request.fingerprint));
  const auto find = [&] {
    return transaction.exec_prepared("verification_of_key", user, asked.request.idempotency_key,
                                     fingerprint);
  };
  const CustomerRef ref{.user_id = verification.user_id, .customer_id = verification.customer_id};
  FLORIN_ASSIGN_OR_RETURN(const CustomerRecord record, LockRecord(transaction, ref, data));
  FLORIN_RETURN_IF_ERROR(CheckNotErased(record.customer.state));
  pqxx::result found = find();
  if (found.empty()) {
    FLORIN_RETURN_IF_ERROR(asked.decide(record).status());
    transaction.exec_prepared(
        "insert_verification", verification.verification_id.ToString(), user,
        verification.customer_id.ToString(), std::string(NameOf(verification.level)),
        asked.request.idempotency_key, fingerprint, absl::ToUnixMicros(verification.create_time),
        absl::ToUnixMicros(verification.expire_time), absl::ToUnixMicros(asked.next_attempt_time));
    found = find();
  }
  FLORIN_CHECK(found.size() == 1, "one verification has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(Verification stored, ReadVerification(found[0]));
  if (stored.verification_id == verification.verification_id) {
    events.push_back(Requested(verification, asked.request.origin));
  }
  return StoredVerification{.verification = std::move(stored),
                            .same_request = found[0][kVerificationColumns].as<bool>()};
}

// What ends a verification; it outlives the transaction.
struct Ending {
  Uuid verification_id;
  VerificationEvent what;
  Cause cause;
  std::string reason;
  audit::Event event;
};

absl::StatusOr<Verification> End(pqxx::work& transaction, const Ending& ending, PersonalData& data,
                                 Events& events) {
  FLORIN_ASSIGN_OR_RETURN(Verification verification, FindOne(transaction, ending.verification_id));
  // The customer first, as everybody who changes one of its rows.
  const CustomerRef ref{.user_id = verification.user_id, .customer_id = verification.customer_id};
  FLORIN_ASSIGN_OR_RETURN(const CustomerRecord record, LockRecord(transaction, ref, data));
  FLORIN_ASSIGN_OR_RETURN(verification, FindOne(transaction, ending.verification_id));
  const auto next = NextState(verification.state, ending.what, ending.cause);
  if (!next) return verification;
  verification.state = *next;
  verification.reason = *next == VerificationState::kRejected ? ending.reason : "";
  verification.update_time = ending.event.time;
  transaction.exec_prepared("end_verification", verification.verification_id.ToString(),
                            std::string(NameOf(verification.state)), verification.reason,
                            absl::ToUnixMicros(verification.update_time));
  KycLevel level = record.customer.kyc_level;
  if (*next == VerificationState::kApproved) {
    level = NextLevel(level, ApprovalOf(verification.level));
    transaction.exec_prepared("set_level", UserOf(ref), ref.customer_id.ToString(),
                              std::string(NameOf(level)));
  }
  audit::Event event = ending.event;
  event.details["customer"] = FormatId(IdKind::kCustomer, ref.customer_id);
  event.details["level"] = NameOf(verification.level);
  event.details["kyc_level"] = NameOf(level);
  if (!verification.reason.empty()) event.details["reason"] = verification.reason;
  events.push_back(std::move(event));
  return verification;
}

void Erase(pqxx::work& transaction, const std::string& user, const std::string& customer) {
  transaction.exec_prepared("erase_accounts", user, customer);
  transaction.exec_prepared("erase_verifications", user, customer);
  transaction.exec_prepared("erase_customer", user, customer);
}

absl::StatusOr<Customer> Finish(pqxx::work& transaction, const CustomerRecord& record,
                                absl::Time now, const audit::Origin& origin, PersonalData& data,
                                Events& events) {
  const Uuid user_id = record.customer.user_id;
  const std::string user = user_id.ToString();
  const std::string customer = record.customer.customer_id.ToString();
  const std::string subject = FormatId(IdKind::kCustomer, record.customer.customer_id);
  const bool erases = *record.leaving_to == CustomerState::kErased;
  for (const auto& row : transaction.exec_prepared("close_accounts", user, customer)) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid account_id, Uuid::Parse(row[0].c_str()));
    events.push_back(rows::Once("accounts.account.close", FormatId(IdKind::kAccount, account_id),
                                user_id, now, origin));
    events.back().details["customer"] = subject;
  }
  FLORIN_RETURN_IF_ERROR(
      rows::EndHoldings(transaction, user_id, record.customer.customer_id, now, origin, events));
  transaction.exec_prepared("expire_pending", user, customer, absl::ToUnixMicros(now));
  const KycLevel level =
      erases ? NextLevel(record.customer.kyc_level, KycEvent::kErased) : record.customer.kyc_level;
  if (erases) {
    rows::ErasePayees(transaction, user_id, record.customer.customer_id);
    Erase(transaction, user, customer);
  }
  transaction.exec_prepared("finish_customer", user, customer,
                            std::string(NameOf(*record.leaving_to)), std::string(NameOf(level)));
  events.push_back(rows::Once(erases ? "accounts.customer.erase" : "accounts.customer.close",
                              subject, user_id, now, origin));
  const CustomerRef ref{.user_id = user_id, .customer_id = record.customer.customer_id};
  FLORIN_ASSIGN_OR_RETURN(CustomerRecord after, ReadRecord(transaction, ref, data));
  return std::move(after.customer);
}

}  // namespace

std::vector<pg::Statement> PgCustomerStore::Statements() {
  std::vector<pg::Statement> all = {{"lock_customer", kLockCustomer},
                                    {"read_record", kReadRecord},
                                    {"write_record", kWriteRecord},
                                    {"suspend_accounts", kSuspendAccounts},
                                    {"find_by_email", kFindByEmail},
                                    {"find_by_phone", kFindByPhone},
                                    {"accounts_of", kAccountsOf},
                                    {"insert_verification", kInsertVerification},
                                    {"verification_of_key", kVerificationOfKey},
                                    {"get_verification", kGetVerification},
                                    {"list_verifications", kListVerifications},
                                    {"claim_verifications", kClaimVerifications},
                                    {"end_verification", kEndVerification},
                                    {"set_level", kSetLevel},
                                    {"claim_leaving", kClaimLeaving},
                                    {"close_accounts", kCloseAccounts},
                                    {"expire_pending", kExpirePending},
                                    {"finish_customer", kFinishCustomer},
                                    {"erase_accounts", kEraseAccounts},
                                    {"erase_verifications", kEraseVerifications},
                                    {"erase_customer", kEraseCustomer}};
  for (pg::Statement& one : rows::EndHoldingStatements()) all.push_back(std::move(one));
  for (pg::Statement& one : rows::ErasePayeeStatements()) all.push_back(std::move(one));
  return all;
}

Task<absl::StatusOr<CustomerRecord>> PgCustomerStore::Get(CustomerRef ref) {
  std::function<absl::StatusOr<CustomerRecord>(pqxx::transaction_base&)> work =
      [this, &ref](pqxx::transaction_base& transaction) -> absl::StatusOr<CustomerRecord> {
    FLORIN_ASSIGN_OR_RETURN(CustomerRecord record, ReadRecord(transaction, ref, data_));
    FLORIN_RETURN_IF_ERROR(CheckNotErased(record.customer.state));
    return record;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<CustomerRecord>> PgCustomerStore::Change(CustomerRef ref, Decide decide,
                                                             audit::Event event) {
  std::function<absl::StatusOr<CustomerRecord>(pqxx::work&, Events&)> work =
      [this, &ref, &decide, &event](pqxx::work& transaction,
                                    Events& events) -> absl::StatusOr<CustomerRecord> {
    FLORIN_ASSIGN_OR_RETURN(const CustomerRecord before, LockRecord(transaction, ref, data_));
    FLORIN_ASSIGN_OR_RETURN(Decided decided, decide(before));
    decided.after.customer.kind = decided.after.profile.kind;
    if (decided.after == before) return before;
    FLORIN_RETURN_IF_ERROR(WriteRecord(transaction, decided.after, data_));
    const Customer& customer = decided.after.customer;
    if (customer.state != before.customer.state) {
      transaction.exec_prepared("suspend_accounts", customer.user_id.ToString(),
                                customer.customer_id.ToString(),
                                customer.state == CustomerState::kSuspended);
    }
    events.push_back(event);
    events.back().details.merge(decided.details);
    return std::move(decided.after);
  };
  co_return co_await audit::TransactNoting<CustomerRecord>(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<Customer>>> PgCustomerStore::Find(const char* statement,
                                                                  std::string index) {
  const std::string hex = crypto::Hex(index);
  std::function<absl::StatusOr<std::vector<Customer>>(pqxx::transaction_base&)> work =
      [this, statement,
       &hex](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Customer>> {
    std::vector<Customer> customers;
    for (const auto& row : transaction.exec_prepared(statement, hex)) {
      FLORIN_ASSIGN_OR_RETURN(Customer customer, rows::ReadCustomer(row, data_));
      customers.push_back(std::move(customer));
    }
    return customers;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Customer>>> PgCustomerStore::FindByEmail(std::string email) {
  return Find("find_by_email", data_.EmailIndex(email));
}

Task<absl::StatusOr<std::vector<Customer>>> PgCustomerStore::FindByPhone(std::string phone) {
  return Find("find_by_phone", data_.PhoneIndex(phone));
}

Task<absl::StatusOr<std::vector<Account>>> PgCustomerStore::ListAccountsOf(Uuid user_id,
                                                                           Uuid customer_id) {
  std::function<absl::StatusOr<std::vector<Account>>(pqxx::transaction_base&)> work =
      [this, user_id, customer_id](pqxx::transaction_base& transaction) {
        return rows::ReadAccounts(
            transaction.exec_prepared("accounts_of", user_id.ToString(), customer_id.ToString()),
            data_);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<StoredVerification>> PgCustomerStore::InsertVerification(
    Verification verification, RequestKey request, absl::Time next_attempt_time, Decide decide) {
  const NewVerification asked{.verification = std::move(verification),
                              .request = std::move(request),
                              .next_attempt_time = next_attempt_time,
                              .decide = std::move(decide)};
  std::function<absl::StatusOr<StoredVerification>(pqxx::work&, Events&)> work =
      [this, &asked](pqxx::work& transaction, Events& events) {
        return Insert(transaction, asked, data_, events);
      };
  co_return co_await audit::TransactNoting<StoredVerification>(pool_, std::move(work));
}

Task<absl::StatusOr<Verification>> PgCustomerStore::GetVerification(CustomerRef ref,
                                                                    Uuid verification_id) {
  absl::StatusOr<Verification> found = co_await FindVerification(verification_id);
  if (!found.ok()) co_return found.status();
  if (found->customer_id != ref.customer_id || (ref.user_id && found->user_id != *ref.user_id)) {
    co_return VerificationNotFound();
  }
  co_return found;
}

Task<absl::StatusOr<Verification>> PgCustomerStore::FindVerification(Uuid verification_id) {
  std::function<absl::StatusOr<Verification>(pqxx::transaction_base&)> work =
      [verification_id](pqxx::transaction_base& transaction) {
        return FindOne(transaction, verification_id);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Verification>>> PgCustomerStore::ListVerifications(
    Uuid user_id, Uuid customer_id) {
  std::function<absl::StatusOr<std::vector<Verification>>(pqxx::transaction_base&)> work =
      [user_id, customer_id](
          pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<Verification>> {
    std::vector<Verification> all;
    for (const auto& row : transaction.exec_prepared("list_verifications", user_id.ToString(),
                                                     customer_id.ToString())) {
      FLORIN_ASSIGN_OR_RETURN(Verification one, ReadVerification(row));
      all.push_back(std::move(one));
    }
    return all;
  };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<DueVerification>>> PgCustomerStore::ClaimVerifications(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::function<absl::StatusOr<std::vector<DueVerification>>(pqxx::work&)> work =
      [this, now, next_attempt_time,
       limit](pqxx::work& transaction) -> absl::StatusOr<std::vector<DueVerification>> {
    std::vector<DueVerification> due;
    for (const auto& row :
         transaction.exec_prepared("claim_verifications", absl::ToUnixMicros(now),
                                   absl::ToUnixMicros(next_attempt_time), limit)) {
      FLORIN_ASSIGN_OR_RETURN(Verification verification, ReadVerification(row));
      FLORIN_ASSIGN_OR_RETURN(
          Profile profile,
          OpenProfile(verification.customer_id, rows::OctetsOf(row[kVerificationColumns]),
                      rows::OctetsOf(row[kVerificationColumns + 1]), data_));
      due.push_back({.verification = std::move(verification), .profile = std::move(profile)});
    }
    return due;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Verification>> PgCustomerStore::EndVerification(Uuid verification_id,
                                                                    VerificationEvent what,
                                                                    Cause cause, std::string reason,
                                                                    audit::Event event) {
  const Ending ending{.verification_id = verification_id,
                      .what = what,
                      .cause = cause,
                      .reason = std::move(reason),
                      .event = std::move(event)};
  std::function<absl::StatusOr<Verification>(pqxx::work&, Events&)> work =
      [this, &ending](pqxx::work& transaction, Events& events) {
        return End(transaction, ending, data_, events);
      };
  co_return co_await audit::TransactNoting<Verification>(pool_, std::move(work));
}

Task<absl::StatusOr<std::vector<CustomerRecord>>> PgCustomerStore::ClaimLeaving(
    absl::Time now, absl::Time next_attempt_time, int limit) {
  std::function<absl::StatusOr<std::vector<CustomerRecord>>(pqxx::work&)> work =
      [this, now, next_attempt_time,
       limit](pqxx::work& transaction) -> absl::StatusOr<std::vector<CustomerRecord>> {
    std::vector<CustomerRecord> leaving;
    for (const auto& row :
         transaction.exec_prepared("claim_leaving", absl::ToUnixMicros(now),
                                   absl::ToUnixMicros(next_attempt_time), limit)) {
      CustomerRef ref;
      FLORIN_ASSIGN_OR_RETURN(ref.user_id, Uuid::Parse(row[0].c_str()));
      FLORIN_ASSIGN_OR_RETURN(ref.customer_id, Uuid::Parse(row[1].c_str()));
      FLORIN_ASSIGN_OR_RETURN(CustomerRecord record, ReadRecord(transaction, ref, data_));
      leaving.push_back(std::move(record));
    }
    return leaving;
  };
  co_return co_await pool_.Transact(std::move(work));
}

Task<absl::StatusOr<Customer>> PgCustomerStore::FinishLeaving(CustomerRef ref, int attempt,
                                                              absl::Time now,
                                                              audit::Origin origin) {
  std::function<absl::StatusOr<Customer>(pqxx::work&, Events&)> work =
      [this, &ref, attempt, now, &origin](pqxx::work& transaction,
                                          Events& events) -> absl::StatusOr<Customer> {
    FLORIN_ASSIGN_OR_RETURN(CustomerRecord record, LockRecord(transaction, ref, data_));
    if (!record.leaving_to || record.leaving_attempt != attempt) return std::move(record.customer);
    return Finish(transaction, record, now, origin, data_, events);
  };
  absl::StatusOr<Customer> after = co_await audit::TransactNoting<Customer>(pool_, std::move(work));
  if (after.ok() && after->state == CustomerState::kErased) data_.Forget(ref.customer_id);
  co_return after;
}

}  // namespace florin::accounts
