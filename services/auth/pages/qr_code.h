// QR codes (ISO/IEC 18004) as inline SVG.
#pragma once

#include <string_view>

#include "services/auth/pages/html.h"

namespace florin::auth {

// A black code on white with its quiet zone, error correction M, that fills what surrounds it.
// `label` tells people who do not see it what it is. Nothing (an empty Html) if `text` is too long
// for a QR code (2331 octets). Pure.
Html QrCode(std::string_view text, std::string_view label);

}  // namespace florin::auth
