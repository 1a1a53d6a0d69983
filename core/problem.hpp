/// What is wrong, where, and how to mend it: the one shape of every complaint about input.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/require.hpp"

namespace jobwatchdog {

/// A complaint that a person can act on. `where` is a field or place ("older_than"), `what` a sentence,
/// `mend` the cure.
struct Problem {
  std::string where;
  std::string what;
  std::string mend;

  bool operator==(const Problem&) const = default;
};

/// A value, or why there is none. (g++ 12 has no std::expected.) Reading the wrong half is a bug: `require`
/// stops.
template <typename Value, typename Error = Problem>
class Result {
 public:
  Result(Value value) : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool ok() const { return content_.index() == 0; }

  [[nodiscard]] const Value& value() const {
    require(ok(), "a Result is asked for its value only when it has one");
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] Value& value() {
    require(ok(), "a Result is asked for its value only when it has one");
    return *std::get_if<0>(&content_);
  }
  [[nodiscard]] const Error& error() const {
    require(!ok(), "a Result is asked for its error only when it has one");
    return *std::get_if<1>(&content_);
  }

 private:
  std::variant<Value, Error> content_;
};

}  // namespace jobwatchdog
