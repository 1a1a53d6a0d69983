/// Messages for people and log collectors, on stderr; results go to stdout and never through here.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace jobwatchdog {

enum class LogLevel { debug, info, warning, error };

struct LogOptions {
  LogLevel level{LogLevel::info};
  bool json{false};  ///< One JSON object a line, RFC 3339 UTC times.
};

using LogFields = std::vector<std::pair<std::string, std::string>>;

void configure_log(const LogOptions& options);

/// Writes one message with its facts. Line breaks and other control characters are escaped: one message, one
/// line.
void log(LogLevel level, const std::string& message, const LogFields& fields = {});

}  // namespace jobwatchdog
