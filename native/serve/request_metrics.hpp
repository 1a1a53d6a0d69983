/// How long requests took, by route and status: http_request_duration_seconds.
#pragma once

#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

#include "core/time.hpp"

namespace jobwatchdog {

class RequestMetrics {
 public:
  RequestMetrics();
  void observe(const std::string& route, int status, Duration took);
  [[nodiscard]] std::string text() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Histogram>& durations_;
};

}  // namespace jobwatchdog
