#include "services/gateway/openapi/comments.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

namespace florin::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;

std::string Unwrap(const std::string& comment) {
  std::string text;
  for (const absl::string_view line : absl::StrSplit(comment, '\n')) {
    const absl::string_view words = absl::StripAsciiWhitespace(line);
    if (words.empty()) {
      if (!text.empty() && !absl::EndsWith(text, "\n\n")) absl::StrAppend(&text, "\n\n");
      continue;
    }
    if (!text.empty() && text.back() != '\n') text += ' ';
    absl::StrAppend(&text, words);
  }
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

template <class T>
void Read(const T& descriptor, Comments& comments) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return;
  std::string text = Unwrap(location.leading_comments.empty() ? location.trailing_comments
                                                              : location.leading_comments);
  if (!text.empty()) comments[descriptor.full_name()] = std::move(text);
}

void ReadEnum(const EnumDescriptor& type, Comments& comments) {
  Read(type, comments);
  for (int i = 0; i < type.value_count(); ++i) Read(*type.value(i), comments);
}

void ReadMessage(const Descriptor& message, Comments& comments) {
  Read(message, comments);
  for (int i = 0; i < message.field_count(); ++i) Read(*message.field(i), comments);
  for (int i = 0; i < message.enum_type_count(); ++i) ReadEnum(*message.enum_type(i), comments);
  for (int i = 0; i < message.nested_type_count(); ++i)
    ReadMessage(*message.nested_type(i), comments);
}

}  // namespace

absl::StatusOr<Comments> ReadComments(std::string_view descriptor_set) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size())))
    return Error(Reason::kInternal, "the embedded protos are no descriptor set");
  google::protobuf::DescriptorPool pool;
  Comments comments;
  for (const auto& file_proto : set.file()) {
    const auto* file = pool.BuildFile(file_proto);
    if (file == nullptr)
      return Error(Reason::kInternal, absl::StrCat(file_proto.name(), " cannot be built"));
    for (int i = 0; i < file->message_type_count(); ++i)
      ReadMessage(*file->message_type(i), comments);
    for (int i = 0; i < file->enum_type_count(); ++i) ReadEnum(*file->enum_type(i), comments);
    for (int i = 0; i < file->service_count(); ++i) {
      Read(*file->service(i), comments);
      for (int j = 0; j < file->service(i)->method_count(); ++j)
        Read(*file->service(i)->method(j), comments);
    }
  }
  return comments;
}

std::string SummaryOf(std::string_view comment) {
  std::string_view summary = comment.substr(0, comment.find("\n\n"));
  const std::size_t stop = summary.find(". ");
  summary = summary.substr(0, stop);
  if (summary.ends_with('.')) summary.remove_suffix(1);
  return std::string(summary);
}

}  // namespace florin::gateway
