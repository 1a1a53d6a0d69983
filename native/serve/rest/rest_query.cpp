// Reading PostgREST's queries: select, filters, order, limit, offset.
#include "native/serve/rest/rest_query.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "native/json_text.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/rest/rest_reply.hpp"
#include "native/serve/url_query.hpp"

namespace jobwatchdog {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream{text};
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

/// The items of "(a,"b, c",d)": each plain, or in double quotes with backslashes.
std::optional<nlohmann::json> list_of(const std::string& text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return std::nullopt;
  nlohmann::json items = nlohmann::json::array();
  std::string item;
  bool is_quoted = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') {
      item += text[++i];
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (text[i] == ',' && !is_quoted) {
      items.push_back(std::exchange(item, ""));
    } else {
      item += text[i];
    }
  }
  if (text.size() > 2) items.push_back(item);
  return is_quoted ? std::nullopt : std::optional{items};
}

std::optional<std::int64_t> count_of(const std::string& text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc{} && end == text.data() + text.size() && count >= 0 ? std::optional{count}
                                                                                : std::nullopt;
}

HttpReply not_understood(const std::string& what) {
  return rest_error(
      400, "PGRST100", "This part of the query is not understood: " + what, "",
      "Understood are select, order, limit, offset, and filters with eq, neq, gt, gte, lt, lte, in, is");
}

class Reader {
 public:
  explicit Reader(RestQuery query) : query_(std::move(query)) {
    if (!query_.tool.empty()) query_.where = "t.tool = " + parameter(query_.tool);
    select(all_columns());
  }

  Result<RestQuery, HttpReply> read(const std::vector<std::pair<std::string, std::string>>& parts) {
    for (const auto& [name, value] : parts) {
      if (!take(name, value)) return problem_.value_or(not_understood(name + "=" + value));
    }
    if (query_.where.empty()) query_.where = "true";
    query_.page = " LIMIT " + std::to_string(limit_) + " OFFSET " + std::to_string(query_.offset);
    return std::move(query_);
  }

 private:
  bool take(const std::string& name, const std::string& value) {
    if (name == "select") return take_select(value);
    if (name == "order") return take_order(value);
    if (name == "limit" || name == "offset") return take_count(name, value);
    if (name == "columns") return true;  // Of an insert: the body says the same.
    return take_filter(name, value);
  }

  std::vector<const RestColumn*> all_columns() const {
    std::vector<const RestColumn*> columns;
    for (const RestColumn& column : query_.table->columns) columns.push_back(&column);
    return columns;
  }

  const RestColumn* column(const std::string& name) {
    const RestColumn* found = find_column(*query_.table, name);
    if (found == nullptr)
      problem_ = rest_error(400, "42703",
                            "column " + std::string{query_.table->name} + "." + name + " does not exist");
    return found;
  }

  void select(const std::vector<const RestColumn*>& columns) {
    query_.object = "json_build_object(";
    for (const RestColumn* chosen : columns) {
      if (query_.object.back() != '(') query_.object += ", ";
      query_.object += "'" + std::string{chosen->name} + "', t." + std::string{chosen->name};
    }
    query_.object += ")";
  }

  bool take_select(const std::string& value) {
    std::string plain = value;
    std::erase_if(plain, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    if (plain.empty() || plain == "*") return true;
    std::vector<const RestColumn*> columns;
    for (const std::string& name : split(plain)) {
      if (name == "*") {
        columns = all_columns();
        continue;
      }
      if (name.find_first_of("():!>") != std::string::npos) return false;
      const RestColumn* found = column(name);
      if (found == nullptr) return false;
      columns.push_back(found);
    }
    select(columns);
    return true;
  }

  bool take_order(const std::string& value) {
    for (const std::string& item : split(value)) {
      const std::size_t dot = std::min(item.find('.'), item.size());
      static const std::map<std::string, std::string> directions{{"", ""},
                                                                 {".asc", " ASC"},
                                                                 {".desc", " DESC"},
                                                                 {".asc.nullsfirst", " ASC NULLS FIRST"},
                                                                 {".asc.nullslast", " ASC NULLS LAST"},
                                                                 {".desc.nullsfirst", " DESC NULLS FIRST"},
                                                                 {".desc.nullslast", " DESC NULLS LAST"},
                                                                 {".nullsfirst", " NULLS FIRST"},
                                                                 {".nullslast", " NULLS LAST"}};
      const auto direction = directions.find(item.substr(dot));
      const RestColumn* found = column(item.substr(0, dot));
      if (found == nullptr || direction == directions.end()) return false;
      query_.order +=
          (query_.order.empty() ? " ORDER BY t." : ", t.") + std::string{found->name} + direction->second;
    }
    return true;
  }

  bool take_count(const std::string& name, const std::string& value) {
    const std::optional<std::int64_t> count = count_of(value);
    if (!count) return false;
    if (name == "limit") {
      limit_ = std::min(*count, rest_rows_max);
    } else {
      query_.offset = *count;
    }
    return true;
  }

  bool take_filter(const std::string& name, const std::string& value) {
    const RestColumn* found = column(name);
    if (found == nullptr) return false;
    const std::size_t dot = value.find('.');
    if (dot == std::string::npos) return false;
    const std::string word = value.substr(0, dot);
    const std::string operand = value.substr(dot + 1);
    const std::string left = "t." + std::string{found->name};
    const std::string type{found->type};
    static const std::map<std::string, std::string> comparisons{{"eq", "="},   {"neq", "<>"}, {"gt", ">"},
                                                                {"gte", ">="}, {"lt", "<"},   {"lte", "<="}};
    static const std::map<std::string, std::string> states{
        {"null", "NULL"}, {"true", "TRUE"}, {"false", "FALSE"}, {"not_null", "NOT NULL"}};
    if (const auto comparison = comparisons.find(word); comparison != comparisons.end()) {
      add(left + " " + comparison->second + " " + parameter(operand) + "::" + type);
      return true;
    }
    if (const auto state = states.find(operand); word == "is" && state != states.end()) {
      add(left + " IS " + state->second);
      return true;
    }
    const std::optional<nlohmann::json> items = list_of(operand);
    if (word != "in" || !items) return false;
    add(left + " = ANY (ARRAY(SELECT item::" + type + " FROM jsonb_array_elements_text(" +
        parameter(json_line(*items)) + "::jsonb) AS item))");
    return true;
  }

  std::string parameter(const std::string& value) {
    query_.parameters.emplace_back(value);
    return "$" + std::to_string(query_.parameters.size());
  }

  void add(const std::string& condition) {
    query_.where += (query_.where.empty() ? "" : " AND ") + condition;
  }

  RestQuery query_;
  std::int64_t limit_{rest_rows_max};
  std::optional<HttpReply> problem_;
};

}  // namespace

Result<RestQuery, HttpReply> parse_rest_query(const RestTable& table, const std::string& tool,
                                              const std::string& query) {
  const auto parts = parse_url_query(query);
  if (!parts) return not_understood("an escape of the URL");
  RestQuery begun;
  begun.table = &table;
  begun.tool = tool;
  return Reader{std::move(begun)}.read(*parts);
}

}  // namespace jobwatchdog
