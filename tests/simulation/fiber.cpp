// Fibers: entered by ucontext, switched by jumps, which ask the kernel for nothing.
#include "tests/simulation/fiber.hpp"

#include <ucontext.h>

#include <stdexcept>
#include <utility>

namespace jobwatchdog::test {
namespace {

constexpr std::size_t stack_size = 256UL * 1'024;

Fiber* entering = nullptr;  ///< Handed to enter(), which can take no argument of this size.

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(new char[stack_size]) {}

/// Its frame is the fiber's lowest; it is left by a jump and never returns.
void Fiber::enter() {
  Fiber& fiber = *entering;
  try {
    fiber.body_();
  } catch (...) {
    fiber.thrown_ = std::current_exception();
  }
  fiber.has_ended_ = true;
  _longjmp(fiber.caller_, 1);
}

void Fiber::begin() {
  has_begun_ = true;
  ucontext_t context{};
  if (getcontext(&context) != 0) throw std::runtime_error("getcontext failed");
  context.uc_stack.ss_sp = stack_.get();
  context.uc_stack.ss_size = stack_size;
  context.uc_link = nullptr;
  makecontext(&context, &Fiber::enter, 0);
  entering = this;
  setcontext(&context);
}

void Fiber::resume() {
  if (has_ended_) return;
  if (_setjmp(caller_) == 0) {
    if (!has_begun_) begin();
    _longjmp(own_, 1);
  }
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Fiber::suspend() {
  if (_setjmp(own_) == 0) _longjmp(caller_, 1);
}

}  // namespace jobwatchdog::test
