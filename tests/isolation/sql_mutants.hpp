/// Mutants of SQL text: every guard of a statement that locks or writes, taken away one at a time.
///
/// Good enough for SQL that is written as ours is: keywords in capitals, statements ended by a semicolon.
#pragma once

#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace jobwatchdog::test {

struct SqlToken {
  std::string text;
  std::size_t begin{};
  std::size_t end{};
  int depth{};  ///< Of parentheses; a parenthesis itself belongs to the outside.
};

/// A text with one guard less.
struct SqlMutant {
  std::string name;  ///< Kind and content of the guard, as letters, digits and '_'; unique in its text.
  std::string text;
};

inline std::size_t end_of_quoted(const std::string& sql, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < sql.size() && (sql[end] != sql[begin] || (end + 1 < sql.size() && sql[end + 1] == sql[begin])))
    end += sql[end] == sql[begin] ? 2 : 1;
  return std::min(end + 1, sql.size());
}

inline bool is_word_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '.' ||
         letter == '$';
}

/// Words, quoted things and single marks; comments and blanks are left out.
inline std::vector<SqlToken> sql_tokens(const std::string& sql) {
  std::vector<SqlToken> tokens;
  int depth = 0;
  for (std::size_t at = 0; at < sql.size();) {
    std::size_t end = at + 1;
    if (std::isspace(static_cast<unsigned char>(sql[at])) != 0) {
      at = end;
      continue;
    }
    if (sql.compare(at, 2, "--") == 0) {
      at = std::min(sql.find('\n', at), sql.size());
      continue;
    }
    if (sql[at] == '\'' || sql[at] == '"') end = end_of_quoted(sql, at);
    if (is_word_letter(sql[at]))
      while (end < sql.size() && is_word_letter(sql[end])) ++end;
    if (sql[at] == ')') --depth;
    tokens.push_back({sql.substr(at, end - at), at, end, depth});
    if (sql[at] == '(') ++depth;
    at = end;
  }
  return tokens;
}

/// What the mutants of one text are made with: its tokens from `first` to before `last` are one statement.
class SqlMutator {
 public:
  explicit SqlMutator(std::string sql) : sql_(std::move(sql)), tokens_(sql_tokens(sql_)) {}

  /// Mutants of each statement that `is_guarding` accepts, and of each IF. Of a subquery's conditions only
  /// when it accepts the subquery by itself; a FILTER belongs to the query that it stands in.
  std::vector<SqlMutant> mutants(const std::regex& is_guarding) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) mutate_if(i);
    std::size_t first = 0;
    for (std::size_t i = 0; i <= tokens_.size(); ++i) {
      if (i < tokens_.size() && tokens_[i].text != ";") continue;
      const std::string statement = words(first, i);
      if (std::regex_search(statement, is_guarding)) {
        for (std::size_t k = first; k < i; ++k) {
          const bool is_filter = k >= first + 2 && is(k - 1, "(") && is(k - 2, "FILTER");
          const bool is_own = is_filter || std::regex_search(words_before(k, first), is_guarding);
          if ((is(k, "WHERE") || is(k, "ON")) && !is_own) continue;
          mutate(k, i, statement);
        }
      }
      first = i + 1;
    }
    return std::move(mutants_);
  }

 private:
  [[nodiscard]] bool is(std::size_t i, const char* text) const {
    return i < tokens_.size() && tokens_[i].text == text;
  }

  [[nodiscard]] std::string words(std::size_t first, std::size_t last) const {
    std::string text;
    for (std::size_t i = first; i < last && i < tokens_.size(); ++i) text += tokens_[i].text + " ";
    return text;
  }

  [[nodiscard]] std::string source(std::size_t first, std::size_t last) const {
    return sql_.substr(tokens_[first].begin, tokens_[last - 1].end - tokens_[first].begin);
  }

  /// The part of a query that stands before `at`, without its subqueries and without the query around it.
  [[nodiscard]] std::string words_before(std::size_t at, std::size_t first) const {
    std::string text;
    for (std::size_t i = at; i > first && tokens_[i - 1].depth >= tokens_[at].depth; --i) {
      if (tokens_[i - 1].depth == tokens_[at].depth) text.insert(0, tokens_[i - 1].text + " ");
    }
    return text;
  }

  /// Tokens from `first` to before `last` become `instead`.
  void add(const std::string& kind, std::size_t first, std::size_t last, const std::string& instead,
           const std::string& content) {
    std::string name = kind;
    for (const char letter : content) {
      const bool is_plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
      if (is_plain) name += static_cast<char>(std::tolower(letter));
      if (!is_plain && name.back() != '_') name += '_';
    }
    name = name.substr(0, 70);
    while (name.back() == '_') name.pop_back();
    if (const int count = ++counts_[name]; count > 1) name += "_" + std::to_string(count);
    const std::size_t begin = tokens_[first].begin;
    mutants_.push_back(
        {name, sql_.substr(0, begin) + instead + sql_.substr(std::max(begin, tokens_[last - 1].end))});
  }

  /// Where a clause ends that begins at `first`, at that depth.
  [[nodiscard]] std::size_t end_of_clause(std::size_t first, std::size_t last) const {
    static const std::set<std::string> next_clause{"WHERE",     "GROUP", "ORDER", "LIMIT", "FOR",
                                                   "RETURNING", "ON",    "UNION", "JOIN",  "LEFT",
                                                   "CROSS",     "INNER", "LOOP",  "THEN",  "HAVING"};
    int case_count = 0;
    for (std::size_t i = first; i < last; ++i) {
      if (tokens_[i].depth < tokens_[first].depth) return i;
      if (tokens_[i].depth > tokens_[first].depth) continue;
      if (is(i, "CASE")) ++case_count;
      if (is(i, "END")) --case_count;
      if (case_count == 0 && next_clause.contains(tokens_[i].text)) return i;
    }
    return last;
  }

  /// The parts of a clause between separators of its own depth; an AND of BETWEEN or CASE separates nothing.
  [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> parts(std::size_t first, std::size_t last,
                                                                       const char* separator) const {
    std::vector<std::pair<std::size_t, std::size_t>> found;
    std::size_t from = first;
    int case_count = 0;
    bool between = false;
    for (std::size_t i = first; i <= last; ++i) {
      if (i == last) {
        found.emplace_back(from, last);
        break;
      }
      if (tokens_[i].depth != tokens_[first].depth) continue;
      if (is(i, "CASE")) ++case_count;
      if (is(i, "END")) --case_count;
      if (is(i, "BETWEEN")) between = true;
      if (case_count > 0 || !is(i, separator)) continue;
      if (!between) {
        found.emplace_back(from, i);
        from = i + 1;
      }
      between = false;
    }
    return found;
  }

  void mutate(std::size_t at, std::size_t last, const std::string& statement) {
    if (is(at, "FOR") && is(at + 1, "UPDATE")) mutate_lock(at, last);
    if (is(at, "pg_catalog.pg_advisory_xact_lock")) add("advisory_lock", at, last, "1", "");
    // A condition stays in the text, so that parameters keep their types.
    if (is(at, "WHERE") || (is(at, "ON") && !is(at + 1, "CONFLICT"))) {
      for (const auto& [from, to] : parts(at + 1, end_of_clause(at + 1, last), "AND"))
        add(is(at, "ON") ? "on_" : "where_", from, to, "(" + source(from, to) + " OR true)", words(from, to));
    }
    if (is(at, "ON") && is(at + 1, "CONFLICT")) mutate_conflict(at, last);
    // What never waits for a lock cannot wait in a circle: its order is no guard.
    if (is(at, "ORDER") && is(at + 1, "BY") && statement.find("SKIP LOCKED") == std::string::npos) {
      const std::size_t end = end_of_clause(at + 2, last);
      std::string reversed;
      for (const auto& [from, to] : parts(at + 2, end, ","))
        reversed += (reversed.empty() ? "" : ", ") + source(from, to) + " DESC";
      add("order_reversed_", at + 2, end, reversed, words(at + 2, end));
    }
  }

  void mutate_lock(std::size_t at, std::size_t last) {
    std::size_t end = at + 2;
    if (is(end, "OF")) end += 2;
    if (is(end, "SKIP") && end < last) {
      add("skip_locked", end, end + 2, "", "");
      end += 2;
    }
    add("for_update", at, end, "", "");
  }

  void mutate_conflict(std::size_t at, std::size_t last) {
    std::size_t action = at;
    while (action < last && !is(action, "DO")) ++action;
    const std::string target = words(at + 2, action);
    if (is(action + 1, "NOTHING")) {
      add("on_conflict_", at, action + 2, "", target);
      return;
    }
    const std::size_t end = end_of_clause(action, last);
    add("on_conflict_", at, end, "", target);
    add("on_conflict_nothing_", action, end, "DO NOTHING", target);
  }

  void mutate_if(std::size_t at) {
    const bool closes = at > 0 && is(at - 1, "END");
    if (closes || (!is(at, "IF") && !is(at, "ELSIF"))) return;
    const std::size_t end = end_of_clause(at + 1, tokens_.size());
    if (is(end, "THEN")) add("if_", at + 1, end, "false", words(at + 1, end));
  }

  std::string sql_;
  std::vector<SqlToken> tokens_;
  std::vector<SqlMutant> mutants_;
  std::map<std::string, int> counts_;
};

/// The tables that jobs, credits, slots and exams are kept in.
inline const std::vector<std::string>& guarded_tables() {
  static const std::vector<std::string> tables{"public.ai_jobs",          "public.exams",
                                               "public.upscaler_credits", "watchdog.active_jobs",
                                               "watchdog.credit_ledger",  "watchdog.provider_slots"};
  return tables;
}

/// Accepts statements that lock, or that read or write one of those tables.
inline const std::regex& is_about_guarded() {
  static const std::regex pattern = [] {
    std::string names;
    for (const std::string& table : guarded_tables()) names += (names.empty() ? "" : "|") + table;
    return std::regex{"FOR UPDATE |pg_advisory_xact_lock |(UPDATE|INSERT INTO|FROM|JOIN) (" + names + ") "};
  }();
  return pattern;
}

/// Whether a function's text touches what is guarded, or calls one of `movers`.
inline bool moves_what_is_guarded(const std::string& sql, const std::set<std::string>& movers) {
  std::string code;
  bool calls = false;
  for (const SqlToken& token : sql_tokens(sql)) {
    code += token.text + " ";
    calls = calls || movers.contains(token.text);
  }
  return calls || std::regex_search(code, is_about_guarded());
}

/// All mutants of a function's text.
inline std::vector<SqlMutant> function_text_mutants(const std::string& sql) {
  return SqlMutator{sql}.mutants(is_about_guarded());
}

/// All mutants of one statement, whatever it does.
inline std::vector<SqlMutant> statement_mutants(const std::string& sql) {
  return SqlMutator{sql}.mutants(std::regex{""});
}

}  // namespace jobwatchdog::test
