// Executes the examples of docs/ledger.md, in their order, on a new book, and compares the answers
// with what the page shows. With FLORIN_UPDATE=1 in the environment writes them into the page.
//
//   ```rpc
//   CALLER → SERVICE.METHOD              with ", first N messages" after it for a stream
//   {request as JSON}
//   ```
//
//   ```json
//   {response, or responses one after another, or "error": reason, message, param}
//   ```
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <boost/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/status/matchers.h"
#include "services/ledger/domain/command_rules.h"
#include "services/ledger/rpc/ledger_fixture.h"

namespace florin::ledger {
namespace {

namespace json = boost::json;
namespace pb = google::protobuf;

constexpr std::size_t kLineLength = 120;

struct Example {
  std::string caller;
  std::string service;
  std::string method;
  int messages = 1;  // Of a stream: how many to wait for.
  std::string request;
  std::string response;
  // Where the page has the response.
  std::size_t response_begin = 0;
  std::size_t response_end = 0;
};

// One line, with a space after colons and commas.
std::string Compact(const json::value& value) {
  std::string text;
  if (const json::object* object = value.if_object()) {
    for (const json::key_value_pair& member : *object) {
      absl::StrAppend(&text, text.empty() ? "{" : ", ", json::serialize(member.key()), ": ",
                      Compact(member.value()));
    }
    return text.empty() ? "{}" : text + "}";
  }
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) {
      absl::StrAppend(&text, text.empty() ? "[" : ", ", Compact(element));
    }
    return text.empty() ? "[]" : text + "]";
  }
  return json::serialize(value);
}

// As many lines as it takes for them to be short.
std::string Pretty(const json::value& value, std::size_t indent = 0) {
  std::string line = Compact(value);
  if (indent + line.size() <= kLineLength || value.is_primitive()) return line;
  const std::string margin(indent + 2, ' ');
  std::string text;
  if (const json::object* object = value.if_object()) {
    for (const json::key_value_pair& member : *object) {
      const std::string name = json::serialize(member.key());
      absl::StrAppend(&text, text.empty() ? "{\n" : ",\n", margin, name, ": ",
                      Pretty(member.value(), indent + 2));
    }
    return absl::StrCat(text, "\n", std::string(indent, ' '), "}");
  }
  for (const json::value& element : value.as_array()) {
    absl::StrAppend(&text, text.empty() ? "[\n" : ",\n", margin, Pretty(element, indent + 2));
  }
  return absl::StrCat(text, "\n", std::string(indent, ' '), "]");
}

std::string PagePath() {
  const char* source = std::getenv("FLORIN_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/docs/ledger.md";
}

std::string ReadPage() {
  std::ifstream file(PagePath());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What stands between `begin` and the next `end` after `position`, which moves behind it.
std::string TakeBetween(const std::string& page, const std::string& begin, const std::string& end,
                        std::size_t& position) {
  const std::size_t from = page.find(begin, position);
  if (from == std::string::npos) {
    position = from;
    return "";
  }
  const std::size_t to = page.find(end, from + begin.size());
  position = to;
  return page.substr(from + begin.size(), to - from - begin.size());
}

Example ReadHeader(const std::string& line) {
  Example example;
  std::size_t position = 0;
  example.caller = TakeBetween("\n" + line, "\n", " → ", position);
  position = 0;
  example.service = TakeBetween(line, " → ", ".", position);
  const std::string rest = line.substr(position + 1);
  example.method = rest.substr(0, rest.find(','));
  position = 0;
  const std::string messages = TakeBetween(rest, ", first ", " messages", position);
  if (!messages.empty()) {
    EXPECT_TRUE(absl::SimpleAtoi(messages, &example.messages)) << line;
  }
  return example;
}

std::vector<Example> ReadExamples(const std::string& page) {
  std::vector<Example> examples;
  std::size_t position = 0;
  while (true) {
    const std::string call = TakeBetween(page, "```rpc\n", "\n```", position);
    if (position == std::string::npos) return examples;
    const std::size_t line = call.find('\n');
    Example example = ReadHeader(call.substr(0, line));
    example.request = call.substr(line + 1);
    example.response = TakeBetween(page, "```json\n", "```", position);
    example.response_end = position;
    example.response_begin = position - example.response.size();
    examples.push_back(std::move(example));
  }
}

std::string PrettyMessage(const pb::Message& message) {
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  EXPECT_TRUE(pb::util::MessageToJsonString(message, &text, options).ok());
  return Pretty(json::parse(text)) + "\n";
}

std::string PrettyError(const absl::Status& status) {
  json::object error{{"reason", std::string(InfoOf(*ReasonOf(status)).name)},
                     {"message", std::string(status.message())}};
  const std::string param = DetailOf(status).param;
  if (!param.empty()) error["param"] = param;
  return Pretty(json::object{{"error", std::move(error)}}) + "\n";
}

class ExamplesTest : public ::testing::Test {
 protected:
  // Calls the example's method by its descriptor, without knowing it.
  std::string Answer(const Example& example) {
    const std::string service = "florin.ledger.v1." + example.service;
    const pb::ServiceDescriptor* found =
        pb::DescriptorPool::generated_pool()->FindServiceByName(service);
    if (found == nullptr) return "no service " + service;
    const pb::MethodDescriptor* method = found->FindMethodByName(example.method);
    if (method == nullptr) return "no method " + example.method;
    pb::MessageFactory* factory = pb::MessageFactory::generated_factory();
    const std::unique_ptr<pb::Message> request(factory->GetPrototype(method->input_type())->New());
    const auto parsed = pb::util::JsonStringToMessage(example.request, request.get());
    if (!parsed.ok()) return "the request is wrong: " + parsed.ToString();
    const std::unique_ptr<rpc::Channel> channel = ledger_.Connect(example.caller);
    const std::string path = absl::StrCat("/", service, "/", example.method);
    const pb::Message* response = factory->GetPrototype(method->output_type());
    return method->server_streaming()
               ? Stream(*channel, path, *request, *response, example.messages)
               : Unary(*channel, path, *request, *response);
  }

  std::string Unary(rpc::Channel& channel, const std::string& path, const pb::Message& request,
                    const pb::Message& prototype) {
    const rpc::Reply reply = ledger_.runtime().Run(
        channel.CallBytes(path, rpc::Outgoing(), request.SerializeAsString()));
    return reply.payload.ok() ? Print(prototype, *reply.payload)
                              : PrettyError(reply.payload.status());
  }

  std::string Stream(rpc::Channel& channel, const std::string& path, const pb::Message& request,
                     const pb::Message& prototype, int messages) {
    std::vector<std::string> received;
    const rpc::Channel::EachBytes each = [&received, messages](std::string bytes) {
      return Keep(&received, messages, std::move(bytes));
    };
    const absl::Status ended = ledger_.runtime().Run(
        channel.StreamBytes(path, rpc::Outgoing(), request.SerializeAsString(), each));
    std::string text;
    for (const std::string& bytes : received) text += Print(prototype, bytes);
    return static_cast<int>(received.size()) == messages ? text : text + PrettyError(ended);
  }

  // Ends the stream with the last message that is wanted.
  static Task<absl::Status> Keep(std::vector<std::string>* received, int messages,
                                 std::string bytes) {
    received->push_back(std::move(bytes));
    const bool enough = static_cast<int>(received->size()) == messages;
    co_return enough ? Error(Reason::kCanceled, "enough") : absl::OkStatus();
  }

  static std::string Print(const pb::Message& prototype, const std::string& bytes) {
    const std::unique_ptr<pb::Message> message(prototype.New());
    return message->ParseFromString(bytes) ? PrettyMessage(*message) : "no message\n";
  }

  FakeClock& clock() { return ledger_.clock(); }

  LedgerFixture ledger_{absl::FromUnixSeconds(1'767'603'600)};  // 2026-01-05T09:00:00Z
};

// Proofs need the decisions before them sealed.
bool NeedsSealing(const Example& example) { return example.service == "LedgerProof"; }

TEST_F(ExamplesTest, ThePageShowsWhatTheLedgerAnswers) {
  const std::string page = ReadPage();
  const std::vector<Example> examples = ReadExamples(page);
  ASSERT_GE(examples.size(), 25u);
  const bool update = std::getenv("FLORIN_UPDATE") != nullptr;
  std::string updated;
  std::size_t copied = 0;
  for (const Example& example : examples) {
    clock().Advance(absl::Seconds(1));
    if (NeedsSealing(example)) ledger_.Seal();
    const std::string answer = Answer(example);
    updated += page.substr(copied, example.response_begin - copied) + answer;
    copied = example.response_end;
    if (!update) {
      EXPECT_EQ(example.response, answer) << example.service << "." << example.method << "\n"
                                          << example.request;
    }
  }
  updated += page.substr(copied);
  if (update) std::ofstream(PagePath()) << updated;
}

// Each method of the ledger's services is on the page.
TEST_F(ExamplesTest, ThePageHasEveryMethod) {
  std::set<std::string> shown;
  for (const Example& example : ReadExamples(ReadPage())) {
    shown.insert(absl::StrCat(example.service, ".", example.method));
  }
  for (const char* service : {"Ledger", "LedgerReader", "LedgerProof"}) {
    const pb::ServiceDescriptor* found = pb::DescriptorPool::generated_pool()->FindServiceByName(
        absl::StrCat("florin.ledger.v1.", service));
    ASSERT_NE(found, nullptr) << service;
    for (int i = 0; i < found->method_count(); ++i) {
      EXPECT_TRUE(shown.contains(absl::StrCat(service, ".", found->method(i)->name())))
          << found->method(i)->full_name() << " has no example";
    }
  }
}

// The table of objections is the rules', in their order.
TEST(LedgerPageTest, ThePageHasTheReasonsInOrder) {
  const std::string page = ReadPage();
  std::size_t position = 0;
  const std::string table = TakeBetween(page, "| step |", "\n\n", position);
  std::vector<std::string> shown;
  for (position = 0; position < table.size();) {
    const std::string name = TakeBetween(table, "`", "`", position);
    if (position == std::string::npos) break;
    shown.push_back(name);
    ++position;
  }
  std::vector<std::string> rules;
  for (const RefusalRule& rule : kRefusalRules) rules.emplace_back(InfoOf(rule.reason).name);
  EXPECT_EQ(shown, rules);
}

}  // namespace
}  // namespace florin::ledger
