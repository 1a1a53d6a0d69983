/// The built pages that `serve --pages` gives out: the files of a directory, read once and kept in memory, so
/// that no request ever names a file to open.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

class Pages {
 public:
  static constexpr std::size_t size_max = 64UL * 1'024 * 1'024;  ///< Bytes of all files together.

  /// Reads all files below a directory, but none whose name, or a directory's on the way, begins with a dot.
  /** Problem: it cannot be read, has no index.html, is too large, or a link in it leads out of it. */
  [[nodiscard]] static Result<Pages> load(const std::string& directory);

  /// The reply to GET, or 304. A path without a file is answered by index.html when a browser navigates to
  /// it, for the page finds its way by itself; else nothing.
  [[nodiscard]] std::optional<HttpReply> answer(const HttpRequest& request) const;

 private:
  std::map<std::string, HttpReply> replies_;  ///< By path, decoded: "/index.html".
};

}  // namespace jobwatchdog
