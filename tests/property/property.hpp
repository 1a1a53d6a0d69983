/// Laws over random cases: a property is a GoogleTest that rapidcheck tries many times and shrinks when it
/// fails.
///
/// Each run draws a new seed. A failure prints the smallest case that was found and the command that replays
/// it. A long version tries every property ten times as often:
///
///   PROPERTY_FACTOR=10 script/test --quick --filter '^property'
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <regex>
#include <sstream>
#include <string>

namespace jobwatchdog::test {

/// How often a property is tried: a number that suits a build, times PROPERTY_FACTOR.
inline int case_count(int usual_count) {
  const char* factor = std::getenv("PROPERTY_FACTOR");
  return usual_count * std::max(1, factor == nullptr ? 1 : std::atoi(factor));
}

/// The property's name as GoogleTest knows it: one of a parametrised suite has its parameter in it.
inline std::string property_name() {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return std::string{test->test_suite_name()} + "." + test->name();
}

inline rc::detail::TestResult try_property(const std::function<void()>& property, int usual_count,
                                           bool shrinks) {
  const auto& configuration = rc::detail::configuration();
  rc::detail::TestParams parameters = configuration.testParams;
  parameters.maxSuccess = case_count(usual_count);
  parameters.disableShrinking = !shrinks;
  rc::detail::TestListenerAdapter silent;
  return rc::detail::checkProperty(rc::detail::toProperty(property), {property_name(), property_name()},
                                   parameters, silent, configuration.reproduce);
}

/// How to see a failure again: the seed draws the same cases when as many are asked for.
inline std::string replay_command() {
  const char* factor = std::getenv("PROPERTY_FACTOR");
  return "replay: RC_PARAMS=seed=" + std::to_string(rc::detail::configuration().testParams.seed) +
         " PROPERTY_FACTOR=" + (factor == nullptr ? "1" : factor) + " script/test --quick --filter '" +
         property_name() + "'";
}

/// Fails the test with the smallest counterexample when the property does not hold.
inline void expect_holds(const std::function<void()>& property, int usual_count) {
  const auto result = try_property(property, usual_count, true);
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  ADD_FAILURE() << text.str() << "\n" << replay_command();
}

/// For twins: something is wrong by design, and the property must find it within its usual number of cases,
/// in these words.
inline void expect_caught(const std::string& fault, const std::function<void()>& property, int usual_count,
                          const std::string& words = "") {
  const auto result = try_property(property, usual_count, false);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  const bool is_caught = result.template is<rc::detail::FailureResult>();
  EXPECT_TRUE(is_caught && std::regex_search(text.str(), std::regex{words}))
      << "the property did not notice: " << fault << "\n"
      << text.str() << "\n"
      << replay_command();
}

}  // namespace jobwatchdog::test

/// PROPERTY(suite, the_law, 1'000) { ... RC_ASSERT(...); }: a test that tries its body so many times.
#define PROPERTY(suite, law, usual_count)                                                      \
  static void property_##suite##_##law();                                                      \
  TEST(suite, law) { jobwatchdog::test::expect_holds(property_##suite##_##law, usual_count); } \
  static void property_##suite##_##law()
