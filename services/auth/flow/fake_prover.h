// Stands in for the authenticators, for tests: remembers for which octets each ceremony was begun,
// and takes "right" for a right proof, once for each ceremony.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "services/auth/flow/payer_prover.h"

namespace florin::auth {

// Thread-safe.
class FakeProver : public PayerProver {
 public:
  Task<absl::StatusOr<Ceremony>> Begin(Uuid user_id, std::string octets) override {
    const std::lock_guard lock(mutex_);
    const Uuid id = ids_.NewId();
    last_octets_ = octets;
    begun_[id] = {user_id, std::move(octets)};
    co_return Ceremony{.ceremony_id = id, .options = "{\"challenge\":\"c\"}", .totp = true};
  }

  Task<absl::Status> Finish(Uuid user_id, Uuid ceremony_id, std::string octets,
                            Proof proof) override {
    const std::lock_guard lock(mutex_);
    ++finished_;
    const auto begun = begun_.extract(ceremony_id);
    const std::pair expected(user_id, octets);
    const bool right = proof.credential + proof.totp_code == "right";
    if (begun.empty() || begun.mapped() != expected || !right) {
      co_return Error(Reason::kInvalidCredentials, "not a proof");
    }
    co_return absl::OkStatus();
  }

  std::string last_octets() {
    const std::lock_guard lock(mutex_);
    return last_octets_;
  }
  int finished() {
    const std::lock_guard lock(mutex_);
    return finished_;
  }

 private:
  std::mutex mutex_;  // Guards everything below.
  SequentialIds ids_;
  std::map<Uuid, std::pair<Uuid, std::string>> begun_;
  std::string last_octets_;
  int finished_ = 0;
};

}  // namespace florin::auth
