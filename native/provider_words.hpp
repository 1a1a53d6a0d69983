/// What the provider said about the rows of a page, each by the row's key.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/verdict.hpp"

namespace jobwatchdog {

struct ProviderWord {
  std::string task_id;  ///< The one that was asked about.
  Verdict verdict;
  std::string words;  ///< The provider's own, as ProviderAnswer tells them.
};

using ProviderWords = std::map<std::string, ProviderWord>;

/// Evidence: {key: {task_id, verdict, words}} of those keys that were asked about.
[[nodiscard]] nlohmann::json words_about(const ProviderWords& words, const std::vector<std::string>& keys);

/// JSON text {key: address of its first result} of those keys whose task was finished with one.
[[nodiscard]] std::string output_urls(const ProviderWords& words, const std::vector<std::string>& keys);

}  // namespace jobwatchdog
