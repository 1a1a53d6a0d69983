// RunningHub's accountStatus. Source: protocols.md sections 1.6 and 1.7.
#include "native/provider/account_status.hpp"

#include <nlohmann/json.hpp>

#include "native/json_text.hpp"
#include "native/provider/runninghub_reply.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog {
namespace {

/// A number of the reply's `data`, which may be a text; "" for all else.
std::string number_of(const nlohmann::json& reply, const char* name) {
  const nlohmann::json data = reply.value("data", nlohmann::json{});
  if (!data.is_object() || !data.contains(name)) return "";
  const nlohmann::json& value = data[name];
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const bool is_number =
      !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789.-") == std::string::npos;
  return is_number ? text : "";
}

/// "", or what is left and what is at work.
std::string standing_of(const std::string& body) {
  const nlohmann::json reply = parse_strictly(body).value_or(nlohmann::json::object());
  std::string words;
  if (const std::string coins = number_of(reply, "remainCoins"); !coins.empty())
    words += ", coins left: " + coins;
  if (const std::string tasks = number_of(reply, "currentTaskCounts"); !tasks.empty())
    words += ", tasks at work: " + tasks;
  return words;
}

}  // namespace

HttpCall account_status_call(const ProviderAccount& account) {
  HttpCall call;
  call.url = account.base_url + "/uc/openapi/accountStatus";
  call.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  call.body = json_line({{"apikey", account.api_key.reveal()}});
  return call;
}

AccountStatus read_account_status(const HttpAnswer& answer, const Secret& key) {
  using Kind = AccountStatus::Kind;
  if (answer.kind != HttpAnswer::Kind::replied) return {Kind::unreachable, answer.error};
  const RunningHubReply reply = read_runninghub_reply(answer, "", key);
  if (!reply.is_readable || reply.code.empty())
    return {Kind::unclear, "HTTP " + std::to_string(answer.status) + " without an answer of its API"};
  const CodeClass code_class = code_class_of(reply.code, reply.message);
  if (code_class == CodeClass::ok && answer.status == 200)
    return {Kind::good, "answered in " + std::to_string(answer.took.ms) + " ms" + standing_of(answer.body)};
  return {code_class == CodeClass::access ? Kind::refused : Kind::unclear,
          "code " + reply.code + " " + reply.message};
}

}  // namespace jobwatchdog
