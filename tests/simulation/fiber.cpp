// Fibers by ucontext.
#include "tests/simulation/fiber.hpp"

#include <stdexcept>
#include <utility>

namespace jobwatchdog::test {
namespace {

constexpr std::size_t stack_size = 256UL * 1'024;

Fiber* entering = nullptr;  ///< Handed to enter(), which can take no argument of this size.

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(new char[stack_size]) {
  if (getcontext(&own_) != 0) throw std::runtime_error("getcontext failed");
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = stack_size;
  own_.uc_link = &caller_;
  makecontext(&own_, &Fiber::enter, 0);
}

void Fiber::enter() {
  Fiber& fiber = *entering;
  try {
    fiber.body_();
  } catch (...) {
    fiber.thrown_ = std::current_exception();
  }
  fiber.has_ended_ = true;
}

void Fiber::resume() {
  if (has_ended_) return;
  entering = this;
  swapcontext(&caller_, &own_);
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Fiber::suspend() { swapcontext(&own_, &caller_); }

}  // namespace jobwatchdog::test
