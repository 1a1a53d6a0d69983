// What makes a rule usable, field by field.
#include "core/rule_validation.hpp"

#include <algorithm>

#include "core/duration_text.hpp"

namespace jobwatchdog {
namespace {

using Problems = std::vector<Problem>;

void check_name(const Rule& rule, Problems& problems) {
  if (rule.name.empty()) {
    problems.push_back({"name", "the rule has no name", R"(give it one, such as name = "stuck-exams")"});
    return;
  }
  const bool plain = std::all_of(rule.name.begin(), rule.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!plain || rule.name.size() > 100) {
    problems.push_back({"name", "\"" + rule.name + "\" cannot be a rule's name",
                        "use letters, digits, '-', '_' and '.', at most 100 of them"});
  }
}

void check_column(const std::string& column, const char* where, Problems& problems) {
  if (const std::string defect = identifier_defect(column); !defect.empty()) {
    problems.push_back({where, "\"" + column + "\" cannot be a column: " + defect,
                        "write the column's plain name, without SQL quotes"});
  }
}

void check_tables(const Rule& rule, Problems& problems) {
  if (rule.tables.empty()) {
    problems.push_back(
        {"tables", "the rule names no table", R"(name at least one, such as tables = ["public.exams"])"});
  }
  for (std::size_t i = 0; i < rule.tables.size(); ++i) {
    if (std::find(rule.tables.begin(), rule.tables.begin() + static_cast<std::ptrdiff_t>(i),
                  rule.tables[i]) != rule.tables.begin() + static_cast<std::ptrdiff_t>(i)) {
      problems.push_back(
          {"tables", display_name(rule.tables[i]) + " is named twice", "name each table once"});
    }
  }
}

void check_what_is_stuck(const Rule& rule, Problems& problems) {
  if (rule.stuck_in.empty()) {
    problems.push_back({"stuck_in", "the rule names no status in which a row can be stuck",
                        R"(name at least one, such as stuck_in = ["processing"])"});
  }
  for (const std::string& status : rule.stuck_in) {
    if (!is_storable_text(status))
      problems.push_back({"stuck_in", "a status is not UTF-8 text", "save the file as UTF-8"});
  }
  if (rule.age_of.empty()) {
    problems.push_back({"age_of", "the rule does not say which column tells a row's age",
                        R"(name a timestamptz column, such as age_of = "updated_at")"});
  }
  for (const std::string& column : rule.age_of) check_column(column, "age_of", problems);
  if (rule.older_than.ms <= 0) {
    problems.push_back({"older_than", "the rule does not say after which time a row is stuck",
                        R"(give a duration, such as older_than = "10 min")"});
  }
}

/// `where` is "set" or "succeeded".
void check_assignments(const Rule& rule, const std::vector<Assignment>& assignments, const std::string& where,
                       const std::string& usual_status, Problems& problems) {
  std::vector<std::string> seen;
  for (const Assignment& assignment : assignments) {
    check_column(assignment.column, where.c_str(), problems);
    if (!is_storable_text(assignment.text)) {
      problems.push_back({where, "the value of \"" + assignment.column + "\" is not UTF-8 text without NUL",
                          "save the file as UTF-8"});
    }
    if (assignment.column == rule.key)
      problems.push_back(
          {where, "the key column \"" + rule.key + "\" may not be set", "remove it from " + where});
    if (std::find(seen.begin(), seen.end(), assignment.column) != seen.end()) {
      problems.push_back({where, "\"" + assignment.column + "\" is set twice (set and clear count together)",
                          "set it once"});
    }
    seen.push_back(assignment.column);
  }
  const std::string status = status_in(assignments, rule);
  if (status.empty()) {
    problems.push_back(
        {where,
         "the rule does not set the status column \"" + rule.status + "\", so a settled row would stay stuck",
         "add " + rule.status + " = " + usual_status + " to " + where});
  } else if (std::find(rule.stuck_in.begin(), rule.stuck_in.end(), status) != rule.stuck_in.end()) {
    problems.push_back(
        {where, "the new status \"" + status + "\" is also in stuck_in, so a settled row would stay stuck",
         "set another status, or remove it from stuck_in"});
  }
}

void check_set(const Rule& rule, Problems& problems) {
  check_assignments(rule, rule.set, "set", "\"failed\" (or the status that your work restarts from)",
                    problems);
  for (const Assignment& assignment : rule.set) {
    if (assignment.kind == Assignment::Kind::output_url)
      problems.push_back({"set",
                          "output_url() is known of a task that the provider finished, and of no other",
                          "use it in succeeded"});
  }
}

void check_rescues(const Rule& rule, Problems& problems) {
  if (rule.rescues_max < 0)
    problems.push_back(
        {"max_rescues", "is below 0", "give 0 for no cap, or the number of rescues that a row may have"});
  if (rule.rescues_max > 0 && rule.rescue_count.empty()) {
    problems.push_back({"max_rescues", "a cap needs a column that counts the rescues",
                        R"(add rescue_count = "rescue_count" (an integer column), or max_rescues = 0)"});
  }
  if (!rule.rescue_count.empty()) check_column(rule.rescue_count, "rescue_count", problems);
}

void check_refund(const Rule& rule, Problems& problems) {
  if (!rule.refund) return;
  const Refund& refund = *rule.refund;
  if (!refund.function && !rule.settle_function) {
    problems.push_back({"refund.function", "the rule does not say what pays the credits back",
                        R"(name your function, such as refund.function = "public.refund_credits")"});
  }
  check_column(refund.user, "refund.user", problems);
  check_column(refund.amount, "refund.amount", problems);
  check_column(refund.charged, "refund.charged", problems);
  check_column(refund.refunded, "refund.refunded", problems);
  if (!is_storable_text(refund.description))
    problems.push_back({"refund.description", "is not UTF-8 text without NUL", "save the file as UTF-8"});
  if (refund.charged == refund.refunded) {
    problems.push_back({"refund.refunded", "is the same column as refund.charged",
                        "two columns are needed: was it charged, was it paid back"});
  }
  for (const Assignment& assignment : rule.set) {
    if (assignment.column == refund.refunded) {
      problems.push_back(
          {"set", "\"" + refund.refunded + "\" is set by the refund itself", "remove it from set"});
    }
  }
}

void check_provider(const Rule& rule, Problems& problems) {
  if (!rule.provider) return;
  if (rule.provider->name != "runninghub") {
    problems.push_back({"provider", "\"" + rule.provider->name + "\" is not a provider that can be asked",
                        R"(known: "runninghub")"});
  }
  check_column(rule.provider->task, "task", problems);
  check_column(rule.provider->account, "account", problems);
  check_assignments(rule, success_of(rule), "succeeded", "\"completed\"", problems);
  if (rule.provider->hard_deadline < rule.older_than) {
    problems.push_back({"hard_deadline",
                        duration_text(rule.provider->hard_deadline) + " is shorter than older_than (" +
                            duration_text(rule.older_than) + ")",
                        "a row is suspected first and given up later: give at least older_than"});
  }
}

void check_settle_function(const Rule& rule, Problems& problems) {
  if (!rule.settle_function) return;
  if (rule.refund && rule.refund->function) {
    problems.push_back({"refund.function", "a settle function pays the refund itself",
                        "remove refund.function, or the settle_function"});
  }
  if (!rule.rescue_count.empty())
    problems.push_back({"settle_function", "a settle function counts rescues itself",
                        "remove rescue_count, or the settle_function"});
  std::vector<Assignment> all = rule.set;
  for (const Assignment& assignment : success_of(rule)) {
    // What the provider says comes as a literal.
    if (assignment.kind != Assignment::Kind::output_url) all.push_back(assignment);
  }
  for (const Assignment& assignment : all) {
    if (assignment.kind != Assignment::Kind::literal) {
      problems.push_back(
          {"settle_function",
           "\"" + assignment.column + "\" is no literal, and a settle function gets literals only",
           "leave times to the function"});
    }
  }
}

}  // namespace

std::vector<Assignment> success_of(const Rule& rule) {
  if (!rule.provider) return {};
  if (!rule.provider->succeeded.empty()) return rule.provider->succeeded;
  return {{rule.status, Assignment::Kind::literal, "completed"},
          {"output_url", Assignment::Kind::output_url, ""}};
}

std::string status_in(const std::vector<Assignment>& assignments, const Rule& rule) {
  for (const Assignment& assignment : assignments) {
    if (assignment.column == rule.status && assignment.kind == Assignment::Kind::literal)
      return assignment.text;
  }
  return "";
}

std::string settled_status(const Rule& rule) { return status_in(rule.set, rule); }

std::vector<std::string> columns_of(const Rule& rule) {
  std::vector<std::string> columns{rule.key, rule.status};
  const auto add = [&columns](const std::string& column) {
    if (!column.empty() && std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(column);
  };
  for (const std::string& column : rule.age_of) add(column);
  if (!rule.settle_function) {
    for (const Assignment& assignment : rule.set) add(assignment.column);
    for (const Assignment& assignment : success_of(rule)) add(assignment.column);
  }
  add(rule.rescue_count);
  if (rule.refund) {
    for (const auto& column :
         {rule.refund->user, rule.refund->amount, rule.refund->charged, rule.refund->refunded})
      add(column);
  }
  if (rule.provider) {
    add(rule.provider->task);
    add(rule.provider->account);
  }
  return columns;
}

std::vector<Problem> validate_rule(const Rule& rule) {
  Problems problems;
  check_name(rule, problems);
  check_tables(rule, problems);
  check_column(rule.key, "key", problems);
  check_column(rule.status, "status", problems);
  check_what_is_stuck(rule, problems);
  check_set(rule, problems);
  check_rescues(rule, problems);
  check_refund(rule, problems);
  check_provider(rule, problems);
  check_settle_function(rule, problems);
  return problems;
}

std::vector<Problem> validate_rule_names(const std::vector<Rule>& rules) {
  Problems problems;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (rules[i].name == rules[j].name) {
        problems.push_back(
            {"name", "two rules are called \"" + rules[i].name + "\"", "give each rule a name of its own"});
      }
    }
  }
  return problems;
}

}  // namespace jobwatchdog
