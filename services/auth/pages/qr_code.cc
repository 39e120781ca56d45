#include "services/auth/pages/qr_code.h"

#include <qrencode.h>

#include <memory>
#include <string>

namespace florin::auth {
namespace {

constexpr int kQuietZone = 4;  // Modules on each side.

struct Freer {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

}  // namespace

Html QrCode(std::string_view text, std::string_view label) {
  const std::unique_ptr<QRcode, Freer> code(
      QRcode_encodeData(static_cast<int>(text.size()),
                        reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M));
  if (code == nullptr) return {};
  // One path: a rectangle for each run of dark modules in a row.
  std::string path;
  for (int y = 0; y < code->width; ++y) {
    const unsigned char* row = code->data + static_cast<std::ptrdiff_t>(y) * code->width;
    for (int x = 0; x < code->width;) {
      int run = 0;
      while (x + run < code->width && (row[x + run] & 1) != 0) ++run;
      if (run > 0) {
        path += "M" + std::to_string(x + kQuietZone) + " " + std::to_string(y + kQuietZone) + "h" +
                std::to_string(run) + "v1h-" + std::to_string(run) + "z";
      }
      x += run > 0 ? run : 1;
    }
  }
  const std::string size = std::to_string(code->width + 2 * kQuietZone);
  // HTML reads `viewbox` as SVG's viewBox.
  return Element("svg",
                 {{"viewbox", "0 0 " + size + " " + size},
                  {"role", "img"},
                  {"aria-label", label},
                  {"shape-rendering", "crispEdges"}},
                 Element("path", {{"fill", "#fff"}, {"d", "M0 0h" + size + "v" + size + "H0z"}}),
                 Element("path", {{"fill", "#000"}, {"d", path}}));
}

}  // namespace florin::auth
