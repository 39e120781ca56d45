#include "services/auth/store/pg_proposal_store.h"

#include <utility>

#include "libs/audit/pg_audit.h"
#include "libs/pg/array.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

// Times travel as microseconds since the epoch, exactly.
#define FLORIN_TIME(micros) "timestamptz 'epoch' + " micros "::bigint * interval '1 microsecond'"
#define FLORIN_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

// In the order that ReadProposal expects.
#define FLORIN_PROPOSAL_COLUMNS                                                              \
  "proposal_id, kind, payload, payload_digest, maker, people_needed, state, " FLORIN_MICROS( \
      "create_time") ", " FLORIN_MICROS("expire_time") ", execution_id"
constexpr int kProposalColumns = 10;

constexpr char kInsertProposal[] =
    "INSERT INTO proposals (proposal_id, kind, payload, payload_digest, maker, people_needed, "
    "create_time, expire_time, idempotency_key, fingerprint) VALUES ($1::uuid, $2, $3, $4, $5, "
    "$6::integer, " FLORIN_TIME("$7") ", " FLORIN_TIME(
        "$8") ", $9, $10::bytea) ON CONFLICT (maker, idempotency_key) DO NOTHING";

constexpr char kFindProposal[] = "SELECT " FLORIN_PROPOSAL_COLUMNS
                                 ", fingerprint = $3::bytea FROM proposals "
                                 "WHERE maker = $1 AND idempotency_key = $2";

constexpr char kGetProposal[] =
    "SELECT " FLORIN_PROPOSAL_COLUMNS " FROM proposals WHERE proposal_id = $1::uuid";

constexpr char kLockProposal[] =
    "SELECT " FLORIN_PROPOSAL_COLUMNS " FROM proposals WHERE proposal_id = $1::uuid FOR UPDATE";

constexpr char kListProposals[] =
    "SELECT " FLORIN_PROPOSAL_COLUMNS
    " FROM proposals WHERE proposal_id > $1::uuid ORDER BY proposal_id LIMIT $2::integer";

constexpr char kListDecisions[] = "SELECT proposal_id, decision, actor, " FLORIN_MICROS(
    "decision_time") " FROM proposal_decisions WHERE proposal_id = ANY ($1::uuid[]) ORDER BY "
                     "number";

constexpr char kUpdateProposal[] =
    "UPDATE proposals SET state = $2, execution_id = $3 WHERE proposal_id = $1::uuid";

constexpr char kInsertDecision[] =
    "INSERT INTO proposal_decisions (proposal_id, number, decision, actor, decision_time) "
    "VALUES ($1::uuid, $2::integer, $3, $4, " FLORIN_TIME("$5") ")";

absl::StatusOr<ProposalState> ReadState(const char* name) {
  const std::optional<ProposalState> state = ProposalStateFromName(name);
  if (!state) return Error(Reason::kInternal, "the table has a state that is none");
  return *state;
}

absl::StatusOr<Proposal> ReadProposal(const pqxx::row& row) {
  Proposal proposal;
  FLORIN_ASSIGN_OR_RETURN(proposal.proposal_id, Uuid::Parse(row[0].c_str()));
  proposal.kind = row[1].c_str();
  proposal.payload = row[2].c_str();
  proposal.payload_digest = row[3].c_str();
  proposal.maker = row[4].c_str();
  proposal.people_needed = row[5].as<int>();
  FLORIN_ASSIGN_OR_RETURN(proposal.state, ReadState(row[6].c_str()));
  proposal.create_time = absl::FromUnixMicros(row[7].as<std::int64_t>());
  proposal.expire_time = absl::FromUnixMicros(row[8].as<std::int64_t>());
  if (!row[9].is_null()) proposal.execution_id = row[9].c_str();
  return proposal;
}

absl::Status ReadDecisions(pqxx::transaction_base& transaction, std::vector<Proposal>& proposals) {
  pg::Array ids;
  for (const Proposal& proposal : proposals) ids.Add(proposal.proposal_id);
  for (const auto& row : transaction.exec_prepared("proposal_list_decisions", ids.literal())) {
    FLORIN_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(row[0].c_str()));
    FLORIN_ASSIGN_OR_RETURN(const ProposalState decision, ReadState(row[1].c_str()));
    for (Proposal& proposal : proposals) {
      if (proposal.proposal_id != id) continue;
      proposal.decisions.push_back({.decision = decision,
                                    .actor = row[2].c_str(),
                                    .time = absl::FromUnixMicros(row[3].as<std::int64_t>())});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Proposal>> ReadWhole(pqxx::transaction_base& transaction,
                                                const pqxx::result& rows) {
  std::vector<Proposal> proposals;
  for (const auto& row : rows) {
    FLORIN_ASSIGN_OR_RETURN(Proposal proposal, ReadProposal(row));
    proposals.push_back(std::move(proposal));
  }
  FLORIN_RETURN_IF_ERROR(ReadDecisions(transaction, proposals));
  return proposals;
}

absl::StatusOr<Proposal> ReadOne(pqxx::transaction_base& transaction, const char* statement,
                                 const Uuid& proposal_id) {
  FLORIN_ASSIGN_OR_RETURN(
      std::vector<Proposal> found,
      ReadWhole(transaction, transaction.exec_prepared(statement, proposal_id.ToString())));
  if (!found.empty()) return std::move(found.front());
  return Error(Reason::kProposalNotFound, "no such proposal", {.param = "proposal_id"});
}

void Write(pqxx::work& transaction, const Proposal& before, const Proposal& after) {
  const std::string id = after.proposal_id.ToString();
  std::optional<std::string> execution_id;
  if (!after.execution_id.empty()) execution_id = after.execution_id;
  transaction.exec_prepared("proposal_update", id, std::string(NameOf(after.state)), execution_id);
  for (std::size_t i = before.decisions.size(); i < after.decisions.size(); ++i) {
    const ProposalDecision& decision = after.decisions[i];
    transaction.exec_prepared("proposal_insert_decision", id, static_cast<int>(i + 1),
                              std::string(NameOf(decision.decision)), decision.actor,
                              absl::ToUnixMicros(decision.time));
  }
}

std::string ActionOf(ProposalState decision) {
  switch (decision) {
    case ProposalState::kApproved:
      return "auth.proposal.approve";
    case ProposalState::kExecuted:
      return "auth.proposal.execute";
    case ProposalState::kRejected:
      return "auth.proposal.reject";
    case ProposalState::kWithdrawn:
      return "auth.proposal.withdraw";
    case ProposalState::kProposed:
    case ProposalState::kExpired:
      break;
  }
  FLORIN_CHECK(false, "nobody decides so");
  return {};
}

audit::Event EventOf(const Proposal& proposal, std::string action, const std::string& actor,
                     absl::Time time, const audit::Origin& origin) {
  const std::string id = FormatId(IdKind::kProposal, proposal.proposal_id);
  audit::Event event;
  event.event_id = DeriveId("florin." + action, id + "\n" + actor);
  event.time = time;
  event.action = std::move(action);
  event.actor = actor;
  event.subject = id;
  event.details = {{"kind", proposal.kind}, {"payload_digest", proposal.payload_digest}};
  event.origin = origin;
  return event;
}

absl::StatusOr<StoredProposal> InsertIn(pqxx::work& transaction, const Proposal& proposal,
                                        const ProposalRequest& request) {
  const std::string fingerprint = "\\x" + crypto::Hex(crypto::AsOctets(request.fingerprint));
  // Waits for a concurrent request under the same key.
  transaction.exec_prepared("proposal_insert", proposal.proposal_id.ToString(), proposal.kind,
                            proposal.payload, proposal.payload_digest, proposal.maker,
                            proposal.people_needed, absl::ToUnixMicros(proposal.create_time),
                            absl::ToUnixMicros(proposal.expire_time), request.idempotency_key,
                            fingerprint);
  const pqxx::result rows = transaction.exec_prepared("proposal_find", proposal.maker,
                                                      request.idempotency_key, fingerprint);
  FLORIN_CHECK(rows.size() == 1, "one proposal has the key after the insert");
  FLORIN_ASSIGN_OR_RETURN(std::vector<Proposal> stored, ReadWhole(transaction, rows));
  return StoredProposal{.proposal = std::move(stored.front()),
                        .same_request = rows[0][kProposalColumns].as<bool>()};
}

}  // namespace

std::vector<pg::Statement> PgProposalStore::Statements() {
  return {{"proposal_insert", kInsertProposal}, {"proposal_find", kFindProposal},
          {"proposal_get", kGetProposal},       {"proposal_lock", kLockProposal},
          {"proposal_list", kListProposals},    {"proposal_list_decisions", kListDecisions},
          {"proposal_update", kUpdateProposal}, {"proposal_insert_decision", kInsertDecision}};
}

Task<absl::StatusOr<StoredProposal>> PgProposalStore::Insert(Proposal proposal,
                                                             ProposalRequest request) {
  std::function<absl::StatusOr<StoredProposal>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction,
          std::vector<audit::Event>& events) -> absl::StatusOr<StoredProposal> {
    FLORIN_ASSIGN_OR_RETURN(StoredProposal stored, InsertIn(transaction, proposal, request));
    if (stored.proposal.proposal_id == proposal.proposal_id) {
      events.push_back(EventOf(proposal, "auth.proposal.create", proposal.maker,
                               proposal.create_time, request.origin));
    }
    return stored;
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

Task<absl::StatusOr<Proposal>> PgProposalStore::Get(Uuid proposal_id) {
  std::function<absl::StatusOr<Proposal>(pqxx::transaction_base&)> work =
      [proposal_id](pqxx::transaction_base& transaction) {
        return ReadOne(transaction, "proposal_get", proposal_id);
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<std::vector<Proposal>>> PgProposalStore::List(std::optional<Uuid> after,
                                                                  int limit) {
  // The nil id is less than every other.
  const std::string above = after.value_or(Uuid()).ToString();
  std::function<absl::StatusOr<std::vector<Proposal>>(pqxx::transaction_base&)> work =
      [&](pqxx::transaction_base& transaction) {
        return ReadWhole(transaction, transaction.exec_prepared("proposal_list", above, limit));
      };
  co_return co_await pool_.Read(std::move(work));
}

Task<absl::StatusOr<Proposal>> PgProposalStore::Decide(Uuid proposal_id, Decision decide,
                                                       audit::Origin origin) {
  std::function<absl::StatusOr<Proposal>(pqxx::work&, std::vector<audit::Event>&)> work =
      [&](pqxx::work& transaction, std::vector<audit::Event>& events) -> absl::StatusOr<Proposal> {
    FLORIN_ASSIGN_OR_RETURN(const Proposal before,
                            ReadOne(transaction, "proposal_lock", proposal_id));
    FLORIN_ASSIGN_OR_RETURN(Proposal after, decide(before));
    if (after != before) Write(transaction, before, after);
    for (std::size_t i = before.decisions.size(); i < after.decisions.size(); ++i) {
      const ProposalDecision& made = after.decisions[i];
      events.push_back(EventOf(after, ActionOf(made.decision), made.actor, made.time, origin));
    }
    return after;
  };
  co_return co_await audit::TransactNoting(pool_, std::move(work));
}

}  // namespace florin::auth
