// Durations as people write them, both ways.
#include "core/duration_text.hpp"

#include <array>
#include <cstdint>

namespace jobwatchdog {
namespace {

struct Unit {
  std::string_view name;  ///< As it is written.
  std::int64_t ms;
  std::array<std::string_view, 5> spellings;  ///< As it is read.
};

constexpr std::int64_t duration_ms_max = 3'650LL * 86'400'000;

constexpr std::array<Unit, 5> units{{
    {"d", 86'400'000, {"d", "day", "days", "", ""}},
    {"h", 3'600'000, {"h", "hour", "hours", "hr", "hrs"}},
    {"min", 60'000, {"min", "m", "mins", "minute", "minutes"}},
    {"s", 1'000, {"s", "sec", "secs", "second", "seconds"}},
    {"ms", 1, {"ms", "millisecond", "milliseconds", "", ""}},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::int64_t unit_ms(std::string_view word) {
  for (const Unit& unit : units) {
    for (std::string_view spelling : unit.spellings) {
      if (!spelling.empty() && spelling == word) return unit.ms;
    }
  }
  return 0;
}

Problem not_a_duration(std::string_view text, std::string why) {
  return {"", "\"" + std::string{text} + "\" is not a duration: " + std::move(why),
          R"(write a number and a unit, such as "90 s", "5 min" or "1 h 30 min")"};
}

void skip_spaces(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == ' ') ++at;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::int64_t total_ms = 0;
  std::size_t at = 0;
  skip_spaces(text, at);
  if (at == text.size()) return not_a_duration(text, "it is empty");
  while (at < text.size()) {
    std::int64_t count = 0;
    const std::size_t digits_from = at;
    while (at < text.size() && is_digit(text[at]) && count <= duration_ms_max)
      count = count * 10 + (text[at++] - '0');
    if (at == digits_from)
      return not_a_duration(text, "a whole number is expected at character " + std::to_string(at + 1));
    skip_spaces(text, at);
    const std::size_t word_from = at;
    while (at < text.size() && is_letter(text[at])) ++at;
    const std::string_view word = text.substr(word_from, at - word_from);
    if (word.empty()) return not_a_duration(text, "the number " + std::to_string(count) + " has no unit");
    const std::int64_t ms = unit_ms(word);
    if (ms == 0) return not_a_duration(text, "\"" + std::string{word} + "\" is not a unit");
    if (count > duration_ms_max / ms || total_ms + count * ms > duration_ms_max) {
      return not_a_duration(text, "it is longer than 10 years");
    }
    total_ms += count * ms;
    skip_spaces(text, at);
  }
  if (total_ms == 0) return not_a_duration(text, "it must be longer than nothing");
  return Duration{total_ms};
}

std::string exact_duration_text(Duration duration) {
  std::string text;
  std::int64_t rest_ms = duration.ms;
  for (const Unit& unit : units) {
    const std::int64_t count = rest_ms / unit.ms;
    if (count == 0) continue;
    rest_ms -= count * unit.ms;
    text += (text.empty() ? "" : " ") + std::to_string(count) + " " + std::string{unit.name};
  }
  return text.empty() ? "0 ms" : text;
}

std::string duration_text(Duration duration) {
  std::int64_t size_ms = duration.ms < 0 ? -duration.ms : duration.ms;
  // What is far below the largest unit is noise to a reader: cut it before writing.
  for (std::size_t i = 0; i + 2 < units.size(); ++i) {
    if (size_ms < units[i].ms) continue;
    size_ms -= size_ms % units[i + 1].ms;
    break;
  }
  if (size_ms >= 1'000) size_ms -= size_ms % 1'000;
  return (duration.ms < 0 ? "-" : "") + exact_duration_text({size_ms});
}

}  // namespace jobwatchdog
