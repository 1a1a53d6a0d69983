// Metrics in the text format of Prometheus.
#include "native/metrics_text.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace jobwatchdog {

void add_gauge(prometheus::Registry& registry, const std::string& name, const std::string& help,
               const MetricLabels& labels, double value) {
  prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels).Set(value);
}

void add_counter(prometheus::Registry& registry, const std::string& name, const std::string& help,
                 const MetricLabels& labels, double value) {
  prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels).Increment(value);
}

std::string metrics_text(const prometheus::Registry& registry) {
  return prometheus::TextSerializer{}.Serialize(registry.Collect());
}

std::map<std::string, double> metrics_of_file(const std::string& path) {
  std::map<std::string, double> values;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    const auto space = line.rfind(' ');
    if (line.starts_with("#") || space == std::string::npos) continue;
    values[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
  }
  return values;
}

std::optional<Problem> write_metrics_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".draft-" + std::to_string(getpid());
  std::ofstream file{draft, std::ios::trunc};
  file << text;
  file.close();
  if (file && std::rename(draft.c_str(), path.c_str()) == 0) return std::nullopt;
  std::remove(draft.c_str());
  return Problem{path, "the metrics file cannot be written",
                 "check that its folder exists and may be written"};
}

}  // namespace jobwatchdog
