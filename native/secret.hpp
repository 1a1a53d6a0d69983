/// A text that must not be told: a key, a token. Nothing prints, compares or converts it by accident.
#pragma once

#include <string>
#include <utility>

namespace jobwatchdog {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  /// For whoever sends it to where it belongs, or takes it out of a text.
  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace jobwatchdog
