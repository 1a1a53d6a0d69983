// The provider's words as the sweep stores them.
#include "native/provider_words.hpp"

#include "native/json_text.hpp"

namespace jobwatchdog {

nlohmann::json words_about(const ProviderWords& words, const std::vector<std::string>& keys) {
  nlohmann::json evidence = nlohmann::json::object();
  for (const std::string& key : keys) {
    const auto said = words.find(key);
    if (said == words.end()) continue;
    evidence[key] = {{"task_id", said->second.task_id},
                     {"verdict", verdict_name(said->second.verdict.kind)},
                     {"words", words_json(said->second.words)}};
  }
  return evidence;
}

std::string output_urls(const ProviderWords& words, const std::vector<std::string>& keys) {
  nlohmann::json urls = nlohmann::json::object();
  for (const std::string& key : keys) {
    const auto said = words.find(key);
    if (said != words.end() && !said->second.verdict.output_urls.empty())
      urls[key] = said->second.verdict.output_urls.front();
  }
  return json_line(urls);
}

}  // namespace jobwatchdog
