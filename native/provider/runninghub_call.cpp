// The endpoints of RunningHub. Source: protocols.md sections 1.1 to 1.6.
#include "native/provider/runninghub_call.hpp"

#include <algorithm>

#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;
using Kind = ProviderQuestion::Kind;

/// An id becomes a part of an address, so it is nothing but letters, digits, "-" and "_".
bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::string path_of(const ProviderQuestion& question, RunningHubApi api) {
  switch (question.kind) {
    case Kind::submit: return "/openapi/v2/run/ai-app/" + question.app_id;
    case Kind::query: return api == RunningHubApi::v2 ? "/openapi/v2/query" : "/task/openapi/outputs";
    case Kind::cancel: return "/task/openapi/cancel";
    case Kind::webhook_detail: return "/task/openapi/getWebhookDetail";
    case Kind::upload: break;
  }
  return api == RunningHubApi::v2 ? "/openapi/v2/media/upload/binary" : "/task/openapi/upload";
}

Json submit_body(const ProviderQuestion& question) {
  Json inputs = Json::array();
  for (const TaskInput& input : question.inputs) {
    inputs.push_back(
        {{"nodeId", input.node_id}, {"fieldName", input.field_name}, {"fieldValue", input.field_value}});
  }
  Json body{{"nodeInfoList", std::move(inputs)}, {"instanceType", "default"}, {"usePersonalQueue", false}};
  if (!question.webhook_url.empty()) body["webhookUrl"] = question.webhook_url;
  return body;
}

void set_file(const ProviderQuestion& question, const ProviderAccount& account, RunningHubApi api,
              HttpCall& call) {
  if (api == RunningHubApi::v1) call.fields = {{"apiKey", account.api_key.reveal()}, {"fileType", "input"}};
  call.file = HttpFile{"file", question.file_name, question.file_content};
}

void set_json(const ProviderQuestion& question, const ProviderAccount& account, RunningHubApi api,
              HttpCall& call) {
  call.headers.emplace_back("Content-Type", "application/json");
  Json body = question.kind == Kind::submit ? submit_body(question) : Json{{"taskId", question.task_id}};
  if (api == RunningHubApi::v1) body["apiKey"] = account.api_key.reveal();
  call.body = json_line(body);
}

}  // namespace

std::string refusal_of(const ProviderQuestion& question) {
  if (question.kind == Kind::submit) return is_id(question.app_id) ? "" : "the app has no usable id";
  if (question.kind == Kind::upload)
    return question.file_name.empty() || !question.file_content ? "there is no file, or it has no name" : "";
  return is_id(question.task_id) ? "" : "the task has no usable id";
}

RunningHubApi first_api_for(Kind kind) {
  return kind == Kind::cancel || kind == Kind::webhook_detail ? RunningHubApi::v1 : RunningHubApi::v2;
}

bool has_second_api(Kind kind) { return kind == Kind::query || kind == Kind::upload; }

HttpCall runninghub_call(const ProviderQuestion& question, const ProviderAccount& account, RunningHubApi api,
                         const RunningHubOptions& options) {
  HttpCall call;
  call.url = account.base_url + path_of(question, api);
  call.headers.emplace_back("Accept", "application/json");
  if (api == RunningHubApi::v2)
    call.headers.emplace_back("Authorization", "Bearer " + account.api_key.reveal());
  call.connect_timeout = options.connect_timeout;
  call.total_timeout = options.query_timeout;
  if (question.kind == Kind::submit) call.total_timeout = options.submit_timeout;
  if (question.kind == Kind::upload) call.total_timeout = options.upload_timeout;
  call.may_repeat = question.kind != Kind::submit;
  if (question.kind == Kind::upload) {
    set_file(question, account, api, call);
  } else {
    set_json(question, account, api, call);
  }
  return call;
}

}  // namespace jobwatchdog
