// The OpenAPI document as a page for people: HTML without script, one stylesheet, nothing from
// elsewhere. Pure.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace florin::gateway {

// What the page's Content-Security-Policy must be.
inline constexpr char kPagePolicy[] =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

// The page refers to the stylesheet at `stylesheet` and to the document at `document_path`.
std::string RenderPage(const boost::json::object& document, const std::string& document_path,
                       const std::string& stylesheet);

std::string PageStylesheet();

}  // namespace florin::gateway
