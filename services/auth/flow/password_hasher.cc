#include "services/auth/flow/password_hasher.h"

#include <functional>
#include <utility>

#include "libs/crypto/sha256.h"

namespace florin::auth {

class PasswordHasher::Place {
 public:
  explicit Place(PasswordHasher& hasher)
      : taken_(hasher.places_taken_),
        had_(taken_.fetch_add(1) < hasher.limits_.threads + hasher.limits_.max_waiting) {}
  ~Place() { taken_.fetch_sub(1); }
  Place(const Place&) = delete;

  absl::Status status() const {
    if (had_) return absl::OkStatus();
    return Error(Reason::kOverloaded, "too many passwords are being hashed");
  }

 private:
  std::atomic<int>& taken_;
  const bool had_;
};

PasswordHasher::PasswordHasher(HasherLimits limits, crypto::PasswordCost cost)
    : limits_(limits),
      cost_(cost),
      nobodys_hash_(crypto::HashPassword(crypto::RandomOctets(32), cost)),
      pool_(limits.threads) {}

Task<absl::StatusOr<std::string>> PasswordHasher::Hash(std::string password) {
  const Place place(*this);
  FLORIN_CO_RETURN_IF_ERROR(place.status());
  std::function<std::string()> work = [cost = cost_, password = std::move(password)] {
    return crypto::HashPassword(password, cost);
  };
  co_return co_await pool_.Run<std::string>(std::move(work));
}

Task<absl::StatusOr<bool>> PasswordHasher::Verify(std::optional<std::string> phc,
                                                  std::string password) {
  const Place place(*this);
  FLORIN_CO_RETURN_IF_ERROR(place.status());
  std::function<bool()> work = [hash = phc.value_or(nobodys_hash_),
                                password = std::move(password)] {
    return crypto::VerifyPassword(hash, password);
  };
  const bool matches = co_await pool_.Run<bool>(std::move(work));
  co_return matches&& phc.has_value();
}

}  // namespace florin::auth
