/// A provider that exists only in memory: it runs tasks for a configurable time and goes wrong on purpose.
///
/// Values in, values out: no socket, no clock of its own. The same seed, the same requests at the same times
/// and the same settings give the same answers. emulator_http.hpp puts it behind real endpoints; the
/// simulation of core talks to it directly.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "native/emulator/dice.hpp"

namespace jobwatchdog {

/// How often each thing goes wrong, in permille of its occasions, and how long things take.
struct EmulatorSettings {
  std::uint64_t seed{1};
  std::string public_url{"http://127.0.0.1:8799"};  ///< Where results are told to be; without a slash behind.
  std::vector<std::string> keys{};  ///< The known ones; empty: every key is known. Each is an account.
  Duration task_time_min{seconds(5)};
  Duration task_time_max{seconds(15)};
  int queued_permille{200};     ///< The share of its time in which a task has not begun.
  int concurrent_tasks_max{3};  ///< Per key; beyond it a submit is answered 421.
  int tasks_max{100'000};       ///< Of more than so many the oldest ended ones are forgotten.
  int webhook_retries_max{3};   ///< After a first call that was not answered 2xx.
  Duration webhook_retry_rest{minutes(1)};
  Duration webhook_late_max{minutes(2)};
  Duration early_answer_rest{seconds(1)};  ///< How long the answer to a submit waits for an early webhook.
  int task_fails_permille{0};              ///< The task ends FAILED.
  int task_forgotten_permille{0};          ///< After its end a query says that it does not know it.
  int task_finishes_late_permille{0};      ///< It takes twenty times as long.
  int cancel_ignored_permille{0};          ///< A cancel is acknowledged and the task goes on.
  int submit_lost_permille{0};             ///< The task is made, and its answer never comes.
  int submit_refused_permille{0};          ///< Answered 421 although there is room.
  int reply_5xx_permille{0};               ///< Of half of them the request has been obeyed all the same.
  int reply_garbage_permille{0};           ///< HTML or half a JSON where JSON is due.
  int reply_never_permille{0};             ///< No answer at all; the request has been obeyed.
  int reply_slow_permille{0};              ///< Two to eight seconds late.
  int webhook_lost_permille{0};
  int webhook_twice_permille{0};
  int webhook_late_permille{0};    ///< Up to `webhook_late_max` after the end.
  int webhook_early_permille{0};   ///< The task ends at once, its webhook comes before the submit's answer.
  int webhook_forged_permille{0};  ///< Another one says SUCCESS of a task that runs, or of somebody else's.
  int webhook_misshapen_permille{0};  ///< Not JSON, or without a task id.
  bool speaks_v1{false};              ///< All webhooks in the shape of v1; else in that of the submit.
};

struct TaskOrder {
  std::string key{};
  std::string app_id{};
  bool is_workflow{false};
  bool is_v1{false};          ///< Which API it came by.
  std::string webhook_url{};  ///< "" = none.
};

enum class TaskPhase { queued, running, succeeded, failed, cancelled };

/// A task as its owner may see it.
struct TaskReport {
  std::string task_id;
  TaskPhase phase{TaskPhase::queued};
  Duration task_time{};  ///< What it takes in all.
  int coins{0};
  std::string result_url{};  ///< Of a task that succeeded.
  std::string client_id{};
};

struct SubmitAnswer {
  enum class Kind { made, no_capacity };

  Kind kind{Kind::made};
  TaskReport task{};
  bool is_lost{false};   ///< Nobody shall hear it.
  bool hangs_up{false};  ///< A lost one is a connection that is cut, not one that stays silent.
  Duration delay{};      ///< To be told so much later.
};

/// What happens to the reply of one request.
struct ReplyFault {
  enum class Kind { none, server_error, html, half, never };

  Kind kind{Kind::none};
  int status{500};       ///< Of a server error.
  bool is_obeyed{true};  ///< The request has its effect all the same.
  Duration delay{};
};

/// What a provider knows of the webhook of a task.
struct WebhookRecord {
  enum class Fate { none, owed, lost, delivered, failed };

  std::string url;  ///< A secret: whoever knows it may ring.
  Fate fate{Fate::none};
  int tries{0};
  std::string response;
  Instant created{};
  Instant updated{};
};

/// A webhook to be sent now. Its fate is told by record_webhook().
struct WebhookCall {
  std::uint64_t number{0};
  std::string task_id;
  std::string url;
  std::string body;
};

struct AccountReport {
  int running_count{0};
  int queued_count{0};
  long long coins_left{0};
};

struct WebhookReport {
  std::string webhook_id;
  TaskReport task;
  bool is_v1{false};
  WebhookRecord record;
};

/// A task for the person who runs the emulator.
struct TaskLine {
  TaskReport task;
  std::string key_fingerprint;
  std::string app_id;
  bool is_v1{false};
  Instant created{};
  Instant ends{};
  bool is_forgotten{false};
  bool ignored_cancel{false};
  WebhookRecord webhook;
};

/// What has happened so far, by name, in the order in which it is told.
using EmulatorCounts = std::vector<std::pair<std::string, std::int64_t>>;

/// Hears what happens: in a few words, and to which task.
using EmulatorWitness = std::function<void(const std::string& what, const std::string& task_id)>;

/// Used by one thread at a time. `now` never goes back.
class EmulatedProvider {
 public:
  explicit EmulatedProvider(EmulatorSettings settings, EmulatorWitness witness = {});

  [[nodiscard]] bool knows_key(const std::string& key) const;
  [[nodiscard]] SubmitAnswer submit(const TaskOrder& order, Instant now);
  /// Nothing: it is unknown here, another account's, or forgotten.
  [[nodiscard]] std::optional<TaskReport> query(const std::string& key, const std::string& task_id,
                                                Instant now);
  /// false: there is no such task that still runs.
  [[nodiscard]] bool cancel(const std::string& key, const std::string& task_id, Instant now);
  [[nodiscard]] AccountReport account(const std::string& key, Instant now);
  /// Nothing: no webhook of this task has been tried yet.
  [[nodiscard]] std::optional<WebhookReport> webhook(const std::string& key, const std::string& task_id,
                                                     Instant now) const;
  [[nodiscard]] bool resend_webhook(const std::string& key, const std::string& webhook_id,
                                    const std::string& url, Instant now);
  /// Drawn once for each request that reaches an endpoint.
  [[nodiscard]] ReplyFault reply_fault();
  /// Whether the task has a result to show.
  [[nodiscard]] bool has_result(const std::string& task_id, Instant now) const;

  /// The webhooks that are due, at most so many.
  [[nodiscard]] std::vector<WebhookCall> take_webhooks(Instant now, int count_max);
  /// What the receiver of a webhook said: its HTTP status, 0 for no answer, and its words.
  void record_webhook(std::uint64_t number, int status, const std::string& response, Instant now);
  /// When take_webhooks() will next have something to give.
  [[nodiscard]] std::optional<Instant> next_webhook_at() const;

  /// The last tasks, oldest first; at most so many.
  [[nodiscard]] std::vector<TaskLine> tasks(Instant now, std::size_t count_max) const;
  [[nodiscard]] EmulatorCounts counts(Instant now) const;
  [[nodiscard]] const EmulatorSettings& settings() const { return settings_; }

 private:
  struct Task {
    std::uint64_t number{0};  ///< Of its submit; its draws hang on it.
    TaskOrder order;
    Instant created{};
    Instant starts{};
    Instant ends{};
    Duration task_time{};
    bool fails{false};
    bool is_forgotten{false};
    bool was_cancelled{false};
    int cancel_count{0};
    bool ignored_cancel{false};
    int webhook_generation{0};  ///< A planned webhook of an older one is void.
    WebhookRecord webhook{};
  };
  struct Account {
    std::set<std::pair<Instant, std::string>> active;  ///< By their end.
    std::int64_t coins_spent{0};
    std::int64_t task_count{0};
  };
  struct Planned {
    enum class Kind { end, retry, forged, resent };

    Kind kind{Kind::end};
    std::string task_id;
    int generation{0};
    std::string url{};  ///< Of a resent one.
  };
  struct Flight {
    std::string task_id;
    bool counts{true};  ///< Its answer decides the webhook's fate.
  };

  [[nodiscard]] bool make_room(Instant now);
  [[nodiscard]] std::string new_task_id(Instant now) const;
  [[nodiscard]] Task new_task(const TaskOrder& order, Instant now);
  [[nodiscard]] TaskPhase phase(const Task& task, Instant now) const;
  [[nodiscard]] TaskReport report(const std::string& task_id, const Task& task, Instant now) const;
  [[nodiscard]] const Task* find(const std::string& key, const std::string& task_id) const;
  [[nodiscard]] Account* find_account(const std::string& key, Instant now);
  void forget(const std::string& task_id, Instant now);
  void plan_end(const std::string& task_id, const Task& task);
  void plan(Instant due, Planned planned) { planned_.emplace(due, std::move(planned)); }
  void carry_out(const Planned& planned, Instant now, std::vector<WebhookCall>& calls);
  void ring_end(const Planned& planned, Task& task, Instant now, std::vector<WebhookCall>& calls);
  [[nodiscard]] WebhookCall call(const std::string& task_id, const std::string& url, std::string body,
                                 bool counts);
  [[nodiscard]] std::string end_body(const std::string& task_id, const Task& task, Instant now) const;
  [[nodiscard]] std::string forged_body(const std::string& task_id, const Task& task) const;
  [[nodiscard]] bool is_v1_webhook(const Task& task) const { return settings_.speaks_v1 || task.order.is_v1; }
  void tell(const std::string& what, const std::string& task_id);

  EmulatorSettings settings_;
  EmulatorWitness witness_;
  Dice dice_;
  std::unordered_map<std::string, Task> tasks_;
  std::deque<std::string> order_;  ///< The ids of `tasks_`, oldest first.
  std::unordered_map<std::string, Account> accounts_;
  std::multimap<Instant, Planned> planned_;
  std::map<std::uint64_t, Flight> flights_;
  std::uint64_t submit_number_{0};
  std::uint64_t request_number_{0};
  std::uint64_t call_number_{0};
  std::map<std::string, std::int64_t> told_;        ///< How often each thing has happened.
  std::map<TaskPhase, std::int64_t> ended_before_;  ///< Of tasks that are forgotten for want of room.
};

}  // namespace jobwatchdog
