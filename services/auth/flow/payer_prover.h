// How a payer proves that it is them who approve exactly some octets: what flow/payment_approvals.h
// needs of the authenticators.
#pragma once

#include <string>

#include "libs/async/task.h"
#include "libs/ids/ids.h"
#include "libs/status/status.h"

namespace florin::auth {

// Thread-safe.
class PayerProver {
 public:
  virtual ~PayerProver() = default;

  // A ceremony that was begun. It can be finished once, within five minutes.
  struct Ceremony {
    Uuid ceremony_id;
    std::string options;  // JSON for navigator.credentials.get(); empty: the user has no passkey.
    bool totp = false;    // Whether a one-time code will do.
  };
  // Exactly one of the two.
  struct Proof {
    std::string credential;  // JSON of the browser's PublicKeyCredential.
    std::string totp_code;
    // Where it comes from, as of Network (authenticators.h); empty where that is not known.
    std::string client_address = {};
    std::string device = {};
  };

  // What a passkey signs is a digest of `octets` (at most 4096). Errors: that of a user without
  // authenticators; kUnavailable, kInternal.
  virtual Task<absl::StatusOr<Ceremony>> Begin(Uuid user_id, std::string octets) = 0;
  // Errors: kInvalidCredentials, whatever is wrong with the proof; that of a ceremony that is over
  // or was begun for other octets; kUnavailable, kInternal.
  virtual Task<absl::Status> Finish(Uuid user_id, Uuid ceremony_id, std::string octets,
                                    Proof proof) = 0;
};

}  // namespace florin::auth
