/// The provider's end of a simulated world: the emulated provider behind a network that loses things, and the
/// webhooks that it sends.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "native/emulator/emulated_provider.hpp"
#include "tests/simulation/laws.hpp"
#include "tests/simulation/provider_door.hpp"

namespace jobwatchdog::test {

class World;

class ProviderSide {
 public:
  explicit ProviderSide(World& world);

  /// Sends a question on its way; `answer` is called once, later.
  void ask(const ProviderQuestion& question, const std::function<void(Heard)>& answer);

  [[nodiscard]] const TrueTasks& tasks() const { return tasks_; }
  [[nodiscard]] bool lost_webhook_of(const std::string& task_id) const {
    return webhook_lost_.contains(task_id);
  }
  /// The end of the last time that it was down for an account, or refused its key.
  [[nodiscard]] Instant talks_since(const std::string& account) const;

 private:
  /// What comes back, and whether anything does.
  struct Reply {
    Heard heard;
    bool is_lost{false};
    Duration delay{};
  };

  void hear(const std::string& what, const std::string& task_id);
  [[nodiscard]] ProviderAnswer refusal_of_network(const ProviderQuestion& question, bool was_sent) const;
  [[nodiscard]] Reply obey(const ProviderQuestion& question);
  [[nodiscard]] Reply obey_submit(const ProviderQuestion& question);
  [[nodiscard]] Reply obey_other(const ProviderQuestion& question);
  void answer_query(const ProviderQuestion& question, Verdict& verdict);
  [[nodiscard]] WebhookDetail detail_of_webhook(const ProviderQuestion& question) const;
  void note_task(const ProviderQuestion& question, const SubmitAnswer& submitted);
  void note_cancel(const std::string& task_id);
  /// Whether it gives this account no answer that is of use.
  [[nodiscard]] bool is_silent(const std::string& account);
  void plan_webhooks();
  void send_webhooks();
  void deliver(const WebhookCall& call);
  void disturb(const WebhookCall& call);
  [[nodiscard]] bool receive(const std::string& url, const std::string& body);

  World& world_;
  EmulatedProvider emulator_;
  TrueTasks tasks_;
  std::set<std::string> webhook_lost_;
  struct Silence {
    Instant until{};
    bool is_down{false};  ///< Else the key is refused.
  };
  std::map<std::string, Silence> silence_of_;
  std::optional<Instant> webhooks_planned_for_;
  bool cancel_was_ignored_{false};
};

}  // namespace jobwatchdog::test
