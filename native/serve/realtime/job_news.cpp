// LISTEN with libpq, NOTIFY by the pool.
#include "native/serve/realtime/job_news.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "native/log.hpp"
#include "native/retry.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t payload_size_max = 7'900;  ///< PostgreSQL takes less than 8,000 bytes.
/// A connection that was cut without a word is noticed when nothing came for so long.
constexpr Duration probe_interval = seconds(30);

struct ConnectionRelease {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultRelease {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct NotifyRelease {
  void operator()(PGnotify* notification) const { PQfreemem(notification); }
};

bool run_statement(PGconn* connection, const std::string& sql) {
  const std::unique_ptr<PGresult, ResultRelease> result{PQexec(connection, sql.c_str())};
  const ExecStatusType status = PQresultStatus(result.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace

std::optional<std::vector<JobNewsItem>> parse_job_news(const std::string& payload) {
  std::vector<JobNewsItem> items;
  std::istringstream words{payload};
  for (std::string word; words >> word;) {
    if (word == "*") return std::nullopt;
    JobNewsItem item;
    item.is_new = word.front() == '+';
    if (item.is_new) word.erase(0, 1);
    const std::size_t slash = word.find('/');
    if (slash == std::string::npos || !is_uuid(word.substr(slash + 1))) continue;
    item.tool = word.substr(0, slash);
    item.job_id = word.substr(slash + 1);
    items.push_back(std::move(item));
  }
  return items;
}

JobNewsListener::JobNewsListener(std::string url, Hear hear, HearOfEverything hear_of_everything)
    : url_(std::move(url)),
      hear_(std::move(hear)),
      hear_of_everything_(std::move(hear_of_everything)),
      stop_fd_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

JobNewsListener::~JobNewsListener() {
  const std::uint64_t one = 1;
  (void)!write(stop_fd_, &one, sizeof one);
  thread_.join();
  ::close(stop_fd_);
}

bool JobNewsListener::wait(int socket, Duration patience) {
  std::array<pollfd, 2> files{{{stop_fd_, POLLIN, 0}, {socket, POLLIN, 0}}};
  poll(files.data(), files.size(), static_cast<int>(patience.ms));
  return (files[0].revents & POLLIN) == 0;
}

void JobNewsListener::run() {
  bool was_told = false;
  while (wait(-1, Duration{0})) {
    listen();
    if (!was_told)
      log(LogLevel::warning,
          "realtime: not listening for news of jobs; pages learn by asking, and it is tried again");
    was_told = true;
    if (!wait(-1, milliseconds(500 + drawn_permille(1'000)))) return;
  }
}

void JobNewsListener::listen() {
  const std::unique_ptr<PGconn, ConnectionRelease> connection{PQconnectdb(url_.c_str())};
  if (PQstatus(connection.get()) != CONNECTION_OK) return;
  if (!run_statement(connection.get(), std::string{"LISTEN "} + job_news_channel)) return;
  hear_of_everything_();  // Of what was told while nobody listened.
  while (wait(PQsocket(connection.get()), probe_interval)) {
    if (PQconsumeInput(connection.get()) == 0) return;
    bool has_come = false;
    while (const std::unique_ptr<PGnotify, NotifyRelease> notification{PQnotifies(connection.get())}) {
      has_come = true;
      const auto items = parse_job_news(notification->extra);
      if (items) {
        hear_(*items);
      } else {
        hear_of_everything_();
      }
    }
    if (!has_come && !run_statement(connection.get(), "SELECT")) return;
  }
}

JobNewsTeller::JobNewsTeller(std::shared_ptr<ConnectionPool> connections)
    : connections_(std::move(connections)), thread_([this] { run(); }) {}

JobNewsTeller::~JobNewsTeller() {
  {
    const std::lock_guard lock{mutex_};
    stops_ = true;
  }
  told_.notify_all();
  thread_.join();
}

void JobNewsTeller::tell(const std::string& tool, const std::string& job_id) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.insert(tool + "/" + job_id);
  }
  told_.notify_one();
}

void JobNewsTeller::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    told_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::string payload;
    while (!waiting_.empty() && payload.size() + waiting_.begin()->size() < payload_size_max)
      payload += waiting_.extract(waiting_.begin()).value() + " ";
    lock.unlock();
    const DatabaseResult<Rows> told =
        connections_->query("SELECT pg_notify($1, $2)", {job_news_channel, payload}, {});
    if (!told.ok())
      log(LogLevel::warning, "realtime: news of jobs could not be told: " + error_text(told.error()));
    lock.lock();
  }
}

}  // namespace jobwatchdog
