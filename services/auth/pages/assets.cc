#include "services/auth/pages/assets.h"

#include <map>

#include "libs/crypto/sha256.h"
#include "libs/status/check.h"

namespace florin::auth {
namespace {

struct File {
  std::string_view name;
  std::string_view contents;
};

constexpr File kFiles[] = {
#include "services/auth/pages/asset_files.inc"
};

std::string_view TypeOf(std::string_view name) {
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  FLORIN_CHECK(false, "an asset has a known type");
  return {};
}

// By the file's own name.
const std::map<std::string_view, Asset>& All() {
  static const std::map<std::string_view, Asset>* all = [] {
    auto* assets = new std::map<std::string_view, Asset>;
    for (const File& file : kFiles) {
      const std::size_t dot = file.name.rfind('.');
      const crypto::Digest digest = crypto::Sha256(file.contents);
      Asset asset;
      asset.path = "/auth/assets/" + std::string(file.name.substr(0, dot)) + "-" +
                   crypto::Hex(crypto::AsOctets(digest)).substr(0, 16) +
                   std::string(file.name.substr(dot));
      asset.content_type = TypeOf(file.name);
      asset.contents = file.contents;
      assets->emplace(file.name, std::move(asset));
    }
    return assets;
  }();
  return *all;
}

}  // namespace

Path Assets::PathOf(std::string_view file) { return Path(std::string_view(All().at(file).path)); }
Path Assets::Stylesheet() { return PathOf("florin.css"); }
Path Assets::Script() { return PathOf("florin.js"); }
Path Assets::Icon() { return PathOf("florin.svg"); }

const Asset* Assets::Find(std::string_view path) {
  for (const auto& [name, asset] : All()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

}  // namespace florin::auth
