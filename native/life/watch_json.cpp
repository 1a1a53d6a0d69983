// The watching machine of a job as JSON.
#include "native/life/watch_json.hpp"

#include <nlohmann/json.hpp>

namespace jobwatchdog {
namespace {

/// Visits every member that outlives a check under its name: the one list for both ways. What belongs to a
/// page (visible, online, leading) is not among them.
template <typename State, typename Visitor>
void visit_members(State& state, Visitor&& visit) {
  visit("phase", state.phase);
  visit("status", state.status);
  visit("is_enabled", state.is_enabled);
  visit("overdue_was_told", state.overdue_was_told);
  visit("giving_up_was_told", state.giving_up_was_told);
  visit("paused", state.paused);
  visit("request_number", state.request_number);
  visit("in_flight", state.in_flight);
  visit("answer_count", state.answer_count);
  visit("failure_count", state.failure_count);
  visit("late_answer_count", state.late_answer_count);
  visit("last_now", state.last_now);
  visit("wake_at", state.wake_at);
  visit("lived", state.lived);
  visit("asked_at", state.asked_at);
  visit("answered_at", state.answered_at);
  visit("next_ask_at", state.next_ask_at);
  visit("not_before", state.not_before);
  visit("limit_at", state.limit_at);
  visit("began_by_server", state.began_by_server);
  visit("server_now", state.server_now);
}

template <typename Value>
std::int64_t number_of(const Value& value) {
  if constexpr (std::is_same_v<Value, Instant> || std::is_same_v<Value, Duration>) {
    return value.ms;
  } else {
    return static_cast<std::int64_t>(value);
  }
}

template <typename Value>
void set_number(Value& value, std::int64_t number) {
  if constexpr (std::is_same_v<Value, Instant> || std::is_same_v<Value, Duration>) {
    value.ms = number;
  } else {
    value = static_cast<Value>(number);
  }
}

struct Writer {
  nlohmann::json& json;

  template <typename Value>
  void operator()(const char* name, const Value& value) {
    if (number_of(value) != 0) json[name] = number_of(value);  // What is missing is zero.
  }
  void operator()(const char* name, const std::optional<Instant>& value) {
    if (value) json[name] = value->ms;
  }
};

struct Reader {
  const nlohmann::json& json;
  bool is_readable{true};

  std::optional<std::int64_t> read(const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) return std::nullopt;
    if (!found->is_number_integer()) is_readable = false;
    return found->is_number_integer() ? found->get<std::int64_t>() : std::optional<std::int64_t>{};
  }
  template <typename Value>
  void operator()(const char* name, Value& value) {
    set_number(value, read(name).value_or(0));
  }
  void operator()(const char* name, std::optional<Instant>& value) {
    value.reset();
    if (const auto number = read(name)) value = Instant{*number};
  }
};

}  // namespace

nlohmann::json watch_json(const WatchState& state) {
  nlohmann::json json = nlohmann::json::object();
  visit_members(state, Writer{json});
  return json;
}

WatchState watch_of_json(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return {};
  WatchState state;
  Reader reader{json};
  visit_members(state, reader);
  const bool is_sound = reader.is_readable && state.phase >= WatchPhase::stopped &&
                        state.phase <= WatchPhase::cancelled && state.status >= JobStatus::pending &&
                        state.status <= JobStatus::cancelled && state.paused >= PauseReason::none &&
                        state.paused <= PauseReason::another_tab;
  return is_sound ? state : WatchState{};
}

}  // namespace jobwatchdog
