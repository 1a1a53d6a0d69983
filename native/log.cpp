// Messages on stderr, by spdlog.
#include "native/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

bool as_json = false;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: break;
  }
  return spdlog::level::err;
}

std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20U || c == 0x7F) {
      out += '?';
    } else {
      out += c;
    }
  }
  return out;
}

std::string render(const std::string& message, const LogFields& fields) {
  if (as_json) {
    std::string text = "\"message\":" + json_line(message);
    for (const auto& [name, value] : fields) {
      text += "," + json_line(name) + ":" + json_line(value);
    }
    return text;
  }
  std::string text = one_line(message);
  for (const auto& [name, value] : fields) text += " " + name + "=" + one_line(value);
  return text;
}

}  // namespace

void configure_log(const LogOptions& options) {
  as_json = options.json;
  const bool plain = std::getenv("NO_COLOR") != nullptr;
  auto logger = spdlog::stderr_color_mt("jobwatchdog",
                                        plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  if (options.json) {
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
  } else {
    logger->set_pattern("%^%l:%$ %v");
  }
  logger->set_level(spdlog_level(options.level));
  spdlog::set_default_logger(logger);
}

void log(LogLevel level, const std::string& message, const LogFields& fields) {
  spdlog::log(spdlog_level(level), "{}", render(message, fields));
}

}  // namespace jobwatchdog
