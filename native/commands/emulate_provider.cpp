// `jobwatchdog emulate-provider`: the emulated provider behind a real port, sending real webhooks.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>

#include "core/duration_text.hpp"
#include "native/commands.hpp"
#include "native/emulator/emulator_faults.hpp"
#include "native/emulator/emulator_http.hpp"
#include "native/http/http_client.hpp"
#include "native/http/listen_address.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/stop_signal.hpp"
#include "native/stopwatch.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

constexpr int webhooks_at_once_max = 64;
constexpr Duration webhook_timeout = seconds(10);
constexpr Duration webhook_patience = milliseconds(20);
/// How soon a signal is noticed.
constexpr Duration rest_max = milliseconds(100);
constexpr Duration farewell_patience = seconds(2);
/// Beside the file a form holds a few lines.
constexpr std::size_t form_size_max = upload_size_max + 1'048'576;

/// "5 s..15 s", or one duration for all tasks.
std::optional<Problem> read_task_time(const std::string& text, EmulatorSettings& settings) {
  const std::size_t dots = text.find("..");
  const Result<Duration> least = parse_duration(text.substr(0, dots));
  const Result<Duration> most = dots == std::string::npos ? least : parse_duration(text.substr(dots + 2));
  for (const Result<Duration>* side : {&least, &most}) {
    if (!side->ok())
      return Problem{"--task-time", side->error().what, "write one duration, or two such as \"5 s..15 s\""};
  }
  if (most.value() < least.value())
    return Problem{"--task-time", "\"" + text + "\" ends before it begins", "write the shorter one first"};
  settings.task_time_min = least.value();
  settings.task_time_max = most.value();
  return std::nullopt;
}

std::optional<Problem> read_faults(const EmulateProviderCommand& command, EmulatorSettings& settings) {
  (void)set_faults(settings, command.faults);  // The command line knows no other words.
  for (const EmulatorFault& fault : emulator_faults) {
    const auto given = command.shares.find(fault.name);
    if (given == command.shares.end() || given->second.empty()) continue;
    const Result<int> permille = parse_permille(given->second);
    if (!permille.ok())
      return Problem{std::string{"--"} + fault.name, permille.error().what, permille.error().mend};
    settings.*fault.permille = permille.value();
  }
  return std::nullopt;
}

Result<EmulatorSettings> emulator_settings(const EmulateProviderCommand& command) {
  EmulatorSettings settings{.seed = command.seed,
                            .public_url = command.public_url,
                            .keys = command.keys,
                            .concurrent_tasks_max = command.capacity,
                            .tasks_max = command.tasks_max,
                            .webhook_retries_max = command.webhook_retries_max,
                            .speaks_v1 = command.speaks_v1};
  while (settings.public_url.ends_with('/')) settings.public_url.pop_back();
  if (auto problem = read_task_time(command.task_time, settings)) return *problem;
  const Result<Duration> rest = parse_duration(command.webhook_retry_rest);
  if (!rest.ok()) return Problem{"--webhook-retry-rest", rest.error().what, rest.error().mend};
  settings.webhook_retry_rest = rest.value();
  if (auto problem = read_faults(command, settings)) return *problem;
  return settings;
}

void tell_event(const std::string& what, const std::string& task_id) {
  if (what != "query") log(LogLevel::debug, what, {{"task", task_id}});
}

/// The provider, shared by the threads that answer requests and the one that sends webhooks.
class Emulation {
 public:
  explicit Emulation(EmulatorSettings settings) : settings_(std::move(settings)) {}

  /// Nothing: it listens. Requests wait until the provider knows its own address.
  std::optional<Problem> open(const HttpServerOptions& options) {
    const std::lock_guard held{lock_};
    Result<HttpServer> server =
        HttpServer::start(options, [this](const HttpRequest& request) { return answer(request); });
    if (!server.ok())
      return Problem{"--listen", server.error().where + ": " + server.error().what, server.error().mend};
    url_ = http_url(options.address, server.value().port());
    if (settings_.public_url.empty()) settings_.public_url = url_;
    provider_.emplace(settings_, tell_event);
    server_.emplace(std::move(server.value()));
    return std::nullopt;
  }

  void send_webhooks_until_stopped() {
    HttpClient client;
    while (stop_signal() == 0) {
      start_due_webhooks(client);
      if (client.under_way() == 0) {
        rest();
        continue;
      }
      for (const HttpAnswer& answer : client.wait(webhook_patience)) record(answer);
    }
  }

  EmulatorCounts close() {
    server_->stop(farewell_patience);
    const std::lock_guard held{lock_};
    return provider_->counts(now());
  }

  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  /// A provider's own clock, which never goes back.
  [[nodiscard]] Instant now() const { return began_ + running_.elapsed(); }

  HttpReply answer(const HttpRequest& request) {
    const std::lock_guard held{lock_};
    HttpReply reply = emulator_reply(*provider_, request, now());
    is_something_planned_ = true;
    planned_.notify_one();
    return reply;
  }

  void start_due_webhooks(HttpClient& client) {
    const auto room = webhooks_at_once_max - static_cast<int>(client.under_way());
    const std::lock_guard held{lock_};
    for (WebhookCall& call : provider_->take_webhooks(now(), room)) {
      HttpCall out;
      out.number = call.number;
      out.url = std::move(call.url);
      out.headers = {{"Content-Type", "application/json"}};
      out.body = std::move(call.body);
      out.total_timeout = webhook_timeout;
      client.start(std::move(out));
    }
  }

  void record(const HttpAnswer& answer) {
    const bool has_replied = answer.kind == HttpAnswer::Kind::replied;
    const std::lock_guard held{lock_};
    provider_->record_webhook(answer.number, has_replied ? answer.status : 0,
                              has_replied ? answer.body : answer.error, now());
  }

  /// Until a webhook is due or a request may have planned one.
  void rest() {
    std::unique_lock held{lock_};
    const std::optional<Instant> next = provider_->next_webhook_at();
    const Duration patience = next ? std::clamp(*next - now(), Duration{0}, rest_max) : rest_max;
    planned_.wait_for(held, std::chrono::milliseconds{patience.ms}, [this] { return is_something_planned_; });
    is_something_planned_ = false;
  }

  EmulatorSettings settings_;
  Instant began_{std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()};
  Stopwatch running_;
  std::string url_;
  std::mutex lock_;  ///< Before provider_.
  std::condition_variable planned_;
  bool is_something_planned_{false};
  std::optional<EmulatedProvider> provider_;
  std::optional<HttpServer> server_;  // Last: it ends first.
};

void print_counts(const EmulatorCounts& counts, bool as_json) {
  if (as_json) {
    nlohmann::ordered_json document;
    for (const auto& [name, count] : counts) document[name] = count;
    std::cout << json_document(document);
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, count] : counts) {
    if (count > 0) rows.push_back({name, grouped(count)});
  }
  std::cout << (rows.empty() ? "nobody asked anything\n" : terminal_table({"what", "count"}, rows));
}

}  // namespace

ExitCode run_emulate_provider(const GlobalOptions& global, const EmulateProviderCommand& command) {
  const Result<ListenAddress> listen = parse_listen_address(command.listen, "127.0.0.1:8799");
  if (!listen.ok()) return report({ExitCode::usage, {listen.error()}});
  const Result<EmulatorSettings> settings = emulator_settings(command);
  if (!settings.ok()) return report({ExitCode::usage, {settings.error()}});
  Emulation emulation{settings.value()};
  const HttpServerOptions options{
      .address = listen.value().address, .port = listen.value().port, .body_size_max = form_size_max};
  if (auto problem = emulation.open(options)) return report({ExitCode::failure, {*problem}});
  const std::string& url = emulation.url();
  if (!global.quiet) {
    std::cerr << "provider emulator: listening on " << url << " (seed " << command.seed << ", faults "
              << command.faults << ", tasks take " << command.task_time << ")\n"
              << "point an app at it:  WATCHDOG_RUNNINGHUB_URL=" << url
              << " WATCHDOG_RUNNINGHUB_API_KEY=" << (command.keys.empty() ? "any" : "(one of --key)") << "\n"
              << "see what it does:    curl " << url << "/emulator/summary\n";
  }
  emulation.send_webhooks_until_stopped();
  print_counts(emulation.close(), global.json);
  return ExitCode::done;
}

}  // namespace jobwatchdog
