#include "libs/crypto/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace florin::crypto {
namespace {

constexpr off_t kMaxFile = 64 << 10;
constexpr std::size_t kOnHeap = 64;  // More than a std::string keeps within itself.

}  // namespace

absl::Status FileError(const std::string& path, const std::string& what) {
  return Error(Reason::kInvalidField, absl::StrCat(path, ": ", what));
}

// The mode is read from the open file, so that it belongs to what is read.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return FileError(path, std::strerror(errno));
  struct stat facts;
  absl::Status status;
  std::string text;
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size > kMaxFile) {
    status = FileError(path, "no regular file of at most 64 KiB");
  } else if ((facts.st_mode & 07777) != 0600) {
    status = FileError(path, "the mode of a secret must be 0600");
  } else {
    text.reserve(kOnHeap);
    text.resize(facts.st_size);
    if (read(file, text.data(), text.size()) != facts.st_size) {
      status = FileError(path, "cannot be read whole");
    }
  }
  close(file);
  if (!status.ok()) return status;
  return text;
}

}  // namespace florin::crypto
