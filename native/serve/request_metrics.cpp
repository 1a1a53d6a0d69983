// Request durations by prometheus-cpp.
#include "native/serve/request_metrics.hpp"

#include "native/metrics_text.hpp"

namespace jobwatchdog {

RequestMetrics::RequestMetrics()
    : durations_(prometheus::BuildHistogram()
                     .Name("http_request_duration_seconds")
                     .Help("From a whole request to its reply.")
                     .Register(registry_)) {}

void RequestMetrics::observe(const std::string& route, int status, Duration took) {
  static const prometheus::Histogram::BucketBoundaries boundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                                  0.1,   0.25,   0.5,   1,    2.5,   5};
  durations_.Add({{"route", route}, {"code", std::to_string(status)}}, boundaries)
      .Observe(static_cast<double>(took.ms) / 1000);
}

std::string RequestMetrics::text() const { return metrics_text(registry_); }

}  // namespace jobwatchdog
