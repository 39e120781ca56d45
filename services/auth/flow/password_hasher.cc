#include "services/auth/flow/password_hasher.h"

#include <functional>
#include <utility>

#include "libs/crypto/sha256.h"
#include "libs/text/text.h"

namespace florin::auth {
namespace {

// What is no UTF-8 is nobody's password and stays as it is.
std::string Normalize(std::string password) {
  std::optional<std::string> normal = NormalizeNfc(password);
  return normal ? *std::move(normal) : password;
}

}  // namespace

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

PasswordHasher::PasswordHasher(HasherLimits limits, crypto::PasswordCost cost,
                               std::optional<crypto::SecretKeys> pepper)
    : limits_(limits),
      cost_(cost),
      pepper_(std::move(pepper)),
      nobodys_hash_(crypto::HashPassword(crypto::RandomOctets(32), cost, this->pepper())),
      pool_(limits.threads) {}

Task<absl::StatusOr<std::string>> PasswordHasher::Hash(std::string password) {
  const Place place(*this);
  FLORIN_CO_RETURN_IF_ERROR(place.status());
  std::function<std::string()> work = [this, password = Normalize(std::move(password))] {
    ++hashes_;
    return crypto::HashPassword(password, cost_, pepper());
  };
  co_return co_await pool_.Run<std::string>(std::move(work));
}

Task<absl::StatusOr<bool>> PasswordHasher::Verify(std::optional<std::string> phc,
                                                  std::string password) {
  const Place place(*this);
  FLORIN_CO_RETURN_IF_ERROR(place.status());
  std::function<bool()> work = [this, hash = phc.value_or(nobodys_hash_),
                                password = Normalize(std::move(password))] {
    ++hashes_;
    return crypto::VerifyPassword(hash, password, pepper());
  };
  const bool matches = co_await pool_.Run<bool>(std::move(work));
  co_return matches&& phc.has_value();
}

}  // namespace florin::auth
