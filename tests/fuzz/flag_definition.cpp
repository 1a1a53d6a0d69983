// Definitions of flags, as administrators send them: the first line is the flag, the rest its definition.
#include "core/flag_definition.hpp"

#include "core/flag_evaluation.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {

Verdict flag_definition(const std::string& input) {
  const std::vector<std::string> lines = lines_of(input, 2);
  const KnownFlag* flag = find_flag(lines[0]);
  if (flag == nullptr) return refused();
  const Result<FlagDefinition, FlagProblem> read = parse_flag_definition(lines[1], *flag);
  if (!read.ok())
    return read.error().problem.what.empty() || read.error().problem.mend.empty()
               ? broken("a refusal says what is wrong and how to mend it")
               : refused();
  const Result<FlagDefinition, FlagProblem> again =
      parse_flag_definition(flag_definition_text(read.value()), *flag);
  if (!again.ok() || again.value() != read.value())
    return broken("what is read and written reads as the same");
  const std::int64_t number = evaluate_flag(*flag, read.value(), {"u1", "upscaler", "s1"}).value.number;
  return taken_under(flag->type == FlagType::boolean ? number == 0 || number == 1
                                                     : number >= flag->least && number <= flag->most,
                     "a flag is never outside of its bounds");
}

}  // namespace jobwatchdog::fuzz
