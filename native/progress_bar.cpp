// A progress bar: one line on stderr, redrawn in place.
#include "native/progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "native/terminal_table.hpp"

namespace jobwatchdog {

ProgressBar::ProgressBar(std::string title, std::int64_t total, bool wanted)
    : title_(std::move(title)), total_(total), visible_(total > 0 && is_visible(wanted)) {
  if (visible_) draw();
}

ProgressBar::~ProgressBar() {
  if (visible_) std::cerr << "\r\033[K" << std::flush;
}

bool ProgressBar::is_visible(bool wanted) {
  const char* terminal = std::getenv("TERM");
  return wanted && isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string{terminal} != "dumb";
}

void ProgressBar::advance(std::int64_t count) {
  done_ += count;
  if (visible_) draw();
}

void ProgressBar::draw() const {
  constexpr std::int64_t width = 30;
  const std::int64_t share = std::min(done_, total_);
  const auto filled = static_cast<std::size_t>(share * width / total_);
  std::cerr << "\r\033[K" << title_ << " [" << std::string(filled, '#')
            << std::string(static_cast<std::size_t>(width) - filled, '.') << "] " << grouped(done_) << " of "
            << grouped(total_) << std::flush;
}

}  // namespace jobwatchdog
