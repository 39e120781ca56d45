// protoc plugin: for each file with services, the base class that a server derives from and the
// client, over libs/rpc.
//
//   florin/ledger/v1/ledger.proto  →  florin/ledger/v1/ledger.rpc.h, ledger.rpc.cc
//
// Written so that neither gRPC's headers nor method names as strings appear anywhere else.
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <map>
#include <memory>
#include <string>

namespace {

namespace pb = google::protobuf;
using Vars = std::map<std::string, std::string>;

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string CppName(const std::string& full_name) { return "::" + Replace(full_name, ".", "::"); }

// The table of a file's descriptors as protoc's C++ names it: other characters than letters and
// digits by their code.
std::string DescriptorTable(const std::string& file) {
  std::string name = "::descriptor_table_";
  for (const char c : file) {
    constexpr char kHex[] = "0123456789abcdef";
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      name += c;
    } else {
      name += {'_', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return name;
}

Vars MethodVars(const pb::MethodDescriptor& method) {
  return {{"name", method.name()},
          {"service", method.service()->name()},
          {"request", CppName(method.input_type()->full_name())},
          {"response", CppName(method.output_type()->full_name())},
          {"path", "/" + method.service()->full_name() + "/" + method.name()}};
}

// A method that answers once, and one that streams (server_streaming): in the base class of
// servers, in the client, and the two in the source.
constexpr char kHandler[] =
    "  virtual ::florin::Task<::absl::StatusOr<$response$>> $name$(\n"
    "      ::florin::rpc::Call& call, const $request$& request) = 0;\n";
constexpr char kStreamHandler[] =
    "  virtual ::florin::Task<::absl::Status> $name$(\n"
    "      ::florin::rpc::Call& call, const $request$& request,\n"
    "      ::florin::rpc::Stream<$response$>& out) = 0;\n";
constexpr char kClientMethod[] =
    "  ::florin::Task<::absl::StatusOr<$response$>> $name$(\n"
    "      ::florin::rpc::Outgoing context, const $request$& request) const;\n";
constexpr char kStreamClientMethod[] =
    "  ::florin::Task<::absl::Status> $name$(\n"
    "      ::florin::rpc::Outgoing context, const $request$& request,\n"
    "      ::std::function<::florin::Task<::absl::Status>($response$)> each) const;\n";
constexpr char kAdd[] =
    "  Add<$request$, $response$>(\"$name$\", this, &$service$Service::$name$);\n";
constexpr char kStreamAdd[] =
    "  AddStream<$request$, $response$>(\"$name$\", this, &$service$Service::$name$);\n";
constexpr char kCall[] =
    "::florin::Task<::absl::StatusOr<$response$>> $service$Client::$name$(\n"
    "    ::florin::rpc::Outgoing context, const $request$& request) const {\n"
    "  return channel_->Unary<$response$>(\"$path$\", std::move(context), request);\n"
    "}\n\n";
constexpr char kStreamCall[] =
    "::florin::Task<::absl::Status> $service$Client::$name$(\n"
    "    ::florin::rpc::Outgoing context, const $request$& request,\n"
    "    ::std::function<::florin::Task<::absl::Status>($response$)> each) const {\n"
    "  return channel_->ServerStream<$response$>(\"$path$\", std::move(context), request,\n"
    "                                            std::move(each));\n"
    "}\n\n";

void PrintMethods(const pb::ServiceDescriptor& service, const char* once, const char* stream,
                  pb::io::Printer& out) {
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    out.Print(MethodVars(method), method.server_streaming() ? stream : once);
  }
}

void PrintServiceHeader(const pb::ServiceDescriptor& service, pb::io::Printer& out) {
  const Vars vars = {{"service", service.name()}};
  out.Print(vars,
            "// Derive from it and implement every method; see libs/rpc/service.h.\n"
            "class $service$Service : public ::florin::rpc::Service {\n"
            " public:\n"
            "  $service$Service();\n\n");
  PrintMethods(service, kHandler, kStreamHandler, out);
  out.Print(
      vars,
      "};\n\n"
      "// Calls the service over a channel, which must outlive it. Thread-safe, cheap to copy.\n"
      "class $service$Client {\n"
      " public:\n"
      "  explicit $service$Client(::florin::rpc::Channel* channel) : channel_(channel) {}\n\n");
  PrintMethods(service, kClientMethod, kStreamClientMethod, out);
  out.Print("\n private:\n  ::florin::rpc::Channel* channel_;\n};\n\n");
}

void PrintServiceSource(const pb::ServiceDescriptor& service, pb::io::Printer& out) {
  const Vars vars = {{"service", service.name()},
                     {"index", std::to_string(service.index())},
                     {"file", service.file()->name()}};
  out.Print(
      vars,
      "$service$Service::$service$Service()\n"
      "    : ::florin::rpc::Service(*::google::protobuf::DescriptorPool::generated_pool()\n"
      "                                  ->FindFileByName(\"$file$\")->service($index$)) {\n");
  PrintMethods(service, kAdd, kStreamAdd, out);
  out.Print("}\n\n");
  PrintMethods(service, kCall, kStreamCall, out);
}

// Why the file cannot be generated, or nothing.
std::string Objection(const pb::FileDescriptor& file) {
  for (int i = 0; i < file.service_count(); ++i) {
    for (int k = 0; k < file.service(i)->method_count(); ++k) {
      const pb::MethodDescriptor& method = *file.service(i)->method(k);
      if (method.client_streaming()) {
        return method.full_name() +
               ": a request cannot be a stream; only `returns (stream …)` is supported";
      }
    }
  }
  return {};
}

class Generator : public pb::compiler::CodeGenerator {
 public:
  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor* file, const std::string&,
                pb::compiler::GeneratorContext* context, std::string* error) const override {
    *error = Objection(*file);
    if (!error->empty()) return false;
    const std::string stem =
        file->name().substr(0, file->name().size() - std::string(".proto").size());
    Vars vars = {{"file", file->name()},
                 {"stem", stem},
                 {"id", Replace(stem, "/", "_")},
                 {"table", DescriptorTable(file->name())},
                 {"namespace", Replace(file->package(), ".", "::")}};
    {
      const std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context->Open(stem + ".rpc.h"));
      pb::io::Printer out(stream.get(), '$');
      out.Print(vars,
                "// Generated from $file$ by protoc-gen-florin.\n"
                "#pragma once\n\n"
                "#include \"$stem$.pb.h\"\n"
                "#include \"libs/rpc/channel.h\"\n"
                "#include \"libs/rpc/service.h\"\n\n"
                "namespace $namespace$ {\n\n");
      for (int i = 0; i < file->service_count(); ++i) PrintServiceHeader(*file->service(i), out);
      out.Print(vars, "}  // namespace $namespace$\n");
    }
    const std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context->Open(stem + ".rpc.cc"));
    pb::io::Printer out(stream.get(), '$');
    out.Print(vars,
              "// Generated from $file$ by protoc-gen-florin.\n"
              "#include \"$stem$.rpc.h\"\n\n"
              "#include <google/protobuf/descriptor.h>\n"
              "#include <google/protobuf/generated_message_reflection.h>\n\n"
              "namespace $namespace$ {\n\n"
              "// So that the linker takes the descriptors of a file without messages, too.\n"
              "static const ::google::protobuf::internal::AddDescriptorsRunner\n"
              "    kDescriptors_$id$(&$table$);\n\n");
    for (int i = 0; i < file->service_count(); ++i) PrintServiceSource(*file->service(i), out);
    out.Print(vars, "}  // namespace $namespace$\n");
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const Generator generator;
  return pb::compiler::PluginMain(argc, argv, &generator);
}
