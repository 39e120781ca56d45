#include "services/gateway/transcode/json_reader.h"

#include <limits>
#include <set>
#include <string>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "services/gateway/transcode/field_text.h"

namespace florin::gateway {
namespace {

using boost::system::error_code;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Where the parser is: in an object that is a message, in one that is a map, or in an array.
struct Frame {
  enum class Kind { kMessage, kMap, kList };
  Kind kind;
  Message* message;                    // kMap, kList: the message that has the field.
  const FieldDescriptor* field;        // kMessage: the member being read, if any.
  absl::InlinedVector<bool, 24> seen;  // kMessage: by the field's index.
  std::set<std::string> keys;          // kMap: those read.
  std::string key;                     // kMap: the member being read.
  int index = 0;                       // kList: of the element being read.
};

// Handler of boost::json::basic_parser: its event functions return false after setting an
// error_code, and `status` says more.
class MessageBuilder {
 public:
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();

  explicit MessageBuilder(Message& root) : root_(root) { stack_.reserve(4); }

  const absl::Status& status() const { return status_; }

  // The path of the member being read, e.g. "items[2].name".
  std::string Path() const {
    std::string path;
    for (const Frame& frame : stack_) {
      if (frame.kind == Frame::Kind::kList) {
        absl::StrAppend(&path, "[", frame.index, "]");
      } else if (frame.kind == Frame::Kind::kMap) {
        absl::StrAppend(&path, ".", frame.key);
      } else if (frame.field != nullptr) {
        absl::StrAppend(&path, path.empty() ? "" : ".", frame.field->name());
      }
    }
    return path;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& ec) {
    if (stack_.empty()) return PushMessage(root_);
    Frame& top = stack_.back();
    if (top.kind == Frame::Kind::kMap || IsTimestamp(*top.field) ||
        top.field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return WrongType(ec);
    }
    const auto& reflection = *top.message->GetReflection();
    if (top.kind == Frame::Kind::kList)
      return PushMessage(*reflection.AddMessage(top.message, top.field));
    if (top.field->is_map()) return Push(Frame::Kind::kMap, top);
    if (top.field->is_repeated()) return WrongType(ec);
    return PushMessage(*reflection.MutableMessage(top.message, top.field));
  }
  bool on_object_end(std::size_t, error_code&) { return Pop(); }
  bool on_array_begin(error_code& ec) {
    if (stack_.empty()) return WrongType(ec);
    Frame& top = stack_.back();
    if (top.kind != Frame::Kind::kMessage || !top.field->is_repeated() || top.field->is_map())
      return WrongType(ec);
    return Push(Frame::Kind::kList, top);
  }
  bool on_array_end(std::size_t, error_code&) { return Pop(); }

  bool on_key_part(boost::json::string_view part, std::size_t, error_code&) { return Gather(part); }
  bool on_key(boost::json::string_view last, std::size_t, error_code& ec) {
    Gather(last);
    const std::string name = std::exchange(text_, {});
    Frame& top = stack_.back();
    return top.kind == Frame::Kind::kMap ? BeginMapMember(top, name, ec)
                                         : BeginField(top, name, ec);
  }
  bool on_string_part(boost::json::string_view part, std::size_t, error_code&) {
    return Gather(part);
  }
  bool on_string(boost::json::string_view last, std::size_t, error_code& ec) {
    Gather(last);
    const std::string text = std::exchange(text_, {});
    if (!TakesValue()) return WrongType(ec);
    Frame& top = stack_.back();
    if (top.kind == Frame::Kind::kMap) return SetMapValue(top, text, ec);
    const auto type = top.field->cpp_type();
    if (type == FieldDescriptor::CPPTYPE_INT32 || type == FieldDescriptor::CPPTYPE_BOOL ||
        (type == FieldDescriptor::CPPTYPE_MESSAGE && !IsTimestamp(*top.field))) {
      return WrongType(ec);
    }
    // The path is built only for an error.
    absl::Status status = SetFromText(*top.message, *top.field, text, "");
    if (!status.ok())
      status = Error(Reason::kInvalidField, std::string(status.message()), {.param = Path()});
    return Done(status, ec);
  }

  bool on_number_part(boost::json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, boost::json::string_view, error_code& ec) {
    if (!TakesValue() || stack_.back().kind == Frame::Kind::kMap) return WrongType(ec);
    Frame& top = stack_.back();
    const auto& reflection = *top.message->GetReflection();
    const bool repeated = top.field->is_repeated();
    if (top.field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      repeated ? reflection.AddInt64(top.message, top.field, value)
               : reflection.SetInt64(top.message, top.field, value);
      return Next();
    }
    const auto narrow = static_cast<std::int32_t>(value);
    if (top.field->cpp_type() != FieldDescriptor::CPPTYPE_INT32 || narrow != value)
      return WrongType(ec);
    repeated ? reflection.AddInt32(top.message, top.field, narrow)
             : reflection.SetInt32(top.message, top.field, narrow);
    return Next();
  }
  // Above the largest int64, or written with a fraction or an exponent.
  bool on_uint64(std::uint64_t, boost::json::string_view, error_code& ec) { return WrongType(ec); }
  bool on_double(double, boost::json::string_view, error_code& ec) { return WrongType(ec); }
  bool on_bool(bool value, error_code& ec) {
    if (!TakesValue() || stack_.back().kind == Frame::Kind::kMap) return WrongType(ec);
    Frame& top = stack_.back();
    if (top.field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL) return WrongType(ec);
    return Done(SetFromText(*top.message, *top.field, value ? "true" : "false", ""), ec);
  }
  bool on_null(error_code& ec) { return WrongType(ec); }
  bool on_comment_part(boost::json::string_view, error_code&) { return false; }
  bool on_comment(boost::json::string_view, error_code&) { return false; }

  bool WrongType(error_code& ec) {
    return Fail(
        Error(Reason::kInvalidField, stack_.empty() ? "the body must be an object" : Expected(),
              {.param = Path()}),
        ec);
  }

 private:
  std::string Expected() const {
    const Frame& top = stack_.back();
    if (top.kind == Frame::Kind::kMap) return "must be a string";
    if (top.field->is_map()) return "must be an object of strings";
    if (top.kind == Frame::Kind::kMessage && top.field->is_repeated()) return "must be an array";
    switch (top.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return "must be a whole number of 64 bits, as a decimal string or a JSON number without "
               "fraction or exponent";
      case FieldDescriptor::CPPTYPE_INT32:
        return "must be a whole JSON number of 32 bits without fraction or exponent";
      case FieldDescriptor::CPPTYPE_BOOL:
        return "must be true or false";
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return IsTimestamp(*top.field) ? "must be a string with a time (RFC 3339)"
                                       : "must be an object";
      default:
        return "must be a string";
    }
  }

  bool Fail(absl::Status status, error_code& ec) {
    status_ = std::move(status);
    ec = make_error_code(boost::system::errc::invalid_argument);
    return false;
  }
  bool Done(const absl::Status& status, error_code& ec) {
    return status.ok() ? Next() : Fail(status, ec);
  }
  // A value is complete.
  bool Next() {
    if (!stack_.empty()) ++stack_.back().index;
    return true;
  }

  // Whether a string, number or boolean may stand here: not as the whole document, nor where an
  // array must be.
  bool TakesValue() const {
    if (stack_.empty()) return false;
    const Frame& top = stack_.back();
    return top.kind != Frame::Kind::kMessage || !top.field->is_repeated();
  }

  bool Gather(boost::json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool PushMessage(Message& message) {
    stack_.push_back(Frame{.kind = Frame::Kind::kMessage, .message = &message, .field = nullptr});
    stack_.back().seen.resize(message.GetDescriptor()->field_count());
    return true;
  }
  bool Push(Frame::Kind kind, const Frame& top) {
    stack_.push_back(Frame{.kind = kind, .message = top.message, .field = top.field});
    return true;
  }
  bool Pop() {
    stack_.pop_back();
    return Next();
  }

  bool BeginField(Frame& top, const std::string& name, error_code& ec) {
    top.field = nullptr;
    const FieldDescriptor* field = top.message->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) {
      const std::string parent = Path();
      return Fail(Error(Reason::kUnknownField, "there is no such field",
                        {.param = absl::StrCat(parent, parent.empty() ? "" : ".", name)}),
                  ec);
    }
    top.field = field;
    if (std::exchange(top.seen[field->index()], true)) {
      return Fail(Error(Reason::kDuplicateKey, "the member is there twice", {.param = Path()}), ec);
    }
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && top.message->GetReflection()->HasOneof(*top.message, oneof)) {
      return Fail(
          Error(Reason::kInvalidField, "excludes another member that is there", {.param = Path()}),
          ec);
    }
    return true;
  }

  bool BeginMapMember(Frame& top, const std::string& name, error_code& ec) {
    top.key = name;
    if (top.keys.insert(name).second) return true;
    return Fail(Error(Reason::kDuplicateKey, "the member is there twice", {.param = Path()}), ec);
  }

  bool SetMapValue(Frame& top, const std::string& text, error_code& ec) {
    Message* entry = top.message->GetReflection()->AddMessage(top.message, top.field);
    const std::string param = Path();
    absl::Status status =
        SetFromText(*entry, *top.field->message_type()->map_key(), top.key, param);
    if (status.ok())
      status = SetFromText(*entry, *top.field->message_type()->map_value(), text, param);
    return Done(status, ec);
  }

  Message& root_;
  std::vector<Frame> stack_;
  std::string text_;  // Of the key or string being read.
  absl::Status status_;
};

}  // namespace

absl::Status ReadJson(std::string_view json, Message& message) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::basic_parser<MessageBuilder> parser(options, message);
  error_code ec;
  const std::size_t read = parser.write_some(/*more=*/false, json.data(), json.size(), ec);
  MessageBuilder& builder = parser.handler();
  if (!builder.status().ok()) return builder.status();
  if (ec == boost::json::error::too_deep) {
    return Error(Reason::kTooDeep, absl::StrCat("more than ", kMaxJsonDepth, " levels"));
  }
  if (ec == boost::json::error::exponent_overflow) {
    builder.WrongType(ec);
    return builder.status();
  }
  if (!ec && read < json.size()) ec = boost::json::error::extra_data;
  if (ec) return Error(Reason::kMalformedJson, absl::StrCat(ec.message(), " at byte ", read));
  return absl::OkStatus();
}

}  // namespace florin::gateway
