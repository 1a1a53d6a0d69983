// Bodies of requests: the first line is the content type, the rest the body. What is taken has one meaning
// for every reader, and its fields are what they are read as.
#include "native/serve/request_body.hpp"

#include "core/sql_text.hpp"
#include "native/access/caller.hpp"
#include "native/json_text.hpp"
#include "native/strict_json.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

constexpr std::size_t text_size_max = 40;

HttpRequest request_with(const std::string& type, const std::string& body) {
  HttpRequest request;
  request.headers["content-type"] = type;
  request.body = body;
  return request;
}

std::string law_of_text(const nlohmann::json& body, const std::string& name) {
  BodyReader reader{body};
  const std::string text = reader.text(name, text_size_max);
  if (reader.problem()) return "";
  const bool is_so =
      body[name] == text && !text.empty() && text.size() <= text_size_max && is_storable_text(text);
  return is_so ? "" : "a text is what stands there, short enough and storable";
}

std::string law_of_uuid(const nlohmann::json& body, const std::string& name) {
  BodyReader reader{body};
  const std::string text = reader.uuid(name);
  return reader.problem() || (is_uuid(text) && body[name] == text) ? "" : "a uuid is one";
}

std::string law_of_integer(const nlohmann::json& body, const std::string& name) {
  BodyReader reader{body};
  const std::optional<std::int64_t> integer = reader.integer_or_none(name);
  if (reader.problem()) return "";
  const bool is_so = integer ? body[name].dump() == std::to_string(*integer) : body[name].is_null();
  return is_so ? "" : "a whole number is the one that stands there";
}

std::string law_of_fields(const nlohmann::json& body) {
  if (!body.is_object()) return "";
  for (const auto& [name, value] : body.items()) {
    for (const auto& law : {law_of_text, law_of_uuid, law_of_integer}) {
      if (std::string broken_law = law(body, name); !broken_law.empty()) return broken_law;
    }
  }
  return "";
}

}  // namespace

Verdict request_body(const std::string& input) {
  const std::vector<std::string> lines = lines_of(input, 2);
  const HttpRequest request = request_with(lines[0], lines[1]);
  const Result<nlohmann::json, BodyFault> read = parse_body(request);
  const bool is_json = lines[0] == "application/json";
  const std::optional<nlohmann::json> strict = parse_strictly(lines[1]);
  if (!read.ok())
    return is_json && strict && strict->is_structured() &&
                   read.error().words.find("levels") == std::string::npos
               ? broken("what the strict reader takes is no fault")
               : refused();
  const nlohmann::json& body = read.value();
  if (!body.is_structured()) return broken("a body is an object or a list");
  if (!lines[1].empty() && strict != body) return broken("a body means the same to the strict reader");
  const HttpRequest written = request_with("application/json", json_line(body));
  const Result<nlohmann::json, BodyFault> again = parse_body(written);
  if (!again.ok() || again.value() != body) return broken("what is read and written reads as the same");
  return {true, law_of_fields(body)};
}

}  // namespace jobwatchdog::fuzz
