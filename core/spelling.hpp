/// "Did you mean ...?": the nearest of the words that would have been right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobwatchdog {

/// The candidate with the fewest edits from `word`, when that is few enough to be a slip; else "".
/** Compares bytes, ignoring the case of ASCII letters. Equal distances: the first candidate wins. */
[[nodiscard]] std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

/// "did you mean \"NEAREST\"?" or, without a near one, "known: a, b, c".
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// The text on one line: line breaks and other control characters become blanks.
[[nodiscard]] std::string single_line(std::string text);

/// The words as one list: "a, b, c".
[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view separator = ", ");

}  // namespace jobwatchdog
