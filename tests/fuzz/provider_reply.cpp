// Replies of the provider: the first line is the status, the second Retry-After, the rest the body, in which
// "$key" stands for the account's key. It is in nothing that is kept.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/retry_after.hpp"
#include "native/provider/evidence.hpp"
#include "native/provider/runninghub_reply.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {
namespace {

constexpr const char* key = "Provider-Key-0123456789";
constexpr const char* task = "1904163390028185602";

HttpAnswer answer_of(const std::string& input) {
  std::vector<std::string> lines = lines_of(input, 3);
  for (std::size_t at = 0; (at = lines[2].find("$key", at)) != std::string::npos; ++at)
    lines[2].replace(at, 4, key);
  HttpAnswer answer;
  answer.kind = HttpAnswer::Kind::replied;
  answer.status = 200;
  answer.headers["retry-after"] = lines[1];
  answer.body = lines[2];
  if (lines[0] == "429" || lines[0] == "500") answer.status = lines[0] == "429" ? 429 : 500;
  return answer;
}

bool holds_key(const std::string& text) { return text.find(key) != std::string::npos; }

std::string law_of_reply(const RunningHubReply& reply) {
  const bool is_told = holds_key(reply.code + "\n" + reply.message + "\n" + reply.status + "\n" +
                                 reply.task_id + "\n" + reply.text) ||
                       std::any_of(reply.output_urls.begin(), reply.output_urls.end(), holds_key);
  if (is_told) return "the key is in none of a reply's texts";
  if (reply.is_readable && !reply.task_id.empty() && reply.task_id != task)
    return "a readable reply is about the task that was asked for";
  const bool has_long_url = std::any_of(reply.output_urls.begin(), reply.output_urls.end(),
                                        [](const auto& url) { return url.size() > 4'096; });
  if (has_long_url || reply.output_urls.size() > 100 || reply.message.size() > 500 || reply.text.size() > 500)
    return "what is kept of a reply is small";
  return reply.retry_after < Duration{0} || reply.retry_after > retry_after_max
             ? "nobody silences us for long"
             : "";
}

std::string law_of_evidence(const std::string& words) {
  if (holds_key(words)) return "the key is not in the evidence";
  const bool is_json = !nlohmann::json::parse(words, nullptr, false).is_discarded();
  return is_json && words.size() <= words_size_max ? "" : "evidence is JSON, and small";
}

}  // namespace

Verdict provider_reply(const std::string& input) {
  const Secret secret{key};
  const HttpAnswer answer = answer_of(input);
  const RunningHubReply reply = read_runninghub_reply(answer, task, secret);
  if (std::string law = law_of_reply(reply); !law.empty()) return broken(law);
  if (std::string law = law_of_evidence(evidence_of(answer.body, secret, answer.status)); !law.empty())
    return broken(law);
  if (holds_key(read_uploaded_name(answer, secret))) return broken("the key is no file's name");
  const WebhookDetail detail = read_webhook_detail(answer, task, secret);
  if (holds_key(detail.status + "\n" + detail.response))
    return broken("the key is not in a webhook's detail");
  return reply.is_readable ? taken() : refused();
}

}  // namespace jobwatchdog::fuzz
