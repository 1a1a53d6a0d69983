/// Metrics in the text format of Prometheus, by prometheus-cpp: made here, served or written to a file.
#pragma once

#include <prometheus/registry.h>

#include <map>
#include <optional>
#include <string>

#include "core/problem.hpp"

namespace jobwatchdog {

using MetricLabels = std::map<std::string, std::string>;

void add_gauge(prometheus::Registry& registry, const std::string& name, const std::string& help,
               const MetricLabels& labels, double value);
void add_counter(prometheus::Registry& registry, const std::string& name, const std::string& help,
                 const MetricLabels& labels, double value);

/// All of a registry, ready to be scraped.
[[nodiscard]] std::string metrics_text(const prometheus::Registry& registry);

/// The value of each series of a file that metrics_text() made, by its name and labels as they stand there;
/// nothing when there is no such file.
[[nodiscard]] std::map<std::string, double> metrics_of_file(const std::string& path);

/// Writes a file for node_exporter's textfile collector: beside itself first, then renamed, so that no reader
/// sees half of it.
[[nodiscard]] std::optional<Problem> write_metrics_file(const std::string& path, const std::string& text);

}  // namespace jobwatchdog
