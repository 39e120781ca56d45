#include "libs/audit/audit_rpc.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/audit/export_lines.h"
#include "libs/crypto/sha256.h"
#include "libs/paging/paging.h"

namespace florin::audit {
namespace {

constexpr int kEventsOfAChunk = 200;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // Of the year 9999

// What a page token is bound to: a token of other filters is refused.
std::string BindingOf(v1::QueryEventsRequest request) {
  request.clear_page_size();
  request.clear_page_token();
  return crypto::Hex(crypto::AsOctets(crypto::Sha256(request.SerializeAsString()))).substr(0, 16);
}

absl::StatusOr<std::uint64_t> ParseToken(const std::string& token, const std::string& binding) {
  std::uint64_t after = 0;
  if (token.empty()) return after;
  const std::string end = "-" + binding;
  if (token.ends_with(end)) {
    const std::string number = token.substr(0, token.size() - end.size());
    if (absl::SimpleAtoi(number, &after) && std::to_string(after) == number) return after;
  }
  return Error(Reason::kInvalidPageToken, "not a page token of these filters",
               {.param = "page_token"});
}

absl::StatusOr<std::optional<absl::Time>> ParseTime(bool set,
                                                    const google::protobuf::Timestamp& time,
                                                    const char* param) {
  if (!set) return std::optional<absl::Time>();
  if (time.seconds() < 0 || time.seconds() > kLastSecond || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return Error(Reason::kInvalidField, "not a time", {.param = param});
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::StatusOr<Filter> FilterOf(const v1::QueryEventsRequest& request) {
  Filter filter{.subject = request.subject(), .actor = request.actor(), .action = request.action()};
  FLORIN_ASSIGN_OR_RETURN(filter.from,
                          ParseTime(request.has_from_time(), request.from_time(), "from_time"));
  FLORIN_ASSIGN_OR_RETURN(filter.to,
                          ParseTime(request.has_to_time(), request.to_time(), "to_time"));
  for (const std::string* const text : {&filter.subject, &filter.actor, &filter.action}) {
    if (text->find('\0') != std::string::npos)
      return Error(Reason::kInvalidField, "a filter holds a NUL");
  }
  return filter;
}

v1::Event ToProto(const ChainedEvent& chained) {
  const Event& event = chained.event;
  v1::Event proto;
  proto.set_event_id(event.event_id.ToString());
  const std::int64_t micros = absl::ToUnixMicros(event.time);
  proto.mutable_time()->set_seconds(micros / 1'000'000);
  proto.mutable_time()->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1'000));
  proto.set_action(event.action);
  proto.set_actor(event.actor);
  proto.set_on_behalf_of(event.on_behalf_of);
  proto.set_subject(event.subject);
  proto.set_decision(event.decision == Decision::kAllowed ? v1::ALLOWED : v1::REFUSED);
  proto.set_reason(event.reason);
  proto.set_caller(event.origin.caller);
  proto.set_client_address(event.origin.client_address);
  proto.set_request_id(event.origin.request_id);
  for (const auto& [key, value] : event.details) (*proto.mutable_details())[key] = value;
  proto.set_number(chained.number);
  return proto;
}

// Events and heads in the order of their numbers, a head after the event that it covers last.
std::string LinesOf(const Stretch& stretch) {
  std::string lines;
  auto head = stretch.heads.begin();
  const auto add_heads_below = [&](std::uint64_t number) {
    for (; head != stretch.heads.end() && head->head.size < number; ++head)
      absl::StrAppend(&lines, HeadLine(*head), "\n");
  };
  for (const ChainedEvent& chained : stretch.events) {
    add_heads_below(chained.number);
    absl::StrAppend(&lines, EventLine(chained.number, chained.leaf, chained.event), "\n");
    add_heads_below(chained.number + 1);
  }
  if (stretch.events.empty()) add_heads_below(UINT64_MAX);
  return lines;
}

}  // namespace

Task<absl::StatusOr<v1::QueryEventsResponse>> AuditRpc::QueryEvents(
    rpc::Call&, const v1::QueryEventsRequest& request) {
  const std::string binding = BindingOf(request);
  FLORIN_CO_ASSIGN_OR_RETURN(const int size, ParsePageSize(request.page_size()));
  FLORIN_CO_ASSIGN_OR_RETURN(const std::uint64_t after, ParseToken(request.page_token(), binding));
  FLORIN_CO_ASSIGN_OR_RETURN(Filter filter, FilterOf(request));
  FLORIN_CO_ASSIGN_OR_RETURN(std::vector<ChainedEvent> events,
                             co_await reader_.Query(std::move(filter), after, size + 1));
  v1::QueryEventsResponse response;
  if (events.size() > static_cast<std::size_t>(size)) {
    events.pop_back();
    response.set_next_page_token(absl::StrCat(events.back().number, "-", binding));
  }
  for (const ChainedEvent& event : events) *response.add_events() = ToProto(event);
  co_return response;
}

Task<absl::Status> AuditRpc::ExportEvents(rpc::Call&, const v1::ExportEventsRequest& request,
                                          rpc::Stream<v1::ExportEventsChunk>& out) {
  std::uint64_t after = request.after_number();
  if (after == 0) {
    v1::ExportEventsChunk chunk;
    chunk.set_lines(FirstLine(reader_.origin()) + "\n");
    FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(chunk));
  }
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<merkle::SignedTreeHead> latest,
                             co_await reader_.LatestHead());
  const std::uint64_t until = latest ? latest->head.size : 0;
  while (after < until) {
    FLORIN_CO_ASSIGN_OR_RETURN(const Stretch stretch,
                               co_await reader_.Read(after, until, kEventsOfAChunk));
    if (stretch.events.empty())
      co_return Error(Reason::kAuditInconsistent, "a head covers more events than there are");
    after = stretch.events.back().number;
    v1::ExportEventsChunk chunk;
    chunk.set_lines(LinesOf(stretch));
    FLORIN_CO_RETURN_IF_ERROR(co_await out.Write(chunk));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<v1::Head>> AuditRpc::GetHead(rpc::Call&, const v1::GetHeadRequest&) {
  FLORIN_CO_ASSIGN_OR_RETURN(const std::optional<merkle::SignedTreeHead> latest,
                             co_await reader_.LatestHead());
  if (!latest) co_return Error(Reason::kAuditLogEmpty, "no event has been chained yet");
  v1::Head head;
  head.set_checkpoint(merkle::CheckpointText(latest->head));
  head.set_key_id(latest->key_id);
  head.set_signature(latest->signature);
  co_return head;
}

}  // namespace florin::audit
