/// A flow of control that can stop in the middle of a call and go on later: many nodes in one thread.
#pragma once

#include <csetjmp>
#include <exception>
#include <functional>
#include <memory>

namespace jobwatchdog::test {

/// Runs `body` piece by piece. It must have ended before it is destroyed.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Goes on until the body suspends or ends. What the body throws comes out here.
  void resume();
  /// Called by the body: stops here until the next resume().
  void suspend();
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  static void enter();
  void begin();

  std::function<void()> body_;
  std::unique_ptr<char[]> stack_;
  std::jmp_buf own_{};
  std::jmp_buf caller_{};
  std::exception_ptr thrown_;
  bool has_begun_{false};
  bool has_ended_{false};
};

}  // namespace jobwatchdog::test
