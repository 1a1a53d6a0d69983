/// The HTTP face in the hands of a test: the real routes over a real database, called without a socket.
#pragma once

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "native/access/jwt.hpp"
#include "native/serve/router.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {

using Headers = std::map<std::string, std::string>;

inline const std::string owner_id = "a0000000-0000-4000-8000-00000000000a";
inline const std::string other_id = "b0000000-0000-4000-8000-00000000000b";
inline const std::string admin_id = "c0000000-0000-4000-8000-00000000000c";
inline const Secret served_secret{"the secret of served tests, long enough"};
inline const std::string publishable_key = "sb_publishable_0123456789abcdef";
inline const std::string secret_key = "sb_secret_0123456789abcdef0123";
inline const std::string cron_secret = "cron-0123456789abcdef0123";

inline std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

inline nlohmann::json claims_of(const std::string& role, const std::string& user_id,
                                std::int64_t lifetime_s = 600) {
  nlohmann::json claims{{"role", role}, {"exp", now_s() + lifetime_s}};
  if (!user_id.empty()) claims.update({{"sub", user_id}, {"aud", "authenticated"}});
  return claims;
}

inline Headers bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }

inline Headers as_user(const std::string& user_id) {
  return bearer(sign_token(claims_of("authenticated", user_id), served_secret).value());
}
inline Headers as_service() { return {{"apikey", secret_key}}; }
inline Headers as_anon() { return bearer(publishable_key); }
inline Headers as_cron() { return bearer(cron_secret); }

inline void wait_for(Bell& bell) {
  std::promise<void> rung;
  bell.listen([&rung] { rung.set_value(); });
  rung.get_future().wait();
}

/// A provider that takes every file at once and does nothing else.
class Storehouse final : public Provider {
 public:
  void ask(ProviderQuestion question) override {
    answers_.push_back(
        {.number = question.number,
         .kind = question.kind,
         .was_accepted = true,
         .file_name = "api/" + std::to_string(question.file_content->size()) + question.file_name});
  }
  [[nodiscard]] std::vector<ProviderAnswer> wait(Duration /*patience*/) override {
    return std::exchange(answers_, {});
  }
  [[nodiscard]] std::size_t under_way() const override { return answers_.size(); }

 private:
  std::vector<ProviderAnswer> answers_;
};

/// A managed database with three users, of whom one is an administrator, and the routes over it.
class Served {
 public:
  Served() : Served(AccessSettings{}) {}
  /// Without a limit, for most tests ask more than any page.
  explicit Served(AccessSettings access, int requests_per_minute = 0,
                  std::shared_ptr<const Pages> pages = nullptr) {
    (void)access.token_keys.add_secret(served_secret);
    access.publishable_keys.add(Secret{publishable_key});
    access.secret_keys.add(Secret{secret_key});
    access.cron_secrets.add(Secret{cron_secret});
    access.origins.insert("https://app.example");
    auto connections =
        std::make_shared<ConnectionPool>([url = database_.url()] { return Connection::open(url, {}); });
    services_ = std::make_shared<const Services>(
        Services{.connections = connections,
                 .bells = std::make_shared<JobBells>(),
                 .flags = std::make_shared<LiveFlags>(connections, Configuration{}),
                 .request_metrics = std::make_shared<RequestMetrics>(),
                 .rate_limit = std::make_shared<RateLimit>(requests_per_minute, [this] { return now_; }),
                 .proxies = TrustedProxies::parse("10.0.0.0/8").value(),
                 .pages = std::move(pages),
                 .uploads = std::make_shared<Uploads>(std::make_unique<Storehouse>()),
                 .access = std::move(access),
                 .counts = [] { return ReconcileCounts{}; },
                 .sweep_metrics = [] { return ""; },
                 .clock = [this] { return now_; },
                 .wake = [this] { ++wake_count_; }});
    handler_ = router(services_);
    database_.exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES ('" + owner_id +
                   "', 100), ('" + other_id + "', 100), ('" + admin_id + "', 100)");
    database_.exec("INSERT INTO public.user_roles (user_id, role) VALUES ('" + admin_id + "', 'admin')");
  }

  [[nodiscard]] Database& database() { return database_; }
  [[nodiscard]] const std::shared_ptr<const Services>& services() const { return services_; }
  [[nodiscard]] int wake_count() const { return wake_count_; }
  /// The clock of limits and waits goes on.
  void pass(Duration duration) { now_ = now_ + duration; }

  /// What a client gets in the end: a reply that waits does so by the clock of this object.
  HttpReply call(const std::string& method, const std::string& path, const std::string& body,
                 Headers headers) {
    if (!body.empty()) headers.try_emplace("content-type", "application/json");
    const std::size_t mark = std::min(path.find('?'), path.size());
    const std::string query = mark == path.size() ? "" : path.substr(mark + 1);
    HttpReply reply = handler_({method, path.substr(0, mark), query, std::move(headers), body, "127.0.0.1"});
    while (reply.then) {
      if (path.ends_with("/upload")) wait_for(*reply.waits_for);  // Its thread is a real one.
      pass(reply.waits_at_most);
      reply = std::function<HttpReply()>{reply.then}();
    }
    return reply;
  }

  /// A function of the server, and what it answers, with the status as "httpStatus".
  nlohmann::json function(const std::string& name, const nlohmann::json& body, const Headers& headers) {
    const HttpReply reply = call("POST", "/functions/v1/" + name, body.dump(), headers);
    nlohmann::json answer = nlohmann::json::parse(reply.body, nullptr, false);
    if (answer.is_object()) answer["httpStatus"] = reply.status;
    return answer;
  }

  /// A pending job that costs 10 credits.
  std::string pending_job(const std::string& user_id = owner_id, const std::string& session_id = "") {
    return database_.value(
        "SELECT watchdog.create_job('veste_ai_jobs', '" + user_id +
        "', '{\"inputs\": {\"person\": \"api/a.png\", \"clothing\": \"api/b.png\"}}', 10, NULLIF('" +
        session_id + "', ''))");
  }
  std::string queued_job(const std::string& user_id = owner_id, const std::string& session_id = "") {
    std::string id = pending_job(user_id, session_id);
    database_.exec("SELECT watchdog.start_job('veste_ai_jobs', '" + id + "')");
    return id;
  }
  /// A queued job that was given a slot and a task.
  std::string running_job(const std::string& user_id = owner_id) {
    std::string id = queued_job(user_id);
    database_.exec("UPDATE watchdog.active_jobs SET queued_at = NULL WHERE job_id = '" + id + "'");
    database_.exec("UPDATE public.ai_jobs SET status = 'starting', attempt = 1 WHERE id = '" + id + "'");
    database_.exec("UPDATE public.ai_jobs SET status = 'running', task_id = '" + next_task_id() +
                   "', started_at = now() WHERE id = '" + id + "'");
    return id;
  }
  std::string status_of(const std::string& job_id) {
    return database_.value("SELECT status FROM public.ai_jobs WHERE id = '" + job_id + "'");
  }
  std::string balance_of(const std::string& user_id) {
    return database_.value("SELECT balance FROM public.upscaler_credits WHERE user_id = '" + user_id + "'");
  }

 private:
  std::string next_task_id() { return "190000000000000000" + std::to_string(++task_count_); }

  Database database_{Database::managed()};
  int task_count_{0};
  int wake_count_{0};
  Duration now_{};
  std::shared_ptr<const Services> services_;
  HttpHandler handler_;
};

inline nlohmann::json job_named(const std::string& job_id) {
  return {{"table", "veste_ai_jobs"}, {"jobId", job_id}};
}

}  // namespace jobwatchdog::test
