// The faults of the emulator by name.
#include "native/emulator/emulator_faults.hpp"

#include <regex>

namespace jobwatchdog {

bool set_faults(EmulatorSettings& settings, const std::string& strength) {
  if (strength != "none" && strength != "mild" && strength != "worst") return false;
  for (const EmulatorFault& fault : emulator_faults) {
    settings.*fault.permille = strength == "none"   ? 0
                               : strength == "mild" ? fault.mild_permille
                                                    : fault.worst_permille;
  }
  return true;
}

Result<int> parse_permille(const std::string& text) {
  static const std::regex share{R"( *(\d{1,3})(?:\.(\d))? *% *)"};
  std::smatch match;
  if (std::regex_match(text, match, share)) {
    const int permille = std::stoi(match[1]) * 10 + (match[2].matched ? std::stoi(match[2]) : 0);
    if (permille <= 1'000) return permille;
  }
  return Problem{"", "\"" + text + "\" is not a share", "write one between 0% and 100%, such as 30% or 0.5%"};
}

}  // namespace jobwatchdog
