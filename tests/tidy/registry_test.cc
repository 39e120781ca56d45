// Tables that must agree with what they describe: reasons, edges between services, migrations,
// links.
#include <map>
#include <regex>
#include <set>

#include "gtest/gtest.h"
#include "libs/crypto/sha256.h"
#include "libs/status/status.h"
#include "tests/tidy/source_tree.h"

namespace florin::tidy {
namespace {

using Edges = std::map<std::string, std::set<std::string>>;  // caller → callees

std::string RenderReasons() {
  std::string text =
      "# Reasons\n\n"
      "The stable part of every error: branch on `reason`, show people the sentence. Generated "
      "from\n"
      "`libs/status/reasons.inc` by `FLORIN_UPDATE=1 tests/run tidy`.\n\n"
      "| reason | HTTP | what to do |\n|---|---|---|\n";
#define FLORIN_REASON(enumerator, number, text_name, code, http, advice) \
  text += std::string("| `") + text_name + "` | " + std::to_string(http) + " | " + advice + " |\n";
#include "libs/status/reasons.inc"
#undef FLORIN_REASON
  return text;
}

TEST(Reasons, AreDocumented) {
  const std::string expected = RenderReasons();
  UpdateIfAsked("docs/reasons.md", expected);
  EXPECT_EQ(ReadSource("docs/reasons.md").Text(), expected);
}

TEST(Reasons, ThatProtosNameAreInTheRegistry) {
  static const std::regex kNamed("`([a-z]+(_[a-z]+)+)` \\([0-9]{3}\\)|`([a-z]+(_[a-z]+)+)`[,;]");
  for (const SourceFile& file : FilesEndingWith({".proto"})) {
    for (const std::string& line : file.lines) {
      if (line.find("Errors:") == std::string::npos) continue;
      for (std::sregex_iterator at(line.begin(), line.end(), kNamed), end; at != end; ++at) {
        const std::string name = (*at)[1].matched ? (*at)[1] : (*at)[3];
        EXPECT_TRUE(ReasonFromName(name)) << file.path << " names " << name;
      }
    }
  }
}

// From the text: descriptors are linked only for the protos that this program names.
Edges EdgesInProtos() {
  static const std::regex kPath("proto/florin/([a-z]+)/v1/[a-z_]+\\.proto");
  static const std::regex kCaller(" *callers: \"([a-z_]+)\"");
  Edges edges;
  for (const SourceFile& file : FilesEndingWith({".proto"})) {
    std::smatch path;
    if (!std::regex_match(file.path, path, kPath) || path[1] == "testing") continue;
    int methods = 0;
    int policies = 0;
    for (const std::string& line : file.lines) {
      std::smatch caller;
      if (std::regex_match(line, caller, kCaller)) edges[caller[1]].insert(path[1]);
      methods += line.starts_with("  rpc ");
      policies += line.starts_with("    option (florin.options.v1.policy)");
    }
    EXPECT_EQ(methods, policies) << file.path;
  }
  return edges;
}

Edges EdgesInCMake() {
  static const std::regex kLine("set\\(FLORIN_EDGES_([a-z_]+)([a-z_ ]*)\\)");
  Edges edges;
  for (const std::string& line : ReadSource("services/edges.cmake").lines) {
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) continue;
    std::istringstream callees(match[2]);
    for (std::string callee; callees >> callee;) edges[match[1]].insert(callee);
  }
  return edges;
}

Edges EdgesInArchitecture() {
  static const std::regex kRow("\\| ([a-z, ]+) \\| ([a-z, ()]+) \\|");
  static const std::regex kWord("\\b(audit|auth|accounts|payments|ledger)\\b");
  Edges edges;
  bool in_table = false;
  for (const std::string& line : ReadSource("docs/architecture.md").lines) {
    if (line.starts_with("| caller |")) in_table = true;
    if (line.empty()) in_table = false;
    std::smatch match;
    if (!in_table || !std::regex_match(line, match, kRow) || match[2] == "nobody") continue;
    const std::string callees = match[2];
    for (std::sregex_iterator at(callees.begin(), callees.end(), kWord), end; at != end; ++at) {
      if (match[1] != "caller") edges[match[1]].insert(at->str());
    }
  }
  return edges;
}

TEST(Edges, ProtosBuildAndDocsAgree) {
  EXPECT_EQ(EdgesInProtos(), EdgesInCMake());
  EXPECT_EQ(EdgesInArchitecture(), EdgesInCMake());
}

TEST(Migrations, AreFrozen) {
  std::string expected;
  for (const SourceFile& file : FilesEndingWith({".sql"})) {
    if (file.path.find("/migrations/") == std::string::npos) continue;
    const auto digest = crypto::Sha256(file.Text());
    expected += crypto::Hex(crypto::AsOctets(digest)) + "  " + file.path + "\n";
  }
  UpdateIfAsked("tests/tidy/migrations.sha256", expected);
  EXPECT_EQ(ReadSource("tests/tidy/migrations.sha256").Text(), expected)
      << "a merged migration never changes; add a new one, and its line with FLORIN_UPDATE=1";
}

TEST(Docs, RelativeLinksLeadSomewhere) {
  static const std::regex kLink("\\]\\(([^)#:]+)(#[^)]*)?\\)");
  for (const SourceFile& file : FilesEndingWith({".md"})) {
    const std::size_t slash = file.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : file.path.substr(0, slash + 1);
    for (const std::string& line : file.lines) {
      for (std::sregex_iterator at(line.begin(), line.end(), kLink), end; at != end; ++at) {
        EXPECT_TRUE(Exists(folder + (*at)[1].str())) << file.path << " links to " << (*at)[1];
      }
    }
  }
}

}  // namespace
}  // namespace florin::tidy
