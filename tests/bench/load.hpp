/// What the loads of script/bench serve share: where they go, and how their times are told.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace jobwatchdog::bench {

struct Target {
  std::string host;
  std::string port;
};

/// Of "http://127.0.0.1:8787".
inline Target target_of(const std::string& url) {
  const std::string address = url.substr(url.find("//") + 2);
  return {address.substr(0, address.find(':')), address.substr(address.find(':') + 1)};
}

/// p50_ms, p99_ms and max_ms, by the nearest rank.
inline nlohmann::json told_times(std::vector<double> took_ms) {
  std::sort(took_ms.begin(), took_ms.end());
  const auto at = [&](double share) {
    if (took_ms.empty()) return 0.0;
    const double rank = std::max(std::ceil(share * static_cast<double>(took_ms.size())), 1.0);
    return std::round(took_ms[static_cast<std::size_t>(rank) - 1] * 100) / 100;
  };
  return {{"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"max_ms", at(1)}};
}

}  // namespace jobwatchdog::bench
