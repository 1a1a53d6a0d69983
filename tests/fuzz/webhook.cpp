// Bodies of webhooks, which anybody may send: the task's id is a plain word, and the evidence can be stored.
#include <algorithm>

#include "core/sql_text.hpp"
#include "native/provider/evidence.hpp"
#include "native/provider/runninghub_reply.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

bool is_plain(const std::string& id) {
  return id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_';
         });
}

/// jsonb takes no NUL, not even as an escape.
bool holds_nul(const nlohmann::json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (!json.is_structured()) return false;
  return std::any_of(json.items().begin(), json.items().end(), [](const auto& item) {
    return holds_nul(item.value()) || item.key().find('\0') != std::string::npos;
  });
}

}  // namespace

Verdict webhook(const std::string& input) {
  const WebhookEvent event = parse_webhook(input);
  if (!is_plain(event.task_id)) return broken("the id of a task is a plain word");
  const nlohmann::json words = nlohmann::json::parse(event.words, nullptr, false);
  if (words.is_discarded() || holds_nul(words) || !is_storable_text(event.words) ||
      event.words.size() > words_size_max)
    return broken("the evidence can be stored as jsonb");
  return event.task_id.empty() ? refused() : taken();
}

}  // namespace jobwatchdog::fuzz
