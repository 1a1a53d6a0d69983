/// An emulated provider in the hands of a test: its clock, and what a client of it does.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "native/emulator/emulator_faults.hpp"
#include "native/emulator/emulator_http.hpp"
#include "native/emulator/emulator_shapes.hpp"

namespace jobwatchdog::test {

inline constexpr const char* app = "2015865378030755841";
inline constexpr const char* hook = "http://app.invalid/hook/0123";
inline constexpr Instant start{1'795'000'000'000};

inline const Json inputs =
    Json::array({{{"nodeId", "122"}, {"fieldName", "prompt"}, {"fieldValue", "a cat"}}});

/// Tasks take ten seconds, of which they are queued for two.
inline EmulatorSettings ten_seconds() {
  EmulatorSettings settings;
  settings.task_time_min = settings.task_time_max = seconds(10);
  return settings;
}

/// A provider, a clock, and what a client of it does.
class Emulated {
 public:
  explicit Emulated(const EmulatorSettings& settings = ten_seconds()) : provider(settings) {}

  HttpReply send(const std::string& method, const std::string& path, const std::string& body,
                 std::map<std::string, std::string> headers) {
    const std::size_t mark = path.find('?');
    const std::string query = mark == std::string::npos ? "" : path.substr(mark + 1);
    return emulator_reply(provider,
                          {method, path.substr(0, mark), query, std::move(headers), body, "127.0.0.1"}, now);
  }
  HttpReply v2_raw(const std::string& path, const Json& body, const std::string& key = "k1") {
    return send("POST", "/openapi/v2/" + path, body.dump(), {{"authorization", "Bearer " + key}});
  }
  Json v2(const std::string& path, const Json& body, const std::string& key = "k1") {
    return Json::parse(v2_raw(path, body, key).body);
  }
  Json v1(const std::string& path, Json body, const std::string& key = "k1") {
    body["apiKey"] = key;
    return Json::parse(send("POST", "/task/openapi/" + path, body.dump(), {}).body);
  }
  Json get(const std::string& path) { return Json::parse(send("GET", path, "", {}).body); }

  Json submit(const std::string& key = "k1") {
    return v2(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}, {"webhookUrl", hook}}, key);
  }
  std::string task(const std::string& key = "k1") { return submit(key)["taskId"]; }
  Json query(const std::string& task_id, const std::string& key = "k1") {
    return v2("query", {{"taskId", task_id}}, key);
  }
  std::string state(const std::string& task_id) { return query(task_id)["status"]; }
  std::vector<WebhookCall> webhooks() { return provider.take_webhooks(now, 100); }
  std::int64_t count(const std::string& name) { return get("/emulator/summary")[name]; }
  void pass(Duration time) { now = now + time; }

  EmulatedProvider provider;
  Instant now{start};
};

/// Where one thing goes wrong always.
inline Emulated with(int EmulatorSettings::*fault) {
  EmulatorSettings settings = ten_seconds();
  settings.*fault = 1'000;
  return Emulated{settings};
}

}  // namespace jobwatchdog::test
