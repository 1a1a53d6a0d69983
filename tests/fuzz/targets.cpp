// The list of fuzz targets.
#include <algorithm>

#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {

const std::map<std::string, Target>& targets() {
  static const std::map<std::string, Target> all{
      {"caller", caller},
      {"configuration", configuration},
      {"cors", cors},
      {"flag_definition", flag_definition},
      {"http_request", http_request},
      {"jwks", jwks},
      {"jwt", jwt},
      {"listen_address", listen_address},
      {"phoenix", phoenix},
      {"provider_reply", provider_reply},
      {"request_body", request_body},
      {"rest_query", rest_query},
      {"url_query", url_query},
      {"webhook", webhook},
  };
  return all;
}

std::vector<std::string> lines_of(const std::string& input, std::size_t count) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (lines.size() + 1 < count) {
    const std::size_t end = std::min(input.find('\n', at), input.size());
    lines.push_back(input.substr(at, end - at));
    at = std::min(end + 1, input.size());
  }
  lines.push_back(input.substr(at));
  return lines;
}

}  // namespace jobwatchdog::fuzz
