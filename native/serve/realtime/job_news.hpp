/// News of jobs between all nodes and everybody else who writes: PostgreSQL's NOTIFY on one channel.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "native/connection_pool.hpp"
#include "native/serve/realtime/realtime_hub.hpp"

namespace jobwatchdog {

inline constexpr const char* job_news_channel = "watchdog_jobs";

/// The jobs of a notification: "tool/id", a new one with "+" before it, separated by blanks. Nothing for "*":
/// any job.
[[nodiscard]] std::optional<std::vector<JobNewsItem>> parse_job_news(const std::string& payload);

/// Listens on a connection of its own, of which a pooler in transaction mode must not be part. While it
/// cannot listen it tries again, and afterwards anything may have happened.
class JobNewsListener {
 public:
  using Hear = std::function<void(const std::vector<JobNewsItem>&)>;
  using HearOfEverything = std::function<void()>;

  JobNewsListener(std::string url, Hear hear, HearOfEverything hear_of_everything);
  ~JobNewsListener();
  JobNewsListener(const JobNewsListener&) = delete;
  JobNewsListener& operator=(const JobNewsListener&) = delete;

 private:
  void run();
  /// Until the connection is lost or the listener stops.
  void listen();
  /// Waits for the socket to be readable; false when the listener stops. A socket below 0: for the time
  /// alone.
  [[nodiscard]] bool wait(int socket, Duration patience);

  std::string url_;
  Hear hear_;
  HearOfEverything hear_of_everything_;
  int stop_fd_;
  std::thread thread_;  // Last: it uses all of the above.
};

/// Tells of jobs that this node wrote, in transactions of their own after the work was committed: a NOTIFY
/// within it would make all commits of the database wait for one another.
class JobNewsTeller {
 public:
  explicit JobNewsTeller(std::shared_ptr<ConnectionPool> connections);
  ~JobNewsTeller();
  JobNewsTeller(const JobNewsTeller&) = delete;
  JobNewsTeller& operator=(const JobNewsTeller&) = delete;

  void tell(const std::string& tool, const std::string& job_id);

 private:
  void run();

  std::shared_ptr<ConnectionPool> connections_;
  std::mutex mutex_;
  std::condition_variable told_;
  std::set<std::string> waiting_;
  bool stops_{false};
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace jobwatchdog
