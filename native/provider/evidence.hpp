/// What a stranger said, made fit to be kept: read strictly, without secrets, short, and always valid JSON.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "native/secret.hpp"

namespace jobwatchdog {

/// Longest words that are kept, in bytes.
inline constexpr std::size_t words_size_max = 2'048;

/// The text without secrets: `key` becomes "[key]", and so does what stands behind the name of a secret
/// ("apiKey=", "Authorization: Bearer"); long hexadecimal numbers become "[token]", queries of addresses
/// "?[query]"; control characters become blanks.
[[nodiscard]] std::string without_secrets(const std::string& text, const Secret& key);

/// At most `size_max` bytes of it, cut between two characters.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t size_max);

/// A body as evidence: JSON of at most `words_size_max` bytes, without secrets in whatever field or nested
/// text. A body that is no JSON becomes {"text": ...}; one that came with another status than 200 stands in
/// {"http_status": ..., "body": ...}.
[[nodiscard]] std::string evidence_of(const std::string& body, const Secret& key, int http_status = 200);

}  // namespace jobwatchdog
