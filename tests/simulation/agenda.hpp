/// What will happen, by the time at which it does: the only clock of a simulated world.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace jobwatchdog::test {

class Agenda {
 public:
  explicit Agenda(Instant start) : now_(start) {}

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] bool is_empty() const { return events_.empty(); }

  /// What is planned for one moment happens in the order of planning.
  void at(Instant when, std::function<void()> what) {
    events_.push({when < now_ ? now_ : when, ++number_, std::move(what)});
  }
  void in(Duration rest, std::function<void()> what) { at(now_ + rest, std::move(what)); }

  void run_next() {
    const Event next = events_.top();
    events_.pop();
    now_ = next.when;
    next.what();
  }

 private:
  struct Event {
    Instant when;
    std::uint64_t number;
    std::function<void()> what;

    bool operator<(const Event& other) const {
      return std::pair{when, number} > std::pair{other.when, other.number};
    }
  };

  Instant now_;
  std::uint64_t number_{0};
  std::priority_queue<Event> events_;
};

}  // namespace jobwatchdog::test
