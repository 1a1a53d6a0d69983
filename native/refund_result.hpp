/// What a user's refund function answered.
#pragma once

#include <optional>
#include <string>

namespace jobwatchdog {

/// Why the answer is a refusal, or nothing when the refund was paid.
/** `json` is to_jsonb() of one result row. A boolean false, or a `success` that is not true, is a refusal,
 * told by `error_message` when there is one; so is NULL. Anything else (void, a number, a row without
 * `success`) is a yes: the function raised no error. Source: design.md section 4 (refund.function).
 */
[[nodiscard]] std::optional<std::string> refund_refusal(const std::optional<std::string>& json);

}  // namespace jobwatchdog
