// RunningHub's JSON, v1 and v2, as facts. A reply is a few objects one in another, which must agree.
#include "native/provider/runninghub_reply.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "core/retry_after.hpp"
#include "native/provider/evidence.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::json;
using Names = std::initializer_list<const char*>;

constexpr std::size_t message_size_max = 500;
constexpr std::size_t url_size_max = 4'096;
constexpr std::size_t urls_max = 100;

/// What a provider that gives no rest of its own is granted when it complains of too many requests.
constexpr Duration rest_when_rate_limited = seconds(5);

/// The objects of a reply, from the outside to the inside, and its list of results.
struct Layers {
  std::vector<Json> objects;
  Json results;             ///< A list, or null.
  std::string word;         ///< `data` that is a plain word: the state, in v1's /status.
  bool opens_events{true};  ///< Also what a webhook carried.
};

/// A text, or a whole number as text; "" for all else.
std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_integer() ? value.dump() : "";
}

/// Unpacks `value`: an object, a list of results, a text that holds either, or a word.
void unpack(const Json& value, Layers& layers) {
  if (layers.objects.size() > 4) return;
  if (value.is_array()) {
    layers.results = value;
  } else if (value.is_string()) {
    const std::optional<Json> nested = parse_strictly(value.get_ref<const std::string&>());
    if (nested && nested->is_structured()) {
      unpack(*nested, layers);
    } else {
      layers.word = value.get<std::string>();
    }
  } else if (value.is_object()) {
    layers.objects.push_back(value);
    if (value.contains("results") && value["results"].is_array()) layers.results = value["results"];
    for (const char* inner : {"data", "eventData", "event_data"}) {
      if (value.contains(inner) && (layers.opens_events || inner == std::string_view{"data"}))
        unpack(value[inner], layers);
    }
  }
}

std::optional<Layers> layers_of(const std::string& body, bool opens_events = true) {
  const std::optional<Json> json = parse_strictly(body);
  if (!json || !json->is_object()) return std::nullopt;
  Layers layers;
  layers.opens_events = opens_events;
  unpack(*json, layers);
  return layers;
}

/// Every different text that stands under one of the names, in all layers; empty ones do not count.
std::set<std::string> texts_under(const Layers& layers, Names names) {
  std::set<std::string> texts;
  for (const Json& object : layers.objects) {
    for (const char* name : names) {
      if (object.contains(name)) texts.insert(text_of(object[name]));
    }
  }
  texts.erase("");
  return texts;
}

/// Whether one of the names holds something that is neither text nor whole number nor null.
bool has_odd_value(const Layers& layers, Names names) {
  return std::any_of(layers.objects.begin(), layers.objects.end(), [&](const Json& object) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) {
      if (!object.contains(name)) return false;
      const Json& value = object[name];
      return !value.is_string() && !value.is_number_integer() && !value.is_null();
    });
  });
}

std::string clean(const std::string& text, const Secret& key) {
  return shortened(without_secrets(text, key), message_size_max);
}

constexpr Names code_names{"code", "errorCode", "error_code"};
constexpr Names task_names{"taskId", "task_id"};
constexpr Names status_names{"status", "taskStatus", "task_status"};

bool holds_key(const std::string& text, const Secret& key) {
  return !key.empty() && text.find(key.reveal()) != std::string::npos;
}

/// The first message there is, with the reason of a failed task behind it.
std::string message_of(const Layers& layers) {
  std::string message;
  std::string reason;
  for (const Json& object : layers.objects) {
    for (const char* name : {"msg", "errorMessage", "error_message", "message", "error"}) {
      if (message.empty() && object.contains(name)) message = text_of(object[name]);
    }
    for (const char* name : {"failedReason", "failed_reason"}) {
      if (!object.contains(name) || !object[name].is_object() || !object[name].contains("exception_message"))
        continue;
      reason = text_of(object[name]["exception_message"]);
    }
  }
  if (reason.empty()) return message;
  return message.empty() ? reason : message + ": " + reason;
}

bool is_address(const std::string& text, const Secret& key) {
  const bool is_web = text.rfind("https://", 0) == 0 || text.rfind("http://", 0) == 0;
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f &&
           std::string_view{"\"<>\\^`{|}"}.find(c) == std::string_view::npos;
  });
  return is_web && is_plain && !holds_key(text, key) && text.size() <= url_size_max;
}

/// The results: addresses of files, and texts.
void read_results(const Json& results, const Secret& key, RunningHubReply& reply) {
  for (const Json& result : results) {
    const auto value = [&](const char* name) {
      return result.is_object() && result.contains(name) ? text_of(result[name]) : "";
    };
    std::string address = result.is_string() ? result.get<std::string>() : "";
    for (const char* name : {"url", "outputUrl", "output_url", "fileUrl", "file_url", "output"}) {
      if (address.empty() && is_address(value(name), key)) address = value(name);
    }
    if (is_address(address, key)) {
      if (reply.output_urls.size() < urls_max) reply.output_urls.push_back(address);
      continue;
    }
    for (const char* name : {"text", "content", "output"}) {
      if (reply.text.empty()) reply.text = clean(value(name), key);
    }
  }
}

/// The one code of a reply: 0 beside another does not count. None when two differ.
std::optional<std::string> code_of(const Layers& layers) {
  std::set<std::string> codes = texts_under(layers, code_names);
  if (codes.size() > 1) codes.erase("0");
  if (codes.size() > 1 || has_odd_value(layers, code_names)) return std::nullopt;
  return codes.empty() ? "" : *codes.begin();
}

/// The one word of state. None when two differ.
std::optional<std::string> status_of(const Layers& layers) {
  std::set<std::string> words = texts_under(layers, status_names);
  if (!layers.word.empty()) words.insert(layers.word);
  if (words.size() > 1 || has_odd_value(layers, status_names)) return std::nullopt;
  return words.empty() ? "" : *words.begin();
}

/// The one task that a reply tells of, "" when it names none. None when it names two, or one that cannot be.
std::optional<std::string> task_id_of(const Layers& layers, const Secret& key) {
  const std::set<std::string> ids = texts_under(layers, task_names);
  if (ids.size() > 1 || has_odd_value(layers, task_names)) return std::nullopt;
  if (ids.empty()) return "";
  const std::string& id = *ids.begin();
  const bool is_id = id.size() <= 64 && id != "0" && std::all_of(id.begin(), id.end(), [](char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              c == '-' || c == '_';
                     });
  if (!is_id || holds_key(id, key)) return std::nullopt;
  return id;
}

Duration rest_of(const HttpAnswer& answer, const RunningHubReply& reply) {
  const auto header = [&](const char* name) {
    const auto found = answer.headers.find(name);
    return found == answer.headers.end() ? "" : found->second;
  };
  const bool is_rate_limited =
      answer.status == 429 || code_class_of(reply.code, reply.message) == CodeClass::rate_limited;
  return parse_retry_after(header("retry-after"), header("date"))
      .value_or(is_rate_limited ? rest_when_rate_limited : Duration{});
}

}  // namespace

RunningHubReply read_runninghub_reply(const HttpAnswer& answer, const std::string& task_id,
                                      const Secret& key) {
  RunningHubReply reply;
  reply.http_status = answer.status;
  const std::optional<Layers> layers = layers_of(answer.body);
  if (layers) {
    const auto code = code_of(*layers);
    const auto status = status_of(*layers);
    const auto named = task_id_of(*layers, key);
    const bool is_about_it = named && (task_id.empty() || named->empty() || *named == task_id);
    reply.is_readable = code && status && is_about_it;
    reply.code = clean(code.value_or(""), key);
    reply.message = clean(message_of(*layers), key);
    if (named && !is_about_it) reply.message = "the reply tells of another task";
    if (reply.is_readable) {
      reply.status = clean(*status, key);
      reply.task_id = *named;
      read_results(layers->results, key, reply);
    }
  } else {
    reply.message = "HTTP " + std::to_string(answer.status) + " with a body that is no JSON object";
  }
  reply.retry_after = rest_of(answer, reply);
  return reply;
}

std::string read_uploaded_name(const HttpAnswer& answer, const Secret& key) {
  const std::optional<Layers> layers = layers_of(answer.body);
  if (!layers || answer.status < 200 || answer.status >= 300) return "";
  const auto code = code_of(*layers);
  const std::set<std::string> names = texts_under(*layers, {"fileName", "file_name"});
  if (!code || (*code != "0" && !code->empty()) || names.size() != 1) return "";
  const std::string& name = *names.begin();
  const bool is_plain =
      std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > ' '; });
  return is_plain && !holds_key(name, key) && name.size() <= message_size_max ? name : "";
}

WebhookDetail read_webhook_detail(const HttpAnswer& answer, const std::string& task_id, const Secret& key) {
  const std::optional<Layers> layers = layers_of(answer.body, false);
  WebhookDetail detail;
  if (!layers || answer.status < 200 || answer.status >= 300 || code_of(*layers) != "0") return detail;
  const auto named = task_id_of(*layers, key);
  const auto first = [&](Names names) {
    const std::set<std::string> texts = texts_under(*layers, names);
    return texts.empty() ? "" : clean(*texts.begin(), key);
  };
  detail.status = first({"callbackStatus", "callback_status"});
  detail.is_known = named && (named->empty() || *named == task_id) && !detail.status.empty();
  if (!detail.is_known) return {};
  detail.response = first({"callbackResponse", "callback_response"});
  const std::set<std::string> addresses = texts_under(*layers, {"webhookUrl", "webhook_url"});
  if (addresses.size() == 1) detail.token = addresses.begin()->substr(addresses.begin()->rfind('/') + 1);
  const std::string count = first({"retryCount", "retry_count"});
  const bool is_count =
      !count.empty() && count.size() < 7 && count.find_first_not_of("0123456789") == std::string::npos;
  detail.retry_count = is_count ? std::stoi(count) : 0;
  return detail;
}

WebhookEvent parse_webhook(const std::string& body) {
  WebhookEvent event;
  event.words = evidence_of(body, Secret{});
  const std::optional<Layers> layers = layers_of(body);
  if (!layers) return event;
  event.is_task_end = texts_under(*layers, {"event"}) == std::set<std::string>{"TASK_END"};
  event.task_id = task_id_of(*layers, Secret{}).value_or("");
  return event;
}

}  // namespace jobwatchdog
