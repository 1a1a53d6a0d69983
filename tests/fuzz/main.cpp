// The fuzzer's program: `fuzz TARGET [libFuzzer's arguments]`. The target "twin" breaks its law on purpose.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/fuzz/target.hpp"

namespace {

namespace fuzz = jobwatchdog::fuzz;

fuzz::Target chosen = nullptr;

/// A fault behind three comparisons, as real ones are.
fuzz::Verdict twin(const std::string& input) {
  return fuzz::taken_under(!input.starts_with("{\"a\":") || input.find("b}") == std::string::npos,
                           "nothing holds {\"a\":...b}");
}

[[noreturn]] void refuse(const std::string& name) {
  std::cerr << "\"" << name << "\" is no target; there are:";
  for (const auto& [known, target] : fuzz::targets()) std::cerr << " " << known;
  std::cerr << "\n";
  std::exit(2);
}

}  // namespace

/// Takes the target's name from the arguments, before libFuzzer reads them.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string name = *argc > 1 ? (*argv)[1] : "";
  const auto found = fuzz::targets().find(name);
  if (found == fuzz::targets().end() && name != "twin") refuse(name);
  chosen = name == "twin" ? twin : found->second;
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Verdict verdict = chosen(std::string{reinterpret_cast<const char*>(data), size});
  if (!verdict.broken_law.empty()) {
    std::cerr << "broken law: " << verdict.broken_law << "\n";
    std::abort();
  }
  return 0;
}
