// Fetching an issuer's keys.
#include "native/access/issuer_keys.hpp"

#include <utility>

#include "native/http/http_client.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

/// A fetch at hand looks so often whether it is to be dropped.
constexpr Duration patience = milliseconds(100);

/// Also after a clock that was set back.
bool has_passed(Duration time, std::int64_t since_ms, std::int64_t now_ms) {
  return now_ms < since_ms || now_ms - since_ms >= time.ms;
}

/// The keys of an answer, or why it has none.
std::optional<TokenKeys> keys_of(const HttpAnswer& answer, std::string& why_not) {
  TokenKeys keys;
  if (answer.kind != HttpAnswer::Kind::replied) {
    why_not = answer.error;
  } else if (answer.status != 200) {
    why_not = "HTTP " + std::to_string(answer.status);
  } else if (const std::optional<Problem> problem = keys.add_public_keys(answer.body)) {
    why_not = problem->what;
  } else {
    return keys;
  }
  return std::nullopt;
}

/// Said when fetching begins to fail and when it works again, not each time.
void tell(bool have_arrived, bool had_keys, const std::string& why_not) {
  if (have_arrived) return log(LogLevel::info, "the keys of WATCHDOG_JWKS_URL have arrived");
  log(LogLevel::warning,
      had_keys ? "the keys of WATCHDOG_JWKS_URL cannot be fetched again: the old ones stay in force"
               : "the keys of WATCHDOG_JWKS_URL cannot be fetched: until they arrive, nobody is believed "
                 "whose token is signed by one of them",
      {{"why", why_not}, {"mend", "see whether this machine reaches the address; it is tried again"}});
}

}  // namespace

IssuerKeys::IssuerKeys(std::string url, std::int64_t now_ms)
    : url_(std::move(url)), asked_at_ms_(now_ms), thread_([this] { run(); }) {}

IssuerKeys::~IssuerKeys() {
  {
    const std::lock_guard lock{mutex_};
    stops_ = true;
  }
  stirred_.notify_all();
  thread_.join();
}

IssuerKeys::Checked IssuerKeys::check(const std::string& token, const TokenPolicy& policy,
                                      std::int64_t now_ms) {
  std::shared_ptr<const TokenKeys> keys;
  for (;;) {
    {
      const std::lock_guard lock{mutex_};
      fetch_if_due(now_ms, false);
      keys = keys_;
    }
    Result<TokenClaims, TokenFault> result =
        keys ? keys->check(token, policy, now_ms) : TokenKeys{}.check(token, policy, now_ms);
    if (result.ok() || result.error() != TokenFault::unknown_key) return {std::move(result), nullptr};
    const std::lock_guard lock{mutex_};
    if (keys != keys_) continue;  // A newer set arrived meanwhile.
    fetch_if_due(now_ms, true);
    return {std::move(result), is_fetching_ ? bell() : nullptr};
  }
}

bool IssuerKeys::have_arrived(std::int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  fetch_if_due(now_ms, false);
  return keys_ != nullptr;
}

std::shared_ptr<Bell> IssuerKeys::end_of_fetch() {
  const std::lock_guard lock{mutex_};
  std::shared_ptr<Bell> end = bell();
  if (!is_fetching_) end->ring();
  return end;
}

void IssuerKeys::fetch_if_due(std::int64_t now_ms, bool lacks_key) {
  const bool is_old = !fresh_from_ms_ || has_passed(keys_are_fresh_for, *fresh_from_ms_, now_ms);
  if (is_fetching_ || !(is_old || lacks_key) || !has_passed(rest_between_fetches, asked_at_ms_, now_ms))
    return;
  is_fetching_ = true;
  asked_at_ms_ = now_ms;
  stirred_.notify_all();
}

std::shared_ptr<Bell> IssuerKeys::bell() {
  auto bell = std::make_shared<Bell>();
  std::erase_if(waiting_, [](const auto& waiting) { return waiting.expired(); });
  waiting_.push_back(bell);
  return bell;
}

void IssuerKeys::run() {
  HttpClient client;
  std::unique_lock lock{mutex_};
  for (;;) {
    stirred_.wait(lock, [this] { return stops_ || is_fetching_; });
    if (stops_) return;
    lock.unlock();
    std::string why_not;
    std::optional<TokenKeys> keys = fetch(client, why_not);
    take(std::move(keys), why_not);
    lock.lock();
  }
}

std::optional<TokenKeys> IssuerKeys::fetch(HttpClient& client, std::string& why_not) {
  HttpCall call;
  call.method = "GET";
  call.url = url_;
  call.headers = {{"Accept", "application/json"}};
  call.connect_timeout = call.total_timeout = key_fetch_timeout;
  call.reply_size_max = key_set_size_max;
  call.may_repeat = false;  // One wish, one request; no connection lives from one fetch to the next.
  client.start(std::move(call));
  for (;;) {
    for (const HttpAnswer& answer : client.wait(patience)) return keys_of(answer, why_not);
    const std::lock_guard lock{mutex_};
    if (stops_) return std::nullopt;
  }
}

void IssuerKeys::take(std::optional<TokenKeys> keys, const std::string& why_not) {
  std::vector<std::weak_ptr<Bell>> told;
  bool had_keys = false;
  bool has_failed_before = false;
  {
    const std::lock_guard lock{mutex_};
    had_keys = keys_ != nullptr;
    has_failed_before = std::exchange(fails_, !keys);
    is_fetching_ = false;
    told.swap(waiting_);
    if (keys) {
      keys_ = std::make_shared<const TokenKeys>(*keys);
      fresh_from_ms_ = asked_at_ms_;
    }
  }
  if (keys ? has_failed_before || !had_keys : !has_failed_before && !why_not.empty())
    tell(keys.has_value(), had_keys, why_not);
  for (const std::weak_ptr<Bell>& waiting : told) {
    if (const std::shared_ptr<Bell> bell = waiting.lock()) bell->ring();
  }
}

}  // namespace jobwatchdog
