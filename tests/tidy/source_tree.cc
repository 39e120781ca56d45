#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/status/check.h"

namespace florin::tidy {
namespace {

namespace fs = std::filesystem;

fs::path Root() {
  const char* root = std::getenv("FLORIN_SOURCE_DIR");
  FLORIN_CHECK(root != nullptr, "ctest sets FLORIN_SOURCE_DIR");
  return root;
}

bool EndsWithOneOf(const std::string& path, const std::vector<std::string_view>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&path](std::string_view ending) { return path.ends_with(ending); });
}

}  // namespace

std::string SourceFile::Text() const {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

SourceFile ReadSource(const std::string& path) {
  SourceFile file{path, {}};
  std::ifstream stream(Root() / path);
  EXPECT_TRUE(stream) << "cannot read " << path;
  for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
  return file;
}

std::vector<SourceFile> FilesEndingWith(const std::vector<std::string_view>& endings) {
  std::vector<std::string> paths;
  const auto take = [&](const fs::directory_entry& entry) {
    const std::string path = fs::relative(entry.path(), Root()).string();
    if (entry.is_regular_file() && EndsWithOneOf(path, endings)) paths.push_back(path);
  };
  for (const char* top : {"proto", "libs", "services", "deploy", "tests", "docs", "cmake"}) {
    for (const auto& entry : fs::recursive_directory_iterator(Root() / top)) take(entry);
  }
  for (const auto& entry : fs::directory_iterator(Root())) take(entry);
  std::sort(paths.begin(), paths.end());
  std::vector<SourceFile> files;
  for (const std::string& path : paths) files.push_back(ReadSource(path));
  return files;
}

bool Exists(const std::string& path) { return fs::exists(Root() / path); }

void UpdateIfAsked(const std::string& path, const std::string& text) {
  if (std::getenv("FLORIN_UPDATE") == nullptr) return;
  std::ofstream(Root() / path) << text;
}

}  // namespace florin::tidy
