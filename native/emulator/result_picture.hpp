/// The picture that every emulated task has made: a PNG of 64 x 64 with a green tick.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jobwatchdog {

/// Its bytes.
inline std::string result_picture() {
  constexpr std::string_view digits =
      // clang-format off
    "89504e470d0a1a0a0000000d4948445200000040000000400203000000d707994d00000009504c5445e8f0ea2f6b4f2f"
    "9e62fe3638c90000009b4944415478daddd4b10dc4200c856144e93e4b304fb20fa3505a6fca03e287b0efa4e8dad0e5"
    "8bf44304245d61a46738931bc75b00d54346f32011ca23204046984500bf8ef20dea61347798cd1de407f8af9dcd1d66"
    "f306d1d5bca1603509954d426393a06c12c0a6cdd21f6487feb659d31606a8350d7ac49a0612210fa8fbde0e709bdd23"
    "ea409820e40889cd0505e10489bee136fcff33f800f1798327088c79d50000000049454e44ae426082";
  // clang-format on
  const auto value_of = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(value_of(digits[i]) * 16 + value_of(digits[i + 1]));
  return bytes;
}

}  // namespace jobwatchdog
