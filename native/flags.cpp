// The chain of flag sources.
#include "native/flags.hpp"

#include <algorithm>

#include "core/require.hpp"
#include "core/spelling.hpp"
#include "native/log.hpp"

namespace jobwatchdog {

Flags Flags::of(std::vector<SetFlag> flags) {
  Flags all;
  all.flags_ = std::move(flags);
  return all;
}

Outcome<Flags> Flags::open(Connection& connection, const Configuration& configuration) {
  const DatabaseResult<FlagTable> table = read_flag_table(connection);
  if (!table.ok()) return failure_of("reading the feature flags", table.error());
  Flags flags = Flags::of(configuration.flags);
  flags.has_table_ = table.value().is_there;
  flags.flags_.insert(flags.flags_.end(), table.value().flags.begin(), table.value().flags.end());
  if (!table.value().hidden_because.empty()) {
    flags.miss_table(table.value().hidden_because);
    log(LogLevel::warning,
        "this role may not read watchdog.feature_flags (" + table.value().hidden_because +
            "); what is set there is not obeyed",
        {{"mend", "see README, \"The rights it needs\""}});
  }
  return flags;
}

void Flags::set_in_table(SetFlag flag) {
  flags_.erase(std::remove_if(flags_.begin(), flags_.end(),
                              [&](const SetFlag& set) {
                                return set.source == FlagSource::database && set.name == flag.name;
                              }),
               flags_.end());
  flags_.push_back(std::move(flag));
}

FlagAnswer Flags::ask(const KnownFlag& flag, const FlagContext& context) const {
  const std::vector<const SetFlag*> settings = settings_of(flag);
  if (settings.empty()) {
    const bool is_known = table_problem_.empty();
    return {
        is_known ? default_evaluation(flag) : failed_evaluation(flag, FlagErrorCode::general, table_problem_),
        FlagSource::code_default, nullptr};
  }
  const SetFlag& set = *settings.front();
  if (!set.problem) return {evaluate_flag(flag, set.definition, context), set.source, &set};
  return {failed_evaluation(flag, set.problem->code, problem_of(set).what), set.source, &set};
}

std::vector<const SetFlag*> Flags::settings_of(const KnownFlag& flag) const {
  std::vector<const SetFlag*> settings;
  for (const SetFlag& set : flags_) {
    if (set.name == flag.name) settings.push_back(&set);
  }
  return settings;
}

std::string who_says(const KnownFlag& flag, const FlagAnswer& answer) {
  const std::string place = answer.set_by == nullptr ? "the code default" : answer.set_by->place;
  return std::string{flag.name} + " (" + place + ")";
}

Policy policy_with_flags(Policy policy, const Flags& flags, const FlagContext& context) {
  const auto number = [&](std::string_view name) {
    return milliseconds(flags.ask(flag_named(name), context).evaluation.value.number);
  };
  policy.watchdog_enabled = flags.ask(flag_named("WATCHDOG_ENABLED"), context).evaluation.value.is_on();
  policy.watch.initial_delay = number("WATCHDOG_INITIAL_DELAY_MS");
  policy.watch.poll_interval = number("WATCHDOG_POLL_INTERVAL_MS");
  policy.watch.timeout_max = number("WATCHDOG_MAX_TIMEOUT_MS");
  return policy;
}

Failure unknown_flag(const std::string& name) {
  return {ExitCode::usage, {{"flags", "there is no flag \"" + name + "\"", suggestion(name, flag_names())}}};
}

const KnownFlag& flag_named(std::string_view name) {
  const KnownFlag* flag = find_flag(name);
  require(flag != nullptr, "a flag that code names is a known one");
  return *flag;
}

}  // namespace jobwatchdog
