/// The JSON body of a request, and reading it field by field: an allow-list, for what is not asked for is not
/// there.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

/// A refusal with its status.
struct BodyFault {
  int status{400};
  std::string words;
};

/// An object or a list; an empty body is an empty object.
/** Refused: another content type than JSON (415), text that is no JSON or not UTF-8, a name twice in one
 * object, more than 32 levels, anything but an object or a list. Source: invariants.md S4 and S17. */
[[nodiscard]] Result<nlohmann::json, BodyFault> parse_body(const HttpRequest& request);

/// Reads fields and remembers the first that is wrong.
class BodyReader {
 public:
  explicit BodyReader(const nlohmann::json& body, std::string where = "")
      : body_(body), where_(std::move(where)) {}

  /// A text that must be there, not empty.
  [[nodiscard]] std::string text(const std::string& name, std::size_t size_max = 200);
  /// "" when it is absent or null.
  [[nodiscard]] std::string text_or_none(const std::string& name, std::size_t size_max = 200);
  [[nodiscard]] std::string uuid(const std::string& name);
  [[nodiscard]] std::string uuid_or_none(const std::string& name);
  [[nodiscard]] std::optional<std::int64_t> integer_or_none(const std::string& name);

  /// The first complaint, as a 400.
  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

 private:
  const nlohmann::json* find(const std::string& name) const;
  void complain(const std::string& name, const std::string& what);

  const nlohmann::json& body_;
  std::string where_;
  std::optional<std::string> problem_;
};

}  // namespace jobwatchdog
