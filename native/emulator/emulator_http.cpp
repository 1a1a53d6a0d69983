// RunningHub's endpoints before an emulated provider. Source: protocols.md sections 1.1 to 1.7.
#include "native/emulator/emulator_http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/murmur3.hpp"
#include "native/emulator/emulator_pages.hpp"
#include "native/emulator/emulator_shapes.hpp"
#include "native/emulator/multipart.hpp"

namespace jobwatchdog {
namespace {

/// One request on its way through an endpoint.
struct Asked {
  EmulatedProvider& provider;
  const HttpRequest& request;
  Instant now;
  std::string rest;  ///< Of the path, behind the endpoint's own.
  Json body;         ///< Discarded where the body is no JSON object.
  std::string key;
};

/// A text or a number as text; "" for all else.
std::string text_of(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return "";
  const Json& value = object[name];
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_integer() ? value.dump() : "";
}

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= 19 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_web_url(const std::string& url) { return url.starts_with("http://") || url.starts_with("https://"); }

/// Every item has these three, all of them texts.
bool are_inputs(const Json& inputs) {
  return inputs.is_array() && std::all_of(inputs.begin(), inputs.end(), [](const Json& input) {
           return input.is_object() &&
                  std::all_of(input.begin(), input.end(), [](const Json& v) { return v.is_string(); }) &&
                  input.contains("nodeId") && input.contains("fieldName") && input.contains("fieldValue");
         });
}

/// Why an order cannot be taken, with its code in v1 and in v2; nothing when it can.
struct Refusal {
  int v1_code;
  const char* v1_message;
  const char* v2_code;
  const char* v2_message;
};

std::optional<Refusal> refusal_of(const Asked& asked, const TaskOrder& order) {
  if (!asked.body.is_object()) return Refusal{301, "PARAMS_INVALID", "1007", "Invalid parameters"};
  if (!is_id(order.app_id))
    return order.is_workflow ? Refusal{380, "WORKFLOW_NOT_EXISTS", "380", "WORKFLOW_NOT_EXISTS"}
                             : Refusal{901, "WEBAPP_NOT_EXISTS", "901", "WEBAPP_NOT_EXISTS"};
  const bool has_inputs = asked.body.contains("nodeInfoList");
  const bool are_right = has_inputs ? are_inputs(asked.body["nodeInfoList"]) : order.is_workflow;
  if (!are_right) return Refusal{803, "APIKEY_INVALID_NODE_INFO", "1101", "Invalid node info"};
  if (!order.webhook_url.empty() && !is_web_url(order.webhook_url))
    return Refusal{301, "PARAMS_INVALID", "1001", "Invalid URL"};
  return std::nullopt;
}

HttpReply submit(const Asked& asked, TaskOrder order) {
  order.key = asked.key;
  order.webhook_url = text_of(asked.body, "webhookUrl");
  if (const auto refusal = refusal_of(asked, order)) {
    return json_reply(order.is_v1 ? v1_reply(refusal->v1_code, refusal->v1_message)
                                  : v2_refusal(refusal->v2_code, refusal->v2_message));
  }
  const SubmitAnswer answer = asked.provider.submit(order, asked.now);
  if (answer.kind == SubmitAnswer::Kind::no_capacity)
    return json_reply(order.is_v1 ? v1_reply(421, "TASK_QUEUE_MAXED")
                                  : v2_refusal("421", "TASK_QUEUE_MAXED"));
  HttpReply reply = json_reply(order.is_v1 ? v1_submitted(answer.task) : v2_submitted(answer.task));
  reply.delay = answer.delay;
  reply.hang_up = answer.is_lost && answer.hangs_up;
  reply.never_reply = answer.is_lost && !answer.hangs_up;
  return reply;
}

HttpReply v2_run_app(const Asked& asked) { return submit(asked, {.app_id = asked.rest}); }
HttpReply v2_run_workflow(const Asked& asked) {
  return submit(asked, {.app_id = asked.rest, .is_workflow = true});
}
HttpReply v1_run_app(const Asked& asked) {
  return submit(asked, {.app_id = text_of(asked.body, "webappId"), .is_v1 = true});
}
HttpReply v1_create(const Asked& asked) {
  return submit(asked, {.app_id = text_of(asked.body, "workflowId"), .is_workflow = true, .is_v1 = true});
}

HttpReply v2_query(const Asked& asked) {
  const std::string task_id = text_of(asked.body, "taskId");
  if (task_id.empty()) return json_reply(v2_refusal("1007", "Invalid parameters"));
  const auto task = asked.provider.query(asked.key, task_id, asked.now);
  return json_reply(task ? v2_task(*task) : v2_refusal("1004", "Task not found or expired", task_id));
}

/// The endpoints of v1 about one task.
template <typename Answer>
HttpReply about_task(const Asked& asked, Answer answer) {
  const std::string task_id = text_of(asked.body, "taskId");
  if (task_id.empty()) return json_reply(v1_reply(301, "PARAMS_INVALID"));
  if (task_id.find_first_not_of("0-") == std::string::npos)
    return json_reply(v1_reply(301, "taskId must be positive"));
  return json_reply(answer(task_id));
}

Json not_found() { return v1_reply(807, "APIKEY_TASK_NOT_FOUND"); }

HttpReply v1_query_outputs(const Asked& asked) {
  return about_task(asked, [&](const std::string& task_id) {
    const auto task = asked.provider.query(asked.key, task_id, asked.now);
    return task ? v1_outputs(*task) : not_found();
  });
}

HttpReply v1_query_status(const Asked& asked) {
  return about_task(asked, [&](const std::string& task_id) {
    const auto task = asked.provider.query(asked.key, task_id, asked.now);
    return task ? v1_reply(0, "", v1_status(task->phase)) : not_found();
  });
}

HttpReply v1_cancel(const Asked& asked) {
  return about_task(asked, [&](const std::string& task_id) {
    return asked.provider.cancel(asked.key, task_id, asked.now) ? v1_reply(0, "success") : not_found();
  });
}

HttpReply v1_webhook_detail(const Asked& asked) {
  return about_task(asked, [&](const std::string& task_id) {
    const auto webhook = asked.provider.webhook(asked.key, task_id, asked.now);
    return webhook ? v1_reply(0, "success", webhook_detail(*webhook, asked.key))
                   : v1_reply(1, "webhook event not exists");
  });
}

HttpReply v1_retry_webhook(const Asked& asked) {
  const std::string url = text_of(asked.body, "webhookUrl");
  if (!is_web_url(url)) return json_reply(v1_reply(301, "PARAMS_INVALID"));
  const bool is_resent =
      asked.provider.resend_webhook(asked.key, text_of(asked.body, "webhookId"), url, asked.now);
  return json_reply(is_resent ? v1_reply(0, "success") : v1_reply(1, "webhook event not exists"));
}

HttpReply v1_account_status(const Asked& asked) {
  const AccountReport account = asked.provider.account(asked.key, asked.now);
  return json_reply(
      v1_reply(0, "success",
               {{"remainCoins", std::to_string(account.coins_left)},
                {"currentTaskCounts", std::to_string(account.running_count + account.queued_count)},
                {"remainMoney", nullptr},
                {"currency", nullptr},
                {"apiType", "NORMAL"}}));
}

HttpReply v2_queue_status(const Asked& asked) {
  const AccountReport account = asked.provider.account(asked.key, asked.now);
  return json_reply(v1_reply(0, "success",
                             {{"apiKeyType", "NORMAL"},
                              {"concurrentLimit", asked.provider.settings().concurrent_tasks_max},
                              {"runningCount", account.running_count},
                              {"queuedCount", account.queued_count},
                              {"totalCurrentTasks", account.running_count + account.queued_count}}));
}

/// A name that hangs on the content: nothing of it is kept.
std::string stored_name(const FormPart& file) {
  const std::size_t dot = file.file_name.rfind('.');
  std::string ending = dot == std::string::npos ? ".bin" : file.file_name.substr(dot);
  if (ending.find_first_of("/\\\"?#") != std::string::npos) ending = ".bin";
  return fmt::format("{:08x}{:08x}", murmur3(file.content), murmur3(file.content, 1)) + ending;
}

using Form = std::optional<std::map<std::string, FormPart>>;

HttpReply upload(const Asked& asked, const Form& form, bool is_v1) {
  const auto file = form ? form->find("file") : decltype(form->end()){};
  if (!form || file == form->end() || file->second.file_name.empty())
    return json_reply(v1_reply(808, "APIKEY_UPLOAD_FAILED"));
  if (file->second.content.size() > upload_size_max)
    return json_reply(v1_reply(809, "APIKEY_FILE_SIZE_EXCEEDED"));
  const std::string name = stored_name(file->second);
  if (is_v1) return json_reply(v1_reply(0, "success", {{"fileName", "api/" + name}, {"fileType", "input"}}));
  return json_reply(v1_reply(0, "success",
                             {{"type", "image"},
                              {"download_url", asked.provider.settings().public_url + "/uploads/" + name},
                              {"fileName", "openapi/" + name},
                              {"size", std::to_string(file->second.content.size())}}));
}

Form form_of(const HttpRequest& request) {
  const auto type = request.headers.find("content-type");
  return type == request.headers.end() ? std::nullopt : parse_form(type->second, request.body);
}

HttpReply v2_upload(const Asked& asked) { return upload(asked, form_of(asked.request), false); }
HttpReply v1_upload(const Asked& asked) { return upload(asked, form_of(asked.request), true); }

/// How an endpoint learns the key.
enum class KeyPlace { bearer, api_key, apikey_in_small_letters, form };

struct Endpoint {
  const char* method;
  const char* path;  ///< One that ends with a slash goes on with an id.
  KeyPlace key_place;
  HttpReply (*answer)(const Asked&);
};

constexpr std::array<Endpoint, 14> endpoints{{
    {"POST", "/openapi/v2/run/ai-app/", KeyPlace::bearer, v2_run_app},
    {"POST", "/openapi/v2/run/workflow/", KeyPlace::bearer, v2_run_workflow},
    {"POST", "/openapi/v2/query", KeyPlace::bearer, v2_query},
    {"POST", "/openapi/v2/media/upload/binary", KeyPlace::bearer, v2_upload},
    {"GET", "/openapi/v2/queue/status", KeyPlace::bearer, v2_queue_status},
    {"POST", "/task/openapi/ai-app/run", KeyPlace::api_key, v1_run_app},
    {"POST", "/task/openapi/create", KeyPlace::api_key, v1_create},
    {"POST", "/task/openapi/outputs", KeyPlace::api_key, v1_query_outputs},
    {"POST", "/task/openapi/status", KeyPlace::api_key, v1_query_status},
    {"POST", "/task/openapi/cancel", KeyPlace::api_key, v1_cancel},
    {"POST", "/task/openapi/upload", KeyPlace::form, v1_upload},
    {"POST", "/task/openapi/getWebhookDetail", KeyPlace::api_key, v1_webhook_detail},
    {"POST", "/task/openapi/retryWebhook", KeyPlace::api_key, v1_retry_webhook},
    {"POST", "/uc/openapi/accountStatus", KeyPlace::apikey_in_small_letters, v1_account_status},
}};

const Endpoint* endpoint_of(const std::string& path) {
  const auto found = std::find_if(endpoints.begin(), endpoints.end(), [&path](const Endpoint& endpoint) {
    const std::string own = endpoint.path;
    return own.ends_with('/') ? path.starts_with(own) : path == own;
  });
  return found == endpoints.end() ? nullptr : &*found;
}

std::string key_of(const Asked& asked, KeyPlace place) {
  if (place == KeyPlace::api_key) return text_of(asked.body, "apiKey");
  if (place == KeyPlace::apikey_in_small_letters) return text_of(asked.body, "apikey");
  if (place == KeyPlace::form) {
    const Form form = form_of(asked.request);
    return form && form->contains("apiKey") ? form->at("apiKey").content : "";
  }
  const auto header = asked.request.headers.find("authorization");
  const bool is_bearer = header != asked.request.headers.end() && header->second.starts_with("Bearer ");
  return is_bearer ? header->second.substr(7) : "";
}

HttpReply answer_at(const Endpoint& endpoint, EmulatedProvider& provider, const HttpRequest& request,
                    Instant now) {
  const bool is_v2 = endpoint.key_place == KeyPlace::bearer;
  if (request.method != endpoint.method) {
    return json_reply(is_v2 ? v2_refusal("1009", "HTTP method not supported")
                            : v1_reply(301, "PARAMS_INVALID"));
  }
  Asked asked{provider, request, now, request.path.substr(std::string{endpoint.path}.size()), Json(), ""};
  asked.body = Json::parse(request.body, nullptr, false);
  asked.key = key_of(asked, endpoint.key_place);
  if (!provider.knows_key(asked.key))
    return json_reply(is_v2 ? v2_refusal("1002", "API key invalid") : v1_reply(802, "APIKEY_UNAUTHORIZED"));
  return endpoint.answer(asked);
}

/// The reply as it arrives after all that went wrong with it.
HttpReply damaged(HttpReply reply, const ReplyFault& fault) {
  const Duration delay = reply.delay + fault.delay;
  switch (fault.kind) {
    case ReplyFault::Kind::none: break;
    case ReplyFault::Kind::server_error:
      reply = html_page(fault.status);
      if (fault.status == 503) reply.headers["Retry-After"] = "2";
      break;
    case ReplyFault::Kind::html: reply = html_page(200); break;
    case ReplyFault::Kind::half: reply.body.resize(reply.body.size() / 2); break;
    case ReplyFault::Kind::never: reply.never_reply = true; break;
  }
  reply.delay = delay;
  return reply;
}

}  // namespace

HttpReply emulator_reply(EmulatedProvider& provider, const HttpRequest& request, Instant now) {
  if (const Endpoint* endpoint = endpoint_of(request.path)) {
    const ReplyFault fault = provider.reply_fault();
    return damaged(fault.is_obeyed ? answer_at(*endpoint, provider, request, now) : HttpReply{}, fault);
  }
  if (auto page = emulator_page(provider, request, now)) return *page;
  // A misspelt path of v1 has a code of its own.
  if (request.path.starts_with("/task/openapi/")) return json_reply(v1_reply(412, "TOKEN_INVALID"));
  return html_page(404);
}

}  // namespace jobwatchdog
