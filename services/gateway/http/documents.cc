#include "services/gateway/http/documents.h"

#include <boost/json/serialize.hpp>

#include "services/gateway/http/conditional.h"
#include "services/gateway/openapi/document.h"
#include "services/gateway/openapi/embedded_protos.h"
#include "services/gateway/openapi/page.h"

namespace florin::gateway {
namespace {

constexpr char kDocument[] = "/openapi.json";
constexpr char kStylesheet[] = "/docs/style.css";

Document Make(const char* content_type, std::string body) {
  Document document{.content_type = content_type, .body = std::move(body)};
  // Once, rather than for each request.
  document.headers.emplace_back("ETag", EntityTag(document.body));
  return document;
}

}  // namespace

absl::StatusOr<Documents> MakeDocuments(const RouteTable& routes) {
  FLORIN_ASSIGN_OR_RETURN(const Comments comments, ReadComments(EmbeddedProtos()));
  const boost::json::object document = MakeOpenApi(routes, comments);
  Documents documents;
  documents[kDocument] = Make("application/json", boost::json::serialize(document));
  documents[kStylesheet] = Make("text/css; charset=utf-8", PageStylesheet());
  Document page = Make("text/html; charset=utf-8", RenderPage(document, kDocument, kStylesheet));
  page.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  documents["/docs"] = std::move(page);
  return documents;
}

}  // namespace florin::gateway
