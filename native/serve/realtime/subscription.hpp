/// What one channel of one page wants to hear: changes of which table, of which job, and as whom.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "native/access/caller.hpp"
#include "native/http/web_socket.hpp"
#include "native/serve/realtime/phoenix_message.hpp"

namespace jobwatchdog {

/// One element of a join's postgres_changes.
struct ChangeBinding {
  std::int64_t id{0};
  std::string event;    ///< "INSERT", "UPDATE" or "*".
  std::string tool;     ///< "" = ai_jobs: the jobs of all tools.
  std::string table;    ///< As the page named it.
  std::string job_id;   ///< Of the filter id=eq.X; "" without.
  std::string user_id;  ///< Of the filter user_id=eq.X; "" without.
};

/// A row as it is now.
struct ChangedJob {
  std::string tool;
  std::string table;
  std::string job_id;
  std::string user_id;
  std::string updated_at;
  std::string record;  ///< All columns, as JSON text.
  bool is_new{false};
};

class Subscription {
 public:
  Subscription(std::shared_ptr<SocketSender> sender, PhoenixVersion version, std::string topic, Caller caller,
               bool sees_all, std::vector<ChangeBinding> bindings)
      : sender_(std::move(sender)),
        version_(version),
        topic_(std::move(topic)),
        caller_(std::move(caller)),
        sees_all_(sees_all),
        bindings_(std::move(bindings)) {}

  [[nodiscard]] const std::vector<ChangeBinding>& bindings() const { return bindings_; }
  [[nodiscard]] const std::string& topic() const { return topic_; }
  /// Whether row level security would show the row: the policy of the jobs tables in other words, and a test
  /// compares them.
  [[nodiscard]] bool may_see(const ChangedJob& job) const {
    return sees_all_ || job.user_id == caller_.user_id;
  }
  [[nodiscard]] bool has_expired(std::int64_t now_s) const;
  /// Sends the change when a binding wants it and the page has heard neither it nor a later one. Any thread.
  void deliver(const ChangedJob& job, const std::string& now_text);

 private:
  /// What a page was told of a job last. Not every writer moves updated_at, so the row counts too.
  struct Heard {
    std::string updated_at;
    std::size_t record_hash{0};
  };
  [[nodiscard]] bool is_news(const ChangedJob& job);

  std::shared_ptr<SocketSender> sender_;
  PhoenixVersion version_;
  std::string topic_;
  Caller caller_;
  bool sees_all_;
  std::vector<ChangeBinding> bindings_;
  std::mutex mutex_;
  std::map<std::string, Heard> heard_;  ///< By job.
};

}  // namespace jobwatchdog
