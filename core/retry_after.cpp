// Reading Retry-After by the server's own clock.
#include "core/retry_after.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace jobwatchdog {
namespace {

/// A number of at most nine digits that is the whole text, or -1.
std::int64_t number_of(std::string_view text) {
  if (text.empty() || text.size() > 9) return -1;
  std::int64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    number = number * 10 + (digit - '0');
  }
  return number;
}

/// Days since 1970-01-01, by the Gregorian calendar with years that begin in March.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  const std::int64_t from_march = month > 2 ? month - 3 : month + 9;
  const std::int64_t years = month > 2 ? year : year - 1;
  return years * 365 + years / 4 - years / 100 + years / 400 + (153 * from_march + 2) / 5 + day - 1 - 719'468;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT": the one form that may still be sent.
std::optional<Instant> instant_of(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[19] != ':' ||
      text[22] != ':')
    return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  const std::int64_t day = number_of(text.substr(5, 2));
  const std::int64_t year = number_of(text.substr(12, 4));
  const std::int64_t hour = number_of(text.substr(17, 2));
  const std::int64_t minute = number_of(text.substr(20, 2));
  const std::int64_t second = number_of(text.substr(23, 2));
  if (month == months.end() || day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const std::int64_t days = days_of(year, month - months.begin() + 1, day);
  return Instant{(((days * 24 + hour) * 60 + minute) * 60 + second) * 1000};
}

Duration within_bounds(Duration rest) { return std::clamp(rest, Duration{}, retry_after_max); }

}  // namespace

std::optional<Duration> parse_retry_after(std::string_view value, std::string_view date) {
  if (const std::int64_t count = number_of(value); count >= 0) return within_bounds(seconds(count));
  const std::optional<Instant> until = instant_of(value);
  const std::optional<Instant> said_at = instant_of(date);
  if (!until || !said_at) return std::nullopt;
  return within_bounds(*until - *said_at);
}

}  // namespace jobwatchdog
