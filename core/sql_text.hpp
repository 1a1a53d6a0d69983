/// SQL as text: names and values quoted so that no input can become a command.
///
/// Everything that reaches SQL from a rule goes through these functions; nothing else in the project glues
/// SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/problem.hpp"

namespace jobwatchdog {

/// A table or function with its schema, both as the catalog stores them (no quotes, case kept).
struct QualifiedName {
  std::string schema;
  std::string name;

  bool operator==(const QualifiedName&) const = default;
};

/// Reads a name as it is written in SQL: `public.jobs`, `"Clínica"."Exames Lab"`, or `jobs` (schema public).
/** Unquoted letters A-Z fold to lower case, as PostgreSQL does.
 *  Errors: a Problem with an empty `where`: empty parts, three parts, an open quote, characters that need
 * quotes.
 */
[[nodiscard]] Result<QualifiedName> parse_qualified_name(std::string_view text);

/// Why `name` cannot be an identifier (empty, a NUL, over 63 bytes, not UTF-8), or "" when it can.
[[nodiscard]] std::string identifier_defect(std::string_view name);

[[nodiscard]] std::string quote_identifier(std::string_view name);  ///< `"a""b"`
[[nodiscard]] std::string quote_literal(std::string_view value);  ///< `'it''s'`, ` E'a\\b'` with a backslash.
[[nodiscard]] std::string quoted(const QualifiedName& name);      ///< `"public"."jobs"`
[[nodiscard]] std::string display_name(
    const QualifiedName& name);  ///< As SQL needs it: quotes only where needed.
[[nodiscard]] std::string array_literal(
    const std::vector<std::string>& values);  ///< `{"a","b"}`, one text parameter.

/// Whether `text` is well-formed UTF-8 without NUL: what PostgreSQL takes as text.
[[nodiscard]] bool is_storable_text(std::string_view text);

}  // namespace jobwatchdog
