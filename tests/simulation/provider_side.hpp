/// The provider's end of a simulated world: the emulated provider behind a network that loses things, and the
/// webhooks that it sends.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "native/emulator/emulated_provider.hpp"
#include "native/provider/provider.hpp"
#include "tests/simulation/laws.hpp"

namespace jobwatchdog::test {

class World;

class ProviderSide {
 public:
  explicit ProviderSide(World& world);

  /// Sends a question on its way; `answer` is called once, later.
  void ask(const ProviderQuestion& question, const std::function<void(ProviderAnswer)>& answer);

  [[nodiscard]] const TrueTasks& tasks() const { return tasks_; }
  [[nodiscard]] bool lost_webhook_of(const std::string& task_id) const {
    return webhook_lost_.contains(task_id);
  }

 private:
  /// What comes back, and whether anything does.
  struct Reply {
    ProviderAnswer answer;
    bool is_lost{false};
    Duration delay{};
  };

  void hear(const std::string& what, const std::string& task_id);
  [[nodiscard]] ProviderAnswer refusal_of_network(const ProviderQuestion& question, bool was_sent) const;
  [[nodiscard]] Reply obey(const ProviderQuestion& question);
  [[nodiscard]] Reply obey_submit(const ProviderQuestion& question);
  void answer_query(const ProviderQuestion& question, ProviderAnswer& answer);
  void note_task(const ProviderQuestion& question, const SubmitAnswer& submitted);
  void note_cancel(const std::string& task_id);
  [[nodiscard]] bool is_key_refused(const std::string& account);
  void plan_webhooks();
  void send_webhooks();
  void deliver(const WebhookCall& call);
  void disturb(const WebhookCall& call);
  [[nodiscard]] bool receive(const std::string& url, const std::string& body);

  World& world_;
  EmulatedProvider emulator_;
  TrueTasks tasks_;
  std::set<std::string> webhook_lost_;
  std::map<std::string, Instant> key_refused_until_;
  std::optional<Instant> webhooks_planned_for_;
  bool cancel_was_ignored_{false};
};

}  // namespace jobwatchdog::test
