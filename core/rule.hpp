/// A rule: which rows of which tables are stuck, and what settling them means. Plain values.
///
/// The fields are those of a `[[rule]]` in jobwatchdog.toml, under the same names (design.md section 4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/sql_text.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

/// What a column is set to: a literal (any type, as text), the database's `now()`, NULL, or the address of
/// the result that the provider named.
struct Assignment {
  enum class Kind { literal, database_now, null, output_url };

  std::string column;
  Kind kind{Kind::literal};
  std::string text;  ///< Of a literal; PostgreSQL converts it to the column's type.

  bool operator==(const Assignment&) const = default;
};

/// Credits that go back with the job.
struct Refund {
  std::optional<QualifiedName>
      function;             ///< Called as f(user, amount, description); a settle function pays itself.
  std::string user;         ///< Column: whose credits.
  std::string amount;       ///< Column: how many were charged.
  std::string charged;      ///< Boolean column: only charged rows get money back.
  std::string refunded;     ///< Boolean column: set in the same transaction; a refunded row gets nothing.
  std::string description;  ///< Words for the user's statement.

  bool operator==(const Refund&) const = default;
};

/// Who knows the truth about a job that has a task there.
struct ProviderLink {
  std::string name;                    ///< "runninghub"
  std::string task{"task_id"};         ///< Column: the provider's id of the task.
  std::string account{"api_account"};  ///< Column: the account that it was submitted with.
  Duration hard_deadline{minutes(12)};
  /// What a row is set to whose task the provider finished. Nothing: see success_of().
  std::vector<Assignment> succeeded{};

  bool operator==(const ProviderLink&) const = default;
};

struct Rule {
  std::string name;
  std::vector<QualifiedName> tables;
  std::string key{"id"};
  std::string status{"status"};
  std::vector<std::string> stuck_in;
  std::vector<std::string> age_of;  ///< The first of these columns that is not NULL tells the age.
  Duration older_than{};
  std::vector<Assignment> set;
  int rescues_max{0};        ///< `max_rescues`; 0 = no cap.
  std::string rescue_count;  ///< Column that counts rescues; needed with a cap.
  bool audit{false};
  std::optional<Refund> refund;
  std::optional<ProviderLink> provider;
  /// Settles instead of an UPDATE: f(table text, keys[], set jsonb) -> (key, refunded_amount).
  std::optional<QualifiedName> settle_function;

  bool operator==(const Rule&) const = default;
};

/// What a row is set to whose task the provider finished: `succeeded`, or its default, status "completed" and
/// the address of the result in `output_url`. Empty without a provider.
[[nodiscard]] std::vector<Assignment> success_of(const Rule& rule);

/// The status in a list of assignments, or "" when they do not touch the status column.
[[nodiscard]] std::string status_in(const std::vector<Assignment>& assignments, const Rule& rule);

/// The status that a settled row gets, or "" when `set` does not touch the status column.
[[nodiscard]] std::string settled_status(const Rule& rule);

/// All columns that the rule reads or writes, each once, in the order of the fields.
[[nodiscard]] std::vector<std::string> columns_of(const Rule& rule);

}  // namespace jobwatchdog
