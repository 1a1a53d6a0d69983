/// A fuzz target: something that reads what strangers send, and the law that must hold of all that it takes.
///
/// One list, used twice: tests replay the corpora of all targets in every build, and script/fuzz lets
/// libFuzzer look for inputs that break one.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace jobwatchdog::fuzz {

/// What a target says of one input.
struct Verdict {
  bool is_taken{false};    ///< Read as meaningful; false: refused, as most of what strangers send should be.
  std::string broken_law;  ///< "" as long as the law holds.
};

[[nodiscard]] inline Verdict refused() { return {}; }
[[nodiscard]] inline Verdict taken() { return {true, ""}; }
/// Taken, and the law in words that `holds` or not.
[[nodiscard]] inline Verdict taken_under(bool holds, std::string law) {
  return {true, holds ? "" : std::move(law)};
}
[[nodiscard]] inline Verdict broken(std::string law) { return {true, std::move(law)}; }

using Target = Verdict (*)(const std::string& input);

/// Every target by name, which is also the name of its corpus.
[[nodiscard]] const std::map<std::string, Target>& targets();

/// The lines of an input: at least `count`, of which missing ones are empty and the last holds the rest.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& input, std::size_t count);

Verdict caller(const std::string& input);
Verdict configuration(const std::string& input);
Verdict cors(const std::string& input);
Verdict flag_definition(const std::string& input);
Verdict http_request(const std::string& input);
Verdict jwks(const std::string& input);
Verdict jwt(const std::string& input);
Verdict listen_address(const std::string& input);
Verdict phoenix(const std::string& input);
Verdict provider_reply(const std::string& input);
Verdict request_body(const std::string& input);
Verdict rest_query(const std::string& input);
Verdict url_query(const std::string& input);
Verdict webhook(const std::string& input);

}  // namespace jobwatchdog::fuzz
