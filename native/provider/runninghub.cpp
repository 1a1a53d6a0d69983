// Questions to RunningHub: who may ask when, what is asked again, and what the answers come to.
#include "native/provider/runninghub.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/provider/evidence.hpp"
#include "native/provider/runninghub_call.hpp"
#include "native/provider/runninghub_reply.hpp"
#include "native/retry.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

using Kind = ProviderQuestion::Kind;

/// A question on its way.
struct Call {
  ProviderQuestion question;
  RunningHubApi api{RunningHubApi::v2};
  bool is_second_reading{false};
  Stopwatch stopwatch;
};

struct Account {
  ProviderAccount settings;
  CircuitBreaker circuit;
  Instant rests_until;  ///< By Retry-After, on the clock of State.
  int at_once{0};
  std::deque<Call> queue;
};

/// A call that is with the HTTP client.
struct Sent {
  Account* account;
  Call call;
};

ProviderAnswer answer_to(const Call& call) {
  ProviderAnswer answer;
  answer.number = call.question.number;
  answer.kind = call.question.kind;
  answer.took = call.stopwatch.elapsed();
  return answer;
}

std::string words_of(const char* name, const std::string& text) {
  return json_line(nlohmann::ordered_json{{name, text}});
}

/// Of a question that did not reach the provider, or came back without an answer.
ProviderAnswer without_answer(const Call& call, Submission::Kind submission, const std::string& why,
                              Duration rest = {}, bool needs_person = false) {
  ProviderAnswer answer = answer_to(call);
  if (call.question.kind == Kind::submit) answer.submission = {submission, "", "", why, rest, needs_person};
  if (call.question.kind == Kind::query)
    answer.verdict = {Verdict::Kind::unknown, {}, "", why, rest, needs_person};
  answer.words = words_of("no_answer", why);
  return answer;
}

/// An endpoint that is not there; not an answer in which the API itself says so.
bool is_missing_endpoint(const RunningHubReply& reply) {
  const CodeClass code_class = code_class_of(reply.code, reply.message);
  const bool is_said_by_api = code_class != CodeClass::none && code_class != CodeClass::unmapped;
  return (reply.http_status == 404 || reply.http_status == 405 || reply.http_status == 501) &&
         !is_said_by_api;
}

}  // namespace

struct RunningHub::State {
  RunningHubOptions options;
  std::map<std::string, Account> accounts;
  HttpClient http;
  std::unordered_map<std::uint64_t, Sent> sent;
  std::uint64_t next_number{1};
  std::vector<ProviderAnswer> answers;
  Stopwatch clock;

  [[nodiscard]] Instant now() const { return Instant{} + clock.elapsed(); }

  void send(Account& account, Call call) {
    HttpCall http_call = runninghub_call(call.question, account.settings, call.api, options);
    http_call.number = next_number;
    sent.emplace(next_number++, Sent{&account, std::move(call)});
    http.start(std::move(http_call));
  }

  /// Sends what the limits of the account allow. While it rests, the whole queue is answered without it.
  void pump(Account& account) {
    while (!account.queue.empty()) {
      const Duration rest = account.rests_until - now();
      if (rest.ms > 0) {
        answer_unasked(account, "the provider wants to be left alone", rest);
      } else if (account.at_once >= account.settings.requests_at_once_max) {
        return;
      } else if (!let_through(account.circuit, now())) {
        answer_unasked(account, "the provider does not answer and is left alone",
                       rest_left(account.circuit, now(), options.circuit));
      } else {
        ++account.at_once;
        Call call = std::move(account.queue.front());
        account.queue.pop_front();
        send(account, std::move(call));
      }
    }
  }

  void answer_unasked(Account& account, const char* why, Duration rest) {
    answers.push_back(without_answer(account.queue.front(), Submission::Kind::not_sent, why, rest));
    account.queue.pop_front();
  }

  void note_health(Account& account, const HttpAnswer& answer) {
    if (answer.kind == HttpAnswer::Kind::replied && answer.status < 500) return note_success(account.circuit);
    const CircuitBreaker before = account.circuit;
    note_failure(account.circuit, now(), drawn_permille(options.circuit.rest.jitter_permille_max),
                 options.circuit);
    if (account.circuit.opening_count == before.opening_count) return;
    const Duration rest = rest_left(account.circuit, now(), options.circuit);
    log(LogLevel::warning, "The provider does not answer and is left alone for a while.",
        {{"account", account.settings.name},
         {"milliseconds", std::to_string(rest.ms)},
         {"last", answer.error.empty() ? "HTTP " + std::to_string(answer.status) : answer.error}});
  }

  void take(const HttpAnswer& http_answer) {
    auto node = sent.extract(http_answer.number);
    Account& account = *node.mapped().account;
    Call& call = node.mapped().call;
    note_health(account, http_answer);
    std::optional<ProviderAnswer> answer = http_answer.kind == HttpAnswer::Kind::replied
                                               ? judge(account, call, http_answer)
                                               : lost(call, http_answer);
    if (answer) {
      --account.at_once;
      answers.push_back(std::move(*answer));
    } else {
      send(account, std::move(call));  // Once more, in its own place.
    }
    pump(account);
  }

  static ProviderAnswer lost(const Call& call, const HttpAnswer& answer) {
    const bool is_unsent = answer.kind == HttpAnswer::Kind::not_sent;
    return without_answer(call, is_unsent ? Submission::Kind::not_sent : Submission::Kind::unknown,
                          answer.error);
  }

  /// What a reply comes to; none when the question is to be asked once more, as `call` then tells.
  std::optional<ProviderAnswer> judge(Account& account, Call& call, const HttpAnswer& http_answer) {
    const Secret& key = account.settings.api_key;
    const bool is_about_task = call.question.kind != Kind::submit && call.question.kind != Kind::upload;
    const RunningHubReply reply =
        read_runninghub_reply(http_answer, is_about_task ? call.question.task_id : "", key);
    if (reply.retry_after.ms > 0)
      account.rests_until = std::max(account.rests_until, now() + reply.retry_after);
    const bool may_ask_v1 = call.api == RunningHubApi::v2 && has_second_api(call.question.kind);
    if (may_ask_v1 && !call.is_second_reading && is_missing_endpoint(reply)) {
      call.api = RunningHubApi::v1;
      return std::nullopt;
    }
    ProviderAnswer answer = answer_to(call);
    answer.words = evidence_of(http_answer.body, key, http_answer.status);
    switch (call.question.kind) {
      case Kind::query:
        answer.verdict = verdict_of(reply);
        if (answer.verdict.kind == Verdict::Kind::failed && !call.is_second_reading)
          return second_reading(account, call, std::move(answer));
        break;
      case Kind::submit: answer.submission = submission_of(reply); break;
      case Kind::cancel:
        answer.was_accepted = reply.is_readable && reply.code == "0" && http_answer.status == 200;
        break;
      case Kind::webhook_detail:
        answer.webhook = read_webhook_detail(http_answer, call.question.task_id, key);
        break;
      case Kind::upload:
        answer.file_name = read_uploaded_name(http_answer, key);
        answer.was_accepted = !answer.file_name.empty();
        break;
    }
    return answer;
  }

  /// A failure is read twice before it is believed, of whatever shape: 805 also stands for an interruption,
  /// and what FAILED promises nobody has written down. An account that rests now is not asked again: then
  /// nobody knows.
  std::optional<ProviderAnswer> second_reading(const Account& account, Call& call,
                                               ProviderAnswer answer) const {
    if (account.rests_until > now()) {
      answer.verdict.kind = Verdict::Kind::unknown;
      return answer;
    }
    call.is_second_reading = true;
    return std::nullopt;
  }
};

RunningHub::RunningHub(std::vector<ProviderAccount> accounts, const RunningHubOptions& options)
    : state_(std::make_unique<State>()) {
  state_->options = options;
  for (ProviderAccount& settings : accounts) {
    const std::string name = settings.name;
    state_->accounts[name].settings = std::move(settings);
  }
}

RunningHub::~RunningHub() = default;

void RunningHub::ask(ProviderQuestion question) {
  Call call;
  call.api = first_api_for(question.kind);
  call.question = std::move(question);
  const auto account = state_->accounts.find(call.question.account);
  const std::string refusal = refusal_of(call.question);
  if (account == state_->accounts.end()) {
    // Another process may have the key, so the job is not refused.
    state_->answers.push_back(without_answer(
        call, Submission::Kind::not_sent, "there is no key for account " + call.question.account, {}, true));
  } else if (!refusal.empty()) {
    state_->answers.push_back(without_answer(call, Submission::Kind::refused, refusal, {}, true));
  } else {
    account->second.queue.push_back(std::move(call));
    state_->pump(account->second);
  }
}

std::vector<ProviderAnswer> RunningHub::wait(Duration patience) {
  State& state = *state_;
  const Stopwatch waited;
  if (under_way() == 0) rest_for(patience);
  do {
    const Duration left = state.answers.empty() ? patience - waited.elapsed() : Duration{};
    for (const HttpAnswer& answer : state.http.wait(std::max(left, Duration{}))) state.take(answer);
  } while (state.answers.empty() && !state.sent.empty() && waited.elapsed() < patience);
  return std::exchange(state.answers, {});
}

std::size_t RunningHub::under_way() const {
  std::size_t count = state_->sent.size() + state_->answers.size();
  for (const auto& [name, account] : state_->accounts) count += account.queue.size();
  return count;
}

}  // namespace jobwatchdog
