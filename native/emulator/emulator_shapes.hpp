/// What RunningHub's endpoints answer and its webhooks say, as JSON: v1 and v2.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "native/emulator/emulated_provider.hpp"

namespace jobwatchdog {

using Json = nlohmann::ordered_json;

/// The envelope of v1: {code, msg, data}.
[[nodiscard]] Json v1_reply(int code, const std::string& message, Json data = nullptr);
/// A call that v2 refuses.
[[nodiscard]] Json v2_refusal(const std::string& error_code, const std::string& message,
                              const std::string& task_id = "");

[[nodiscard]] Json v1_submitted(const TaskReport& task);
[[nodiscard]] Json v2_submitted(const TaskReport& task);
/// POST /openapi/v2/query
[[nodiscard]] Json v2_task(const TaskReport& task);
/// POST /task/openapi/outputs
[[nodiscard]] Json v1_outputs(const TaskReport& task);
/// The one word of POST /task/openapi/status.
[[nodiscard]] std::string v1_status(TaskPhase phase);

/// eventData as v1 sends it: a text that holds the reply of /outputs.
[[nodiscard]] std::string v1_event_data(const TaskReport& task);
[[nodiscard]] Json webhook_event(const TaskReport& task, bool is_v1);
[[nodiscard]] Json webhook_detail(const WebhookReport& webhook, const std::string& key);

/// "2026-11-24 16:05:07"; the provider names no zone, this is UTC.
[[nodiscard]] std::string provider_time(Instant instant);

/// A task for the person who runs the emulator; without keys, and of its webhook's URL only the host.
[[nodiscard]] Json task_line(const TaskLine& line);

}  // namespace jobwatchdog
