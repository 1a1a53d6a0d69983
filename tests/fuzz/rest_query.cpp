// Queries of /rest/v1: the first line is the table, the rest the query. Its SQL holds our words and numbers,
// and never one of the request's.
#include "native/serve/rest/rest_query.hpp"

#include <algorithm>
#include <set>

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

const std::set<std::string>& known_words() {
  static const std::set<std::string> words{"json_build_object",
                                           "t",
                                           "item",
                                           "tool",
                                           "jsonb",
                                           "jsonb_array_elements_text",
                                           "true",
                                           "SELECT",
                                           "FROM",
                                           "AS",
                                           "AND",
                                           "ANY",
                                           "ARRAY",
                                           "IS",
                                           "NOT",
                                           "NULL",
                                           "TRUE",
                                           "FALSE",
                                           "ORDER",
                                           "BY",
                                           "ASC",
                                           "DESC",
                                           "NULLS",
                                           "FIRST",
                                           "LAST",
                                           "LIMIT",
                                           "OFFSET"};
  return words;
}

bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_our_word(const std::string& word, const RestTable& table) {
  const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
  return is_number || known_words().contains(word) ||
         std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const RestColumn& column) { return column.name == word || column.type == word; });
}

/// Whether all words are ours, and between them stand only signs that our statements have.
bool is_our_sql(const std::string& sql, const RestTable& table) {
  for (std::size_t at = 0; at < sql.size();) {
    if (!is_of_word(sql[at])) {
      if (std::string_view{" ,.()'$:=<>"}.find(sql[at++]) == std::string_view::npos) return false;
      continue;
    }
    std::size_t end = at;
    while (end < sql.size() && is_of_word(sql[end])) ++end;
    if (!is_our_word(sql.substr(at, end - at), table)) return false;
    at = end;
  }
  return true;
}

}  // namespace

Verdict rest_query(const std::string& input) {
  const std::vector<std::string> lines = lines_of(input, 2);
  const RestTable* known = find_rest_table(lines[0]);
  const RestTable& table = known == nullptr ? jobs_table() : *known;
  const auto read = parse_rest_query(table, known == nullptr ? "upscaler" : "", lines[1]);
  if (!read.ok())
    return read.error().status == 400 ? refused() : broken("a query that is not understood is 400");
  const RestQuery& query = read.value();
  if (!is_our_sql(query.object + query.where + query.order + query.page, table))
    return broken("no word of the request stands in SQL");
  const auto count = static_cast<std::size_t>(std::count(query.where.begin(), query.where.end(), '$'));
  if (count != query.parameters.size()) return broken("each parameter has its place");
  const std::size_t limit = std::stoul(query.page.substr(std::string_view{" LIMIT "}.size()));
  return taken_under(limit <= static_cast<std::size_t>(rest_rows_max), "a page has a limit");
}

}  // namespace jobwatchdog::fuzz
