// Messages of Realtime, in both spellings: what is read is written and reads again as the same.
#include "native/json_text.hpp"
#include "native/serve/realtime/phoenix_message.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

bool reads_again(const PhoenixMessage& message, PhoenixVersion version) {
  const auto again = parse_phoenix(phoenix_text(message, json_line(message.payload), version), version);
  return again && again->join_ref == message.join_ref && again->ref == message.ref &&
         again->topic == message.topic && again->event == message.event && again->payload == message.payload;
}

}  // namespace

Verdict phoenix(const std::string& input) {
  Verdict verdict = refused();
  for (const PhoenixVersion version : {PhoenixVersion::v1, PhoenixVersion::v2}) {
    const auto message = parse_phoenix(input, version);
    if (!message) continue;
    verdict = taken_under(reads_again(*message, version), "what is read and written reads as the same");
    if (!verdict.broken_law.empty()) return verdict;
    for (const PhoenixVersion other : {PhoenixVersion::v1, PhoenixVersion::v2}) {
      const auto reply = parse_phoenix(phoenix_reply(*message, "ok", {{"a", 1}}, other), other);
      if (!reply || reply->topic != message->topic || reply->event != "phx_reply")
        return broken("a reply is a message about the same topic");
    }
  }
  return verdict;
}

}  // namespace jobwatchdog::fuzz
