/// The answers to a few HTTP calls that are made at once.
#pragma once

#include <utility>
#include <vector>

#include "native/http/http_client.hpp"

namespace jobwatchdog {

/// One answer a call, in their order; returns when the slowest has come or timed out.
[[nodiscard]] inline std::vector<HttpAnswer> answers_to(std::vector<HttpCall> calls) {
  HttpClient http;
  std::vector<HttpAnswer> answers(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].number = i;
    http.start(std::move(calls[i]));
  }
  while (http.under_way() > 0) {
    for (HttpAnswer& answer : http.wait(seconds(1))) answers[answer.number] = std::move(answer);
  }
  return answers;
}

}  // namespace jobwatchdog
