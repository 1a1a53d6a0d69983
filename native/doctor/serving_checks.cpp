// Keys, roles and the address of `serve`.
#include "native/doctor/serving_checks.hpp"

#include <future>
#include <nlohmann/json.hpp>

#include "native/access/access_settings.hpp"
#include "native/http/answers_to.hpp"
#include "native/wall_clock.hpp"

namespace jobwatchdog {
namespace {

using State = Check::State;

constexpr const char* access_mend =
    "set WATCHDOG_JWT_SECRET, WATCHDOG_JWKS or WATCHDOG_JWKS_URL, see README, \"Serving pages\"";

/// Those of the secrets that are set, in words.
std::string secrets_that_are_set() {
  std::string names;
  for (const std::string name :
       {"WATCHDOG_JWT_SECRET", "WATCHDOG_JWKS", "WATCHDOG_JWKS_URL", "WATCHDOG_PUBLISHABLE_KEYS",
        "WATCHDOG_SECRET_KEYS", "WATCHDOG_CRON_SECRETS"}) {
    const Result<Secret> secret = secret_of_environment(name);
    if (secret.ok() && !secret.value().empty()) names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

/// Waits until the first fetch has ended, which has its time.
bool arrive(IssuerKeys& keys) {
  std::promise<void> ended;
  const std::shared_ptr<Bell> end = keys.end_of_fetch();
  end->listen([&ended] { ended.set_value(); });
  ended.get_future().wait();
  return keys.have_arrived(wall_clock_ms());
}

std::string status_words(const HttpAnswer& answer) {
  return answer.kind == HttpAnswer::Kind::replied ? "HTTP " + std::to_string(answer.status) : answer.error;
}

/// The version that /version tells; "" when it is no jobwatchdog that answers.
std::string version_of(const HttpAnswer& answer) {
  if (answer.kind != HttpAnswer::Kind::replied || answer.status != 200) return "";
  const nlohmann::json said = nlohmann::json::parse(answer.body, nullptr, false);
  if (!said.is_object() || said.value("name", nlohmann::json{}) != "jobwatchdog") return "";
  const nlohmann::json version = said.value("version", nlohmann::json{});
  const std::string text = version.is_string() ? version.get<std::string>() : "";
  const bool is_plain =
      !text.empty() && text.size() <= 20 &&
      text.find_first_not_of("0123456789.-+abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  return is_plain ? text : "of an unknown version";
}

/// What answers at the address, as seen from here.
Check answered(const WebAddress& address, const HttpAnswer& health, const HttpAnswer& version) {
  if (health.kind != HttpAnswer::Kind::replied)
    return {"webhooks", State::warning, address.shown + " cannot be reached from here: " + health.error,
            "start `serve` there; see that DNS, proxy and firewall lead to it"};
  const std::string number = version_of(version);
  if (number.empty())
    return {"webhooks", State::warning,
            address.shown + " answers, but not as a jobwatchdog: " + status_words(version) + " at /version",
            "let the proxy lead all of --public-url to `serve`, and give the address that it redirects to"};
  if (health.status != 200)
    return {"webhooks", State::warning,
            address.shown + " is not well: " + status_words(health) + " at /healthz",
            "see the log of `serve` there"};
  return {"webhooks", State::ok, "a jobwatchdog " + number + " answers at " + address.shown, ""};
}

}  // namespace

std::vector<Check> check_access() {
  const Result<AccessSettings, std::vector<Problem>> settings = access_settings_of_environment();
  std::vector<Check> checks;
  if (!settings.ok()) {
    for (const Problem& problem : settings.error())
      checks.push_back(check_of("access", State::error, problem));
    return checks;
  }
  const std::string names = secrets_that_are_set();
  if (names.empty()) {
    checks.push_back({"access", State::warning,
                      "no key is set: `serve` believes nobody, and answers only webhooks, health and metrics",
                      access_mend});
  } else if (settings.value().issuer_keys && !arrive(*settings.value().issuer_keys)) {
    checks.push_back(
        {"access", State::warning,
         "the keys of WATCHDOG_JWKS_URL do not arrive: nobody is believed whose token is signed by one of them",
         "see whether this machine reaches the address, and that a set of keys is there"});
  } else if (settings.value().token_keys.empty() && !settings.value().issuer_keys &&
             settings.value().secret_keys.empty()) {
    checks.push_back({"access", State::warning,
                      "`serve` believes no user and no service, for only these are set: " + names,
                      access_mend});
  } else {
    checks.push_back({"access", State::ok, "callers of `serve` are known by " + names, ""});
  }
  return checks;
}

Check check_roles(Connection& connection) {
  const DatabaseResult<Rows> login =
      connection.query("SELECT quote_ident(session_user) AS login", {}, {.read_only = true});
  if (!login.ok()) return {"roles", State::warning, error_text(login.error()), ""};
  for (const char* role : {"anon", "authenticated", "service_role"}) {
    const SessionSettings session{role, {}};
    const DatabaseResult<Rows> taken =
        connection.query("SELECT current_user", {}, {.read_only = true, .caller = &session});
    if (taken.ok()) continue;
    return {"roles", State::warning, "`serve` could not answer /rest/v1: " + error_text(taken.error()),
            "GRANT anon, authenticated, service_role TO " + login.value().text(0, "login")};
  }
  return {"roles", State::ok, "this login may become anon, authenticated and service_role", ""};
}

Check judged_webhooks(const WebAddress& address, const HttpAnswer& health, const HttpAnswer& version) {
  Check check = answered(address, health, version);
  const std::string privacy = privacy_of(address.host);
  if (!privacy.empty()) {
    check.words += "; the provider cannot reach it: " + address.host + " is " + privacy;
  } else if (!address.is_https) {
    check.words += "; the provider may not call http:, and the tokens of webhooks would travel in the clear";
  } else {
    return check;
  }
  if (check.state == State::ok) check.mend = "give --public-url an https:// address that the internet knows";
  check.state = State::warning;
  return check;
}

Check check_webhooks(const std::string& public_url) {
  if (public_url.empty())
    return {"webhooks", State::warning, "no webhook is asked for: jobs are found by asking alone",
            "tell where the provider reaches `serve`: --public-url or WATCHDOG_PUBLIC_URL"};
  const std::optional<WebAddress> address = parse_web_address(public_url);
  if (!address || address->has_query)
    return {"webhooks", State::error, "--public-url is no address of a server",
            "write https://, a host and perhaps a path, such as https://app.example"};
  std::vector<HttpCall> calls(2);
  calls[0].url = public_url + "/healthz";
  calls[1].url = public_url + "/version";
  for (HttpCall& call : calls) call.method = "GET";
  const std::vector<HttpAnswer> answers = answers_to(std::move(calls));
  return judged_webhooks(*address, answers[0], answers[1]);
}

}  // namespace jobwatchdog
