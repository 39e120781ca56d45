// The repository's own files, for tests about them. Walks the tree instead of asking git, so that
// it works in an image build.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace florin::tidy {

struct SourceFile {
  std::string path;  // From the root, e.g. "libs/ids/ids.h"
  std::vector<std::string> lines;
  std::string Text() const;
};

// Every file below proto, libs, services, deploy, tests, docs and cmake, and the Markdown at the
// root, whose name ends with one of `endings`. Ordered by path.
std::vector<SourceFile> FilesEndingWith(const std::vector<std::string_view>& endings);

// One file by its path from the root. A missing file fails the test.
SourceFile ReadSource(const std::string& path);

bool Exists(const std::string& path);

// With FLORIN_UPDATE=1 in the environment writes `text` to `path`, for files that a test generates.
void UpdateIfAsked(const std::string& path, const std::string& text);

}  // namespace florin::tidy
