/// Names of contents, by which a client asks whether what it has is still right.
#pragma once

#include <string>

namespace jobwatchdog {

/// The strong name of a content, in its quotes.
[[nodiscard]] std::string etag_of(const std::string& content);

/// Whether a header If-None-Match names it; a proxy may have made the name a weak one.
[[nodiscard]] inline bool has_etag(const std::string& if_none_match, const std::string& etag) {
  return if_none_match == "*" || if_none_match.find(etag) != std::string::npos;
}

}  // namespace jobwatchdog
