// RunningHub's JSON. Source: protocols.md sections 1.3 to 1.6.
#include "native/emulator/emulator_shapes.hpp"

#include <fmt/format.h>

#include <chrono>

#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* prompt_tips = R"({"result": true, "error": null, "node_errors": {}})";

const char* v2_word(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::queued: return "QUEUED";
    case TaskPhase::running: return "RUNNING";
    case TaskPhase::succeeded: return "SUCCESS";
    case TaskPhase::cancelled: return "CANCEL";
    case TaskPhase::failed: break;
  }
  return "FAILED";
}

bool has_ended(TaskPhase phase) { return phase != TaskPhase::queued && phase != TaskPhase::running; }

std::string cost_seconds(const TaskReport& task) { return std::to_string(task.task_time.ms / 1'000); }

/// null until the task runs.
Json socket_url(const TaskReport& task) {
  if (task.phase == TaskPhase::queued) return nullptr;
  return "wss://ws.invalid/ws?clientId=" + task.client_id;
}

/// Of v1; v2 has the traceback as an array.
Json failed_reason(const TaskReport& task, bool is_v1) {
  const bool was_cancelled = task.phase == TaskPhase::cancelled;
  const std::string line =
      was_cancelled ? "execution interrupted" : "File \"nodes.py\", line 7, in load_image";
  Json reason{{"node_id", "276"},
              {"node_name", "LoadImage"},
              {"exception_type", was_cancelled ? "InterruptProcessingException" : "TypeError"},
              {"exception_message", was_cancelled ? "The task was cancelled" : "The emulator let it fail"},
              {"traceback", Json::array({line})}};
  if (is_v1) {
    reason["traceback"] = Json::array({line}).dump();
    reason["current_inputs"] = "{}";
    reason["current_outputs"] = "{}";
  }
  return reason;
}

Json usage(const TaskReport& task) {
  const bool ended = has_ended(task.phase);
  return {{"consumeCoins", ended ? Json(std::to_string(task.coins)) : Json()},
          {"consumeMoney", nullptr},
          {"thirdPartyConsumeMoney", nullptr},
          {"taskCostTime", ended ? Json(cost_seconds(task)) : Json()}};
}

const char* fate_word(WebhookRecord::Fate fate) {
  switch (fate) {
    case WebhookRecord::Fate::none: return "none";
    case WebhookRecord::Fate::owed: return "owed";
    case WebhookRecord::Fate::lost: return "lost";
    case WebhookRecord::Fate::delivered: return "delivered";
    case WebhookRecord::Fate::failed: break;
  }
  return "failed";
}

/// "http://host:1/secret" -> "http://host:1"
std::string host_of(const std::string& url) {
  const std::size_t from = url.find("://");
  return from == std::string::npos ? "" : url.substr(0, url.find_first_of("/?#", from + 3));
}

}  // namespace

Json v1_reply(int code, const std::string& message, Json data) {
  return {{"code", code}, {"msg", message}, {"data", std::move(data)}};
}

Json v2_refusal(const std::string& error_code, const std::string& message, const std::string& task_id) {
  return {{"taskId", task_id},       {"status", ""},       {"errorCode", error_code},
          {"errorMessage", message}, {"results", nullptr}, {"failedReason", Json::object()}};
}

Json v1_submitted(const TaskReport& task) {
  return v1_reply(0, "success",
                  {{"netWssUrl", socket_url(task)},
                   {"taskId", task.task_id},
                   {"clientId", task.client_id},
                   {"taskStatus", v2_word(task.phase)},
                   {"promptTips", prompt_tips}});
}

Json v2_submitted(const TaskReport& task) {
  return {{"taskId", task.task_id},   {"status", v2_word(task.phase)},
          {"errorCode", ""},          {"errorMessage", ""},
          {"results", nullptr},       {"clientId", task.client_id},
          {"promptTips", prompt_tips}};
}

Json v2_task(const TaskReport& task) {
  const bool failed = task.phase == TaskPhase::failed;
  Json results = nullptr;
  if (task.phase == TaskPhase::succeeded)
    results =
        Json::array({{{"url", task.result_url}, {"outputType", "png"}, {"nodeId", "9"}, {"text", nullptr}}});
  return {{"taskId", task.task_id},
          {"status", v2_word(task.phase)},
          {"errorCode", failed ? "1000" : ""},
          {"errorMessage", failed ? "unknown error" : ""},
          {"results", std::move(results)},
          {"failedReason", failed ? failed_reason(task, false) : Json::object()},
          {"usage", usage(task)},
          {"taskUsageList", Json::array()}};
}

Json v1_outputs(const TaskReport& task) {
  switch (task.phase) {
    case TaskPhase::queued: return v1_reply(813, "APIKEY_TASK_IS_QUEUED");
    case TaskPhase::running:
      return v1_reply(804, "APIKEY_TASK_IS_RUNNING", {{"netWssUrl", socket_url(task)}});
    case TaskPhase::succeeded:
      return v1_reply(0, "success",
                      Json::array({{{"fileUrl", task.result_url},
                                    {"fileType", "png"},
                                    {"taskCostTime", cost_seconds(task)},
                                    {"nodeId", "12"},
                                    {"thirdPartyConsumeMoney", nullptr},
                                    {"consumeMoney", nullptr},
                                    {"consumeCoins", std::to_string(task.coins)}}}));
    case TaskPhase::failed:
    case TaskPhase::cancelled: break;
  }
  return v1_reply(805, "APIKEY_TASK_STATUS_ERROR", {{"failedReason", failed_reason(task, true)}});
}

std::string v1_status(TaskPhase phase) { return phase == TaskPhase::cancelled ? "FAILED" : v2_word(phase); }

std::string v1_event_data(const TaskReport& task) { return json_line(v1_outputs(task)); }

Json webhook_event(const TaskReport& task, bool is_v1) {
  return {{"event", "TASK_END"},
          {"taskId", task.task_id},
          {"eventData", is_v1 ? Json(v1_event_data(task)) : v2_task(task)}};
}

Json webhook_detail(const WebhookReport& webhook, const std::string& key) {
  const WebhookRecord& record = webhook.record;
  const Json event_data = webhook_event(webhook.task, webhook.is_v1)["eventData"];
  return {{"id", webhook.webhook_id},
          {"userApiKey", key.substr(0, key.size() / 8) + "****"},
          {"taskId", webhook.task.task_id},
          {"webhookUrl", record.url},
          {"eventData", event_data.is_string() ? event_data : Json(json_line(event_data))},
          {"callbackStatus", record.fate == WebhookRecord::Fate::delivered ? "SUCCESS" : "FAILED"},
          {"callbackResponse", record.response},
          {"retryCount", record.tries > 0 ? record.tries - 1 : 0},
          {"createTime", provider_time(record.created)},
          {"updateTime", provider_time(record.updated)}};
}

std::string provider_time(Instant instant) {
  const std::int64_t second = instant.ms / 1'000;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{second / 86'400}}};
  const std::int64_t of_day = second % 86'400;
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", int{date.year()}, unsigned{date.month()},
                     unsigned{date.day()}, of_day / 3'600, of_day / 60 % 60, of_day % 60);
}

Json task_line(const TaskLine& line) {
  return {{"task_id", line.task.task_id},
          {"state", v2_word(line.task.phase)},
          {"key_fingerprint", line.key_fingerprint},
          {"api", line.is_v1 ? "v1" : "v2"},
          {"app_id", line.app_id},
          {"created_at", provider_time(line.created)},
          {"ends_at", provider_time(line.ends)},
          {"task_time_ms", line.task.task_time.ms},
          {"result_url", line.task.result_url.empty() ? Json() : Json(line.task.result_url)},
          {"forgotten", line.is_forgotten},
          {"ignored_cancel", line.ignored_cancel},
          {"webhook",
           {{"host", host_of(line.webhook.url)},
            {"fate", fate_word(line.webhook.fate)},
            {"tries", line.webhook.tries},
            {"response", line.webhook.response}}}};
}

}  // namespace jobwatchdog
