// The files that pages refer to: one stylesheet, one script, one icon. They are part of the program
// and have the hash of their contents in their names, so that browsers may keep them for ever.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/auth/pages/html.h"

namespace florin::auth {

struct Asset {
  std::string path;  // /auth/assets/florin-0123456789abcdef.css
  std::string content_type;
  std::string_view contents;
};

class Assets {
 public:
  static Path Stylesheet();
  static Path Script();
  static Path Icon();

  // By the whole path; nothing for another name, or another hash: an old page must not be given a
  // new script. Thread-safe.
  static const Asset* Find(std::string_view path);

 private:
  static Path PathOf(std::string_view file);
};

}  // namespace florin::auth
