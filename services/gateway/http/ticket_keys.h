// The keys that seal TLS session tickets (RFC 5077 section 4, RFC 8446 section 4.6.1). Random, in
// memory only, replaced after their lifetime: whoever takes one opens at most the sessions of that
// time, and of those only the ones without fresh key exchange. Each gateway has its own: another
// one makes a full handshake.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "libs/clock/clock.h"

namespace florin::gateway {

// Thread-safe.
class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;  // AES-256-CBC
    std::array<unsigned char, 32> mac;     // HMAC-SHA-256
  };
  struct Found {
    Key key;
    bool is_current;  // Otherwise the client should get a new ticket.
  };

  // A key seals for `lifetime` and opens for that long again. `clock` outlives this.
  TicketKeys(Clock& clock, absl::Duration lifetime);

  // The key to seal with.
  Key Current();
  // The key to open with. Nothing if there never was one or its time is over.
  std::optional<Found> Find(std::string_view name);

 private:
  void RotateIfDue();

  Clock& clock_;
  const absl::Duration lifetime_;
  std::mutex mutex_;
  // Guarded by mutex_:
  Key current_;
  std::optional<Key> previous_;
  absl::Time current_since_;
};

// Makes `context` seal and open tickets with `keys`, which it keeps alive.
void UseTicketKeys(SSL_CTX* context, std::shared_ptr<TicketKeys> keys);

}  // namespace florin::gateway
