/// A bell that is rung once, from any thread: what a reply waits for without holding a thread.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace jobwatchdog {

class Bell {
 public:
  /// Tells the listener; the second ring is heard by nobody.
  void ring() {
    std::function<void()> listener;
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(is_rung_, true)) return;
      listener = std::exchange(listener_, nullptr);
    }
    if (listener) listener();
  }

  /// There is one listener; it is told at once when the bell rang before.
  void listen(std::function<void()> listener) {
    {
      const std::lock_guard lock{mutex_};
      if (!is_rung_) {
        listener_ = std::move(listener);
        return;
      }
    }
    listener();
  }

 private:
  std::mutex mutex_;
  std::function<void()> listener_;
  bool is_rung_{false};
};

}  // namespace jobwatchdog
