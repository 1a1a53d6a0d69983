// Plain tables for terminals. Debian has no C++ library for them.
#include "native/terminal_table.hpp"

#include <algorithm>

namespace jobwatchdog {
namespace {

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == ',' || c == '.' || c == '-' || c == '+';
  });
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20U || c == 0x7F) c = '?';
  }
  return text;
}

}  // namespace

std::string grouped(long long number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return number < 0 ? "-" + digits : digits;
}

std::string terminal_table(const std::vector<std::string>& headings,
                           const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    std::size_t width = width_of(headings[column]);
    bool numbers = !rows.empty();
    for (const auto& row : rows) {
      width = std::max(width, width_of(row[column]));
      numbers = numbers && is_number(row[column]);
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string cell = printable(cells[column]);
      const std::string padding(widths[column] - std::min(widths[column], width_of(cell)), ' ');
      text += (column > 0 ? "  " : "") + (right[column] ? padding + cell : cell + padding);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string out = line(headings);
  for (const auto& row : rows) out += line(row);
  return out;
}

}  // namespace jobwatchdog
