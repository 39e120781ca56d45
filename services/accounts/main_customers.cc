#include "services/accounts/main_customers.h"

#include <string>

#include "absl/flags/flag.h"
#include "libs/clock/clock.h"
#include "libs/config/config.h"
#include "libs/ids/ids.h"

ABSL_FLAG(std::string, data_keys, "",
          "File of mode 0600 with the keys that seal customers' keys, each `ID KEY` on a line, the "
          "current one first (docs/customers.md). Never lose it: without it all personal data are "
          "lost.");
ABSL_FLAG(std::string, index_keys, "",
          "File of mode 0600 with the key, `ID KEY`, of the indexes by e-mail address and phone "
          "number. Never another one for a database that exists.");
ABSL_FLAG(bool, sandbox_verifier, false,
          "Verify identities by the sandbox verifier, which goes by magic names. Without it "
          "operators decide. Never with real customers.");

namespace florin::accounts {
namespace {

// Sealing has work at the start and after a key was added; keys that are remembered are forgotten
// a minute after, and one round.
constexpr async::WorkerPauses kSealingPauses{.usual = absl::Seconds(5),
                                             .longest = absl::Seconds(20)};

std::unique_ptr<IdentityVerifier> MakeVerifier() {
  if (!absl::GetFlag(FLAGS_sandbox_verifier)) return nullptr;
  return std::make_unique<SandboxVerifier>();
}

Task<absl::Status> SealingRound(PgSealing& sealing) {
  co_return (co_await sealing.RunOnce()).status();
}

// Both, whatever becomes of the first.
Task<absl::Status> Round(Verifications& verifications, LeaveCustomer& leave) {
  const absl::StatusOr<int> verified = co_await verifications.RunOnce();
  const absl::StatusOr<int> left = co_await leave.FinishOnce();
  co_return verified.ok() ? left.status() : verified.status();
}

}  // namespace

std::unique_ptr<PersonalData> PersonalDataOrExit() {
  return std::make_unique<PersonalData>(
      config::ValueOrExit(crypto::SecretKeys::Load(absl::GetFlag(FLAGS_data_keys)),
                          "reading --data_keys"),
      config::ValueOrExit(crypto::SecretKeys::Load(absl::GetFlag(FLAGS_index_keys)),
                          "reading --index_keys"),
      SystemClock());
}

std::vector<pg::Statement> CustomerParts::Statements() {
  std::vector<pg::Statement> all = PgCustomerStore::Statements();
  for (pg::Statement& one : PgSealing::Statements()) all.push_back(std::move(one));
  return all;
}

CustomerParts::CustomerParts(Executor executor, pg::Pool& pool, PersonalData& data,
                             HolderStore& holders, PayeeStore& payees,
                             ledger::v1::LedgerClient& ledger,
                             ledger::v1::LedgerReaderClient& reader, audit::Recorder& recorder,
                             FreezeTelling& telling, const std::string& book)
    : store_(pool, data),
      sealing_(pool, data),
      verifier_(MakeVerifier()),
      changes_(store_, recorder, SystemClock(), SystemIds()),
      verifications_(store_, verifier_.get(), SystemClock(), SystemIds()),
      leave_(store_, ledger, reader, SystemClock(), book),
      rpc_(store_, holders, payees, changes_, verifications_, leave_, telling),
      sealing_worker_(
          executor, [this] { return SealingRound(sealing_); }, kSealingPauses),
      worker_(executor, [this] { return Round(verifications_, leave_); }) {}

void CustomerParts::Stop() {
  worker_.Stop();
  sealing_worker_.Stop();
}

}  // namespace florin::accounts
