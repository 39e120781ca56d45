// Which folder may include what. cmake/florin.cmake checks what targets link; this checks what
// files really include, which is the stronger of the two.
#include <algorithm>
#include <map>
#include <optional>
#include <regex>

#include "gtest/gtest.h"
#include "tests/tidy/source_tree.h"

namespace florin::tidy {
namespace {

bool StartsWithOneOf(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&text](const std::string& prefix) { return text.starts_with(prefix); });
}

// What a service's domain may include besides its own room and the standard library.
const std::vector<std::string> kPure = {"libs/status/", "libs/money/", "libs/ids/", "libs/text/"};
// Headers that only some rooms may see: header prefix → path prefixes.
const std::map<std::string, std::vector<std::string>> kConfined = {
    {"grpcpp/", {"libs/rpc/", "tests/e2e/"}},
    {"pqxx/", {"libs/audit/", "libs/pg/", "libs/testing/", "services/*/store/"}},
    {"libs/pg/",
     {"libs/audit/", "libs/pg/", "libs/process/", "libs/testing/", "services/*/store/",
      "services/*/main"}},
    {"libs/audit/pg_", {"libs/audit/", "services/*/store/", "services/*/main"}},
    {"spdlog/", {"libs/telemetry/"}},
    {"prometheus/", {"libs/telemetry/"}},
    {"sodium.h", {"libs/crypto/"}},
    {"p11-kit/", {"libs/crypto/"}},
    {"nghttp2/", {"services/gateway/http/h2_session"}},
    {"libs/crypto/evp.h", {"libs/crypto/"}},
    {"qrencode.h", {"services/auth/pages/"}},
    {"hpdf.h", {"services/accounts/pages/"}},
};

bool MatchesPattern(const std::string& path, const std::string& pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string::npos) return path.starts_with(pattern);
  if (!path.starts_with(pattern.substr(0, star))) return false;
  const std::size_t slash = path.find('/', star);
  return slash != std::string::npos && path.substr(slash).starts_with(pattern.substr(star + 1));
}

struct Place {
  std::string service;  // "" outside services/
  // "domain", "store", …; "main.cc" for the service's main and what it wires in main_*.
  std::string room;
};

Place PlaceOf(const std::string& path) {
  static const std::regex kService("services/([a-z_]+)/([a-z_.]+).*");
  std::smatch match;
  if (!std::regex_match(path, match, kService)) return {};
  const std::string room = match[2];
  return {match[1], room.starts_with("main_") ? "main.cc" : room};
}

// Rooms that a room may include besides itself.
const std::map<std::string, std::vector<std::string>> kRooms = {
    {"domain", {}},
    {"proof", {}},
    {"store", {"domain", "proof"}},
    {"flow", {"domain", "proof", "store"}},
    {"rpc", {"domain", "proof", "store", "flow"}},
    {"pages", {"domain", "proof", "store", "flow"}},
    {"verify", {"proof"}},
    {"transcode", {}},
    {"limits", {}},
    {"openapi", {"transcode"}},
    {"http", {"transcode", "limits", "openapi"}},
    {"main.cc",
     {"domain", "proof", "store", "flow", "rpc", "pages", "http", "transcode", "limits",
      "openapi"}},
};

// Why `path` may not include `header`, or nothing if it may.
std::optional<std::string> Objection(const std::string& path, const std::string& header) {
  const bool is_test = path.ends_with("_test.cc") || path.find("_fixture.") != std::string::npos ||
                       path.find("/test_") != std::string::npos || path.starts_with("tests/");
  const Place from = PlaceOf(path);
  const Place to = PlaceOf(header);
  if (path.starts_with("libs/") && header.starts_with("services/"))
    return "libs include no service";
  if (!path.starts_with("tests/") && header.starts_with("tests/"))
    return "only tests include tests";
  if (!to.service.empty() && !from.service.empty() && from.service != to.service) {
    return "no service includes another";
  }
  if (!is_test) {
    for (const auto& [confined, places] : kConfined) {
      const bool allowed = std::any_of(places.begin(), places.end(), [&](const auto& place) {
        return MatchesPattern(path, place);
      });
      if (header.starts_with(confined) && !allowed) return confined + " is not for this room";
    }
    if (!to.room.empty() && from.service == to.service && from.room != to.room) {
      const auto rooms = kRooms.find(from.room);
      if (rooms == kRooms.end()) return "unknown room " + from.room;
      if (std::find(rooms->second.begin(), rooms->second.end(), to.room) == rooms->second.end()) {
        return from.room + " may not include " + to.room;
      }
    }
    if ((from.room == "rpc" || from.room == "flow" || from.room == "pages") &&
        header.find("pg_store.h") != std::string::npos) {
      return "rpc, flow and pages see store.h, never pg_store.h";
    }
  }
  if (from.room == "domain" && !is_test) {
    const bool own = to.service == from.service && to.room == "domain";
    const bool standard = header.find('/') == std::string::npos && !header.ends_with(".h");
    const bool absl =
        StartsWithOneOf(header, {"absl/strings/", "absl/time/civil_time.h", "absl/time/time.h",
                                 "absl/container/", "absl/functional/", "absl/hash/"});
    if (!own && !standard && !absl && !StartsWithOneOf(header, kPure)) {
      return "domain sees values only";
    }
  }
  return std::nullopt;
}

TEST(Layering, EveryIncludeIsAllowed) {
  static const std::regex kInclude("#include [\"<]([^\">]+)[\">].*");
  int includes = 0;
  for (const SourceFile& file : FilesEndingWith({".h", ".cc"})) {
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_match(line, match, kInclude)) continue;
      ++includes;
      const auto objection = Objection(file.path, match[1]);
      EXPECT_FALSE(objection) << file.path << " includes " << match[1] << ": " << *objection;
    }
  }
  EXPECT_GT(includes, 500);
}

TEST(Layering, BadSamplesAreRejected) {
  const std::pair<const char*, const char*> samples[] = {
      {"libs/pg/pool.cc", "services/ledger/store/store.h"},
      {"libs/pg/pool.cc", "tests/e2e/stack.h"},
      {"services/payments/flow/x.cc", "services/ledger/domain/values.h"},
      {"services/ledger/domain/x.cc", "services/ledger/store/store.h"},
      {"services/ledger/domain/x.cc", "libs/clock/clock.h"},
      {"services/ledger/domain/x.cc", "boost/asio.hpp"},
      {"services/ledger/domain/x.cc", "florin/ledger/v1/ledger.pb.h"},
      {"services/ledger/proof/x.cc", "services/ledger/domain/values.h"},
      {"services/ledger/verify/x.cc", "services/ledger/domain/values.h"},
      {"services/ledger/verify/x.cc", "services/ledger/store/store.h"},
      {"services/ledger/store/x.cc", "services/ledger/flow/batcher.h"},
      {"services/ledger/rpc/x.cc", "services/ledger/store/pg_store.h"},
      {"services/auth/rpc/x.cc", "services/auth/pages/html.h"},
      {"services/auth/flow/x.cc", "qrencode.h"},
      {"services/ledger/rpc/x.cc", "grpcpp/server.h"},
      {"services/ledger/flow/x.cc", "pqxx/pqxx"},
      {"services/auth/flow/x.cc", "libs/audit/pg_audit.h"},
      {"services/auth/flow/x.cc", "sodium.h"},
      {"services/auth/flow/x.cc", "p11-kit/pkcs11.h"},
      {"libs/merkle/x.cc", "libs/crypto/evp.h"},
      {"services/gateway/http/api.cc", "nghttp2/nghttp2.h"},
      {"services/gateway/transcode/x.cc", "services/gateway/http/server.h"},
  };
  for (const auto& [path, header] : samples) {
    EXPECT_TRUE(Objection(path, header)) << path << " includes " << header;
  }
  EXPECT_FALSE(Objection("services/ledger/store/pg_store.cc", "pqxx/pqxx"));
  EXPECT_FALSE(Objection("services/ledger/domain/x.cc", "vector"));
}

}  // namespace
}  // namespace florin::tidy
