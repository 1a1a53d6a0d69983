// The words of watch scenarios: times and events read, actions written.
#include "tests/golden/watch_replay.hpp"

#include <cstdlib>
#include <string_view>

namespace jobwatchdog {
namespace {

using Kind = WatchEvent::Kind;

/// Where the server's clock stands at 0:00 of the rows; far from the caller's.
constexpr std::int64_t server_epoch_ms = 1'700'000'000'000;

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find(' ', from), text.size());
    if (end > from) words.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

/// "m:ss", "m:ss.mmm" or "h:mm:ss" in milliseconds.
std::int64_t ms_of(const std::string& text) {
  const bool is_negative = text.starts_with("-");
  std::int64_t parts[3] = {0, 0, 0};
  int count = 0;
  std::string number;
  for (const char c : text.substr(is_negative ? 1 : 0) + ":") {
    if (c != ':') {
      number += c;
      continue;
    }
    if (count < 3) parts[count++] = static_cast<std::int64_t>(std::atof(number.c_str()) * 1000 + 0.5);
    number.clear();
  }
  std::int64_t ms = 0;
  for (int i = 0; i < count; ++i) ms = ms * 60 + parts[i];
  return is_negative ? -ms : ms;
}

std::string two_digits(std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string time_text(std::int64_t ms) {
  if (ms < 0) return "-" + time_text(-ms);
  const std::int64_t hours = ms / 3'600'000;
  const std::int64_t minutes_left = ms / 60'000 % 60;
  std::string text =
      hours > 0 ? std::to_string(hours) + ":" + two_digits(minutes_left) : std::to_string(minutes_left);
  text += ":" + two_digits(ms / 1000 % 60);
  const std::string thousandths = std::to_string(1000 + ms % 1000).substr(1);
  return ms % 1000 == 0 ? text : text + "." + thousandths;
}

struct Named {
  std::string_view name;
  int value;
};

constexpr Named event_names[] = {{"watch", static_cast<int>(Kind::watch)},
                                 {"status", static_cast<int>(Kind::status_changed)},
                                 {"tick", static_cast<int>(Kind::tick)},
                                 {"reply", static_cast<int>(Kind::reply)},
                                 {"error", static_cast<int>(Kind::error)},
                                 {"visible", static_cast<int>(Kind::visible)},
                                 {"hidden", static_cast<int>(Kind::hidden)},
                                 {"online", static_cast<int>(Kind::online)},
                                 {"offline", static_cast<int>(Kind::offline)},
                                 {"flag_on", static_cast<int>(Kind::flag_on)},
                                 {"flag_off", static_cast<int>(Kind::flag_off)},
                                 {"lead", static_cast<int>(Kind::lead)},
                                 {"follow", static_cast<int>(Kind::follow)},
                                 {"refresh", static_cast<int>(Kind::refresh)},
                                 {"others_ask", static_cast<int>(Kind::others_ask)},
                                 {"stop", static_cast<int>(Kind::stop)}};

constexpr Named reason_names[] = {{"none", static_cast<int>(SyncReason::none)},
                                  {"already_terminal", static_cast<int>(SyncReason::already_terminal)},
                                  {"no_task_id", static_cast<int>(SyncReason::no_task_id)},
                                  {"no_api_key", static_cast<int>(SyncReason::no_api_key)},
                                  {"api_error", static_cast<int>(SyncReason::api_error)},
                                  {"still_processing", static_cast<int>(SyncReason::still_processing)}};

template <std::size_t count>
std::optional<int> value_of(const Named (&table)[count], const std::string& name) {
  for (const Named& entry : table)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

/// An event as written, with the texts that it points to.
struct WrittenEvent {
  WatchEvent event;
  std::string rest;  ///< A URL or words.
  int draw_permille{0};
};

/// A word "name=value" of the end; false when it is none.
bool take_option(const std::string& word, WrittenEvent& written) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return false;
  const std::string name = word.substr(0, equals);
  const std::string value = word.substr(equals + 1);
  if (name == "at") written.event.server_now = Instant{server_epoch_ms + ms_of(value)};
  if (name == "deadline") written.event.deadline_at = Instant{server_epoch_ms + ms_of(value)};
  if (name == "retry_after") written.event.retry_after = milliseconds(ms_of(value));
  if (name == "draw") written.draw_permille = std::atoi(value.c_str());
  return name == "at" || name == "deadline" || name == "retry_after" || name == "draw";
}

/// The word behind the request's number; false when it is unknown.
bool take_outcome(const std::string& word, WatchEvent& event) {
  if (event.kind == Kind::error) {
    event.http_status = word == "network" ? 0 : std::atoi(word.c_str());
    return word == "network" || event.http_status > 0;
  }
  if (const auto reason = value_of(reason_names, word)) {
    event.reason = static_cast<SyncReason>(*reason);
    return true;
  }
  event.status = job_status_of(word);
  return event.status.has_value();
}

bool read_event(const std::string& text, std::int64_t row_ms, WrittenEvent& written) {
  const std::vector<std::string> words = words_of(text);
  const auto kind = words.empty() ? std::nullopt : value_of(event_names, words[0]);
  if (!kind) return false;
  WatchEvent& event = written.event;
  event.kind = static_cast<Kind>(*kind);
  std::size_t at = 1;
  if (event.kind == Kind::watch || event.kind == Kind::status_changed) {
    if (words.size() < 2 || !(event.status = job_status_of(words[at++]))) return false;
  }
  if (event.kind == Kind::reply || event.kind == Kind::error) {
    if (words.size() < 3) return false;
    event.request_number = std::atoi(words[at++].c_str());
    if (!take_outcome(words[at++], event)) return false;
    if (event.kind == Kind::reply) event.server_now = Instant{server_epoch_ms + row_ms};
  }
  for (; at < words.size(); ++at)
    if (!take_option(words[at], written)) written.rest += (written.rest.empty() ? "" : " ") + words[at];
  if (event.status == JobStatus::completed) event.output_url = written.rest;
  if (event.status != JobStatus::completed) event.message = written.rest;
  return true;
}

std::string report_text(const WatchReport& report) {
  static const char* const words[] = {"completed", "failed", "cancelled", "overdue", "given_up"};
  std::string text = words[static_cast<int>(report.kind)];
  if (!report.output_url.empty()) text += " " + std::string{report.output_url};
  if (!report.reason.empty()) text += " " + std::string{report.reason};
  if (report.http_status != 0) text += " " + std::to_string(report.http_status);
  return text;
}

std::string pause_text(PauseReason reason) {
  static const char* const words[] = {"resumed", "paused flag_off", "paused offline", "paused hidden",
                                      "paused another_tab"};
  return words[static_cast<int>(reason)];
}

std::string actions_text(const WatchActions& actions) {
  std::string text;
  const auto add = [&](const std::string& action) { text += (text.empty() ? "" : ", ") + action; };
  if (actions.abort) add("abort");
  if (actions.report) add(report_text(*actions.report));
  if (actions.paused) add(pause_text(*actions.paused));
  if (actions.ask != 0) add("ask " + std::to_string(actions.ask));
  if (actions.wake_at) add("wake " + time_text(actions.wake_at->ms));
  return text.empty() ? "-" : text;
}

}  // namespace

void WatchReplay::begin_scenario() { *this = {}; }

void WatchReplay::set_policy(const std::string& initial_ms, const std::string& poll_ms,
                             const std::string& timeout_ms) {
  policy_ = {milliseconds(std::atoll(initial_ms.c_str())), milliseconds(std::atoll(poll_ms.c_str())),
             milliseconds(std::atoll(timeout_ms.c_str()))};
}

std::string WatchReplay::play(const std::string& time, const std::string& event) {
  WrittenEvent written;
  if (!read_event(event, ms_of(time), written)) return "this event cannot be read";
  const WatchStep next = step(state_, written.event, {Instant{ms_of(time)}, written.draw_permille}, policy_);
  state_ = next.state;
  return actions_text(next.actions);
}

}  // namespace jobwatchdog
