/// A progress bar on stderr for long sweeps, on terminals only.
#pragma once

#include <cstdint>
#include <string>

namespace jobwatchdog {

/// Draws nothing when stderr is no terminal or `wanted` is false. Clears its line when it dies.
class ProgressBar {
 public:
  ProgressBar(std::string title, std::int64_t total, bool wanted);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void advance(std::int64_t count);

  /// Whether a bar would be seen: worth counting the rows for it.
  [[nodiscard]] static bool is_visible(bool wanted);

 private:
  void draw() const;

  std::string title_;
  std::int64_t total_;
  std::int64_t done_{0};
  bool visible_;
};

}  // namespace jobwatchdog
