// Strict JSON bodies.
#include "native/serve/request_body.hpp"

#include <limits>
#include <set>
#include <vector>

#include "core/sql_text.hpp"
#include "native/access/caller.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t depth_max = 32;

bool is_json_type(const HttpRequest& request) {
  const auto found = request.headers.find("content-type");
  if (found == request.headers.end()) return request.body.empty();
  const std::string type = found->second.substr(0, found->second.find(';'));
  return type == "application/json" || type == "application/json " || request.body.empty();
}

/// Watches a document while it is read: its depth, and names that come twice.
class Watcher {
 public:
  bool operator()(int /*depth*/, nlohmann::json::parse_event_t event, const nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      names_.emplace_back();
      is_too_deep = is_too_deep || names_.size() > depth_max;
    } else if (event == Event::object_end || event == Event::array_end) {
      names_.pop_back();
    } else if (event == Event::key && !names_.back().insert(value.get<std::string>()).second) {
      repeated_name = value.get<std::string>();
    }
    return !is_too_deep;
  }

  bool is_too_deep{false};
  std::string repeated_name;

 private:
  std::vector<std::set<std::string>> names_;
};

}  // namespace

Result<nlohmann::json, BodyFault> parse_body(const HttpRequest& request) {
  if (!is_json_type(request))
    return BodyFault{415, "The body must be JSON, with Content-Type: application/json"};
  if (request.body.empty()) return nlohmann::json::object();
  // The parser takes a NUL for the end, and would not see what stands behind it.
  if (request.body.find('\0') != std::string::npos) return BodyFault{400, "The body holds a NUL"};
  Watcher watcher;
  nlohmann::json body = nlohmann::json::parse(
      request.body,
      [&](int depth, auto event, const nlohmann::json& value) { return watcher(depth, event, value); },
      false);
  if (watcher.is_too_deep) return BodyFault{400, "The body has more than 32 levels"};
  if (body.is_discarded()) return BodyFault{400, "The body is not JSON in UTF-8"};
  if (!watcher.repeated_name.empty())
    return BodyFault{400, "The body has \"" + watcher.repeated_name + "\" twice in one object"};
  if (!body.is_object() && !body.is_array()) return BodyFault{400, "The body must be a JSON object"};
  return body;
}

const nlohmann::json* BodyReader::find(const std::string& name) const {
  if (!body_.is_object()) return nullptr;
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

void BodyReader::complain(const std::string& name, const std::string& what) {
  if (!problem_) problem_ = where_ + name + " " + what;
}

std::string BodyReader::text_or_none(const std::string& name, std::size_t size_max) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return "";
  if (!value->is_string()) {
    complain(name, "must be a text");
    return "";
  }
  std::string text = value->get<std::string>();
  if (text.size() > size_max) complain(name, "is longer than " + std::to_string(size_max) + " bytes");
  if (!is_storable_text(text)) complain(name, "must not hold a NUL");
  return text;
}

std::string BodyReader::text(const std::string& name, std::size_t size_max) {
  std::string text = text_or_none(name, size_max);
  if (text.empty()) complain(name, "is required");
  return text;
}

std::string BodyReader::uuid_or_none(const std::string& name) {
  std::string text = text_or_none(name);
  if (!text.empty() && !is_uuid(text)) complain(name, "must be a uuid");
  return text;
}

std::string BodyReader::uuid(const std::string& name) {
  std::string text = uuid_or_none(name);
  if (text.empty()) complain(name, "is required");
  return text;
}

std::optional<std::int64_t> BodyReader::integer_or_none(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > most) {
    complain(name, "must be a whole number of at most 64 bits");
  } else if (value->is_number_integer()) {
    return value->get<std::int64_t>();
  } else {
    complain(name, "must be a whole number");
  }
  return std::nullopt;
}

}  // namespace jobwatchdog
