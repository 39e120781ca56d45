#include "services/gateway/openapi/page.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;

std::string Text(const json::value& value) {
  return std::string(value.as_string().data(), value.as_string().size());
}

std::string Escape(absl::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

// Escapes, and sets `code` as code.
std::string Inline(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '`');
  std::string html;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_code = i % 2 == 1 && i + 1 < parts.size();
    absl::StrAppend(&html, is_code ? "<code>" : "", Escape(parts[i]), is_code ? "</code>" : "");
  }
  return html;
}

std::string Paragraphs(const json::object& object) {
  const json::value* description = object.if_contains("description");
  if (description == nullptr) return "";
  std::string html;
  const std::string text = Text(*description);
  for (const absl::string_view paragraph : absl::StrSplit(text, "\n\n", absl::SkipEmpty()))
    absl::StrAppend(&html, "<p>", Inline(paragraph), "</p>\n");
  return html;
}

// "string", "array of <a href=…>Payment</a>".
std::string TypeOf(const json::object& schema) {
  if (const json::value* reference = schema.if_contains("$ref")) {
    const std::string full = Text(*reference);
    const std::string name = Escape(full.substr(full.rfind('/') + 1));
    return absl::StrCat("<a href=\"#schema-", name, "\">", name, "</a>");
  }
  if (const json::value* items = schema.if_contains("items"))
    return absl::StrCat("array of ", TypeOf(items->as_object()));
  if (const json::value* names = schema.if_contains("enum")) {
    std::string html = "one of";
    for (const json::value& name : names->as_array())
      absl::StrAppend(&html, " <code>", Escape(Text(name)), "</code>");
    return html;
  }
  const json::value& type = schema.at("type");
  if (type.is_string()) return Escape(Text(type));
  std::string html;
  for (const json::value& one : type.as_array())
    absl::StrAppend(&html, html.empty() ? "" : " or ", Escape(Text(one)));
  return html;
}

std::string Row(const std::string& name, const std::string& type, const std::string& description) {
  return absl::StrCat("<tr><th scope=\"row\"><code>", Escape(name), "</code></th><td>", type,
                      "</td><td>", description, "</td></tr>\n");
}

std::string Parameters(const json::object& document, const json::object& operation) {
  const json::value* parameters = operation.if_contains("parameters");
  if (parameters == nullptr) return "";
  std::string html = "<table><caption>Parameters</caption>\n";
  for (const json::value& one : parameters->as_array()) {
    const json::object* parameter = &one.as_object();
    if (const json::value* reference = parameter->if_contains("$ref")) {
      const std::string full = Text(*reference);
      parameter = &document.at("components")
                       .at("parameters")
                       .at(full.substr(full.rfind('/') + 1))
                       .as_object();
    }
    absl::StrAppend(&html, Row(Text(parameter->at("name")),
                               absl::StrCat(TypeOf(parameter->at("schema").as_object()), ", ",
                                            Text(parameter->at("in"))),
                               Paragraphs(*parameter)));
  }
  return html + "</table>\n";
}

// The first content's schema and example.
std::string Content(const std::string& title, const json::object& holder) {
  const json::value* contents = holder.if_contains("content");
  if (contents == nullptr) return "";
  const auto& first = *contents->as_object().begin();
  const json::object& content = first.value().as_object();
  std::string html =
      absl::StrCat("<h4>", title, " <code>", Escape(std::string(first.key())), "</code></h4>\n");
  if (const json::value* schema = content.if_contains("schema"))
    absl::StrAppend(&html, "<p>", TypeOf(schema->as_object()), "</p>\n");
  if (const json::value* example = content.if_contains("example"))
    absl::StrAppend(&html, "<pre><code>", Escape(json::serialize(*example)), "</code></pre>\n");
  return html;
}

std::string Responses(const json::object& operation) {
  std::string html = "<table><caption>Responses</caption>\n";
  for (const auto& [status, response] : operation.at("responses").as_object()) {
    const json::value* reasons = response.as_object().if_contains("x-reasons");
    absl::StrAppend(&html, Row(std::string(status), reasons == nullptr ? "" : "problem",
                               Paragraphs(response.as_object())));
  }
  return html + "</table>\n";
}

std::string Needs(const json::object& operation) {
  std::string html;
  for (const json::value& one : operation.at("security").as_array()) {
    for (const auto& [scheme, scopes] : one.as_object()) {
      absl::StrAppend(&html, html.empty() ? "Needs " : " or ", Escape(std::string(scheme)));
      for (const json::value& scope : scopes.as_array())
        absl::StrAppend(&html, " <code>", Escape(Text(scope)), "</code>");
    }
  }
  return absl::StrCat("<p class=\"needs\">", html.empty() ? "Open to anybody" : html, ". Costs ",
                      operation.at("x-rate-cost").as_int64(), " of a quota.</p>\n");
}

std::string Operation(const json::object& document, const std::string& path,
                      const std::string& method, const json::object& operation) {
  const std::string id = Escape(Text(operation.at("operationId")));
  std::string html = absl::StrCat(
      "<section id=\"", id, "\">\n<h3><code>", absl::AsciiStrToUpper(method), " ", Escape(path),
      "</code></h3>\n", Paragraphs(operation), Needs(operation), Parameters(document, operation));
  if (const json::value* body = operation.if_contains("requestBody"))
    html += Content("Request", body->as_object());
  if (const json::value* ok = operation.at("responses").as_object().if_contains("200"))
    html += Content("Response", ok->as_object());
  return absl::StrCat(html, Responses(operation), "</section>\n");
}

std::string Schema(const std::string& name, const json::object& schema) {
  std::string html = absl::StrCat("<section id=\"schema-", Escape(name), "\">\n<h3>", Escape(name),
                                  "</h3>\n", Paragraphs(schema), "<table>\n");
  for (const auto& [field, type] : schema.at("properties").as_object()) {
    absl::StrAppend(
        &html, Row(std::string(field), TypeOf(type.as_object()), Paragraphs(type.as_object())));
  }
  return html + "</table>\n</section>\n";
}

}  // namespace

std::string RenderPage(const json::object& document, const std::string& document_path,
                       const std::string& stylesheet) {
  std::string contents;
  std::string operations;
  for (const json::value& tag : document.at("tags").as_array()) {
    const json::value& name = tag.at("name");
    absl::StrAppend(&contents, "<li>", Escape(Text(name)), "<ul>\n");
    absl::StrAppend(&operations, "<h2>", Escape(Text(name)), "</h2>\n",
                    Paragraphs(tag.as_object()));
    for (const auto& [path, item] : document.at("paths").as_object()) {
      for (const auto& [method, operation] : item.as_object()) {
        if (operation.at("tags").as_array()[0] != name) continue;
        absl::StrAppend(&contents, "<li><a href=\"#", Escape(Text(operation.at("operationId"))),
                        "\"><code>", absl::AsciiStrToUpper(std::string(method)), " ",
                        Escape(std::string(path)), "</code></a></li>\n");
        operations +=
            Operation(document, std::string(path), std::string(method), operation.as_object());
      }
    }
    contents += "</ul></li>\n";
  }
  std::string schemas;
  for (const auto& [name, schema] : document.at("components").at("schemas").as_object())
    schemas += Schema(std::string(name), schema.as_object());
  const std::string title = Escape(Text(document.at("info").at("title")));
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      title, " API</title>\n<link rel=\"stylesheet\" href=\"", stylesheet,
      "\">\n</head>\n<body>\n<main>\n<h1>", title, " API</h1>\n",
      Paragraphs(document.at("info").as_object()), "<p>The same for programs: <a href=\"",
      document_path, "\">OpenAPI 3.1</a>.</p>\n<nav aria-label=\"Contents\"><ul>\n", contents,
      "<li><a href=\"#schemas\">Schemas</a></li>\n</ul></nav>\n", operations,
      "<h2 id=\"schemas\">Schemas</h2>\n", schemas, "</main>\n</body>\n</html>\n");
}

std::string PageStylesheet() {
  return R"(:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid #8888; padding-block: .5rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
pre { background: #8882; padding: .75rem; overflow-x: auto; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; font-weight: 600; padding-block: .5rem; }
th, td { border-top: 1px solid #8884; padding: .35rem .5rem; text-align: start;
  vertical-align: top; font-weight: 400; }
td p { margin: 0 0 .25rem; }
nav ul { padding-inline-start: 1.25rem; }
.needs { font-size: .9em; }
)";
}

}  // namespace florin::gateway
