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

Vars MethodVars(const pb::MethodDescriptor& method) {
  return {{"name", method.name()},
          {"request", CppName(method.input_type()->full_name())},
          {"response", CppName(method.output_type()->full_name())},
          {"path", "/" + method.service()->full_name() + "/" + method.name()}};
}

void PrintServiceHeader(const pb::ServiceDescriptor& service, pb::io::Printer& out) {
  const Vars vars = {{"service", service.name()}};
  out.Print(vars,
            "// Derive from it and implement every method; see libs/rpc/service.h.\n"
            "class $service$Service : public ::florin::rpc::Service {\n"
            " public:\n"
            "  $service$Service();\n\n");
  for (int i = 0; i < service.method_count(); ++i) {
    out.Print(MethodVars(*service.method(i)),
              "  virtual ::florin::Task<::absl::StatusOr<$response$>> $name$(\n"
              "      ::florin::rpc::Call& call, const $request$& request) = 0;\n");
  }
  out.Print(
      vars,
      "};\n\n"
      "// Calls the service over a channel, which must outlive it. Thread-safe, cheap to copy.\n"
      "class $service$Client {\n"
      " public:\n"
      "  explicit $service$Client(::florin::rpc::Channel* channel) : channel_(channel) {}\n\n");
  for (int i = 0; i < service.method_count(); ++i) {
    out.Print(MethodVars(*service.method(i)),
              "  ::florin::Task<::absl::StatusOr<$response$>> $name$(\n"
              "      ::florin::rpc::Outgoing context, const $request$& request) const;\n");
  }
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
  for (int i = 0; i < service.method_count(); ++i) {
    Vars method = MethodVars(*service.method(i));
    method["service"] = service.name();
    out.Print(method,
              "  Add<$request$, $response$>(\"$name$\", this, &$service$Service::$name$);\n");
  }
  out.Print("}\n\n");
  for (int i = 0; i < service.method_count(); ++i) {
    Vars method = MethodVars(*service.method(i));
    method["service"] = service.name();
    out.Print(method,
              "::florin::Task<::absl::StatusOr<$response$>> $service$Client::$name$(\n"
              "    ::florin::rpc::Outgoing context, const $request$& request) const {\n"
              "  return channel_->Unary<$response$>(\"$path$\", std::move(context), request);\n"
              "}\n\n");
  }
}

class Generator : public pb::compiler::CodeGenerator {
 public:
  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor* file, const std::string&,
                pb::compiler::GeneratorContext* context, std::string*) const override {
    const std::string stem =
        file->name().substr(0, file->name().size() - std::string(".proto").size());
    Vars vars = {
        {"file", file->name()}, {"stem", stem}, {"namespace", Replace(file->package(), ".", "::")}};
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
              "#include <google/protobuf/descriptor.h>\n\n"
              "namespace $namespace$ {\n\n");
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
