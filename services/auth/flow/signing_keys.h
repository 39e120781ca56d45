// The keys that sign access tokens, rotated without a restart.
//
// To rotate: put a new key with a greater file name into the directory (write it under another name
// first, then rename it to
// *.pem, mode 0600). Within five seconds it is published, ten seconds later it signs. Remove the
// old file when the last token that it signed has expired, ten minutes after that. A directory that
// cannot be read as a whole changes nothing: the last good ring goes on, and the log says what is
// wrong.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/async/runtime.h"
#include "libs/async/task.h"
#include "libs/audit/recorder.h"
#include "libs/clock/clock.h"
#include "libs/crypto/signing_key.h"
#include "libs/status/status.h"

namespace florin::auth {

// Thread-safe. Destroy it after the runtime of Watch() has stopped and before that runtime.
class SigningKeys {
 public:
  // Error: that of crypto::KeyRing::Load, which names the file.
  static absl::StatusOr<std::unique_ptr<SigningKeys>> Load(std::string directory, Clock& clock);

  // The key to sign with now: the newest that has been published for ten seconds. So a verifier
  // that fetched the keys less than a second ago, and may not fetch again yet, knows the key of
  // every token that it sees. At the start the newest signs at once.
  crypto::SigningKey current() const;
  // All of them, for the key set.
  std::vector<crypto::VerificationKey> published() const;

  // Reads the directory again. Blocks for a few file reads. Error: as Load(); the ring stays as it
  // was.
  absl::Status Reload();
  // Records which keys have come and gone since it last could.
  Task<void> RecordChanges(audit::Recorder& recorder);
  // Reloads every five seconds, for ever. Keys that were published or withdrawn are in the audit
  // trail as auth.signing_key.publish and auth.signing_key.withdraw, those of the start, too.
  Task<void> Watch(audit::Recorder& recorder);

 private:
  SigningKeys(std::string directory, Clock& clock, crypto::KeyRing ring);
  // With mutex_ held.
  void Note(const char* verb, const std::string& kid);

  const std::string directory_;
  Clock& clock_;
  mutable std::mutex mutex_;
  crypto::KeyRing ring_;                            // Guarded by mutex_.
  std::map<std::string, absl::Time> published_at_;  // By kid. Guarded by mutex_.
  std::vector<audit::Event> unrecorded_;            // Guarded by mutex_.
  async::ThreadPool reader_;
};

}  // namespace florin::auth
