/// Random questions to the settle decision: valid rules, facts and verdicts, with ages that like the limits.
#pragma once

#include <rapidcheck.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "core/rule.hpp"
#include "core/settlement.hpp"

namespace jobwatchdog::test {

/// All that the decision may look at.
struct SettlementCase {
  Rule rule;
  JobFacts job;
  std::optional<Verdict> verdict;
  Instant now;
};

inline std::string words_of(const std::optional<Verdict>& verdict) {
  static const char* const names[]{"queued", "running", "succeeded", "failed", "not_found", "unknown"};
  return verdict ? names[static_cast<int>(verdict->kind)] : "not asked";
}

/// rapidcheck prints a counterexample with this.
inline void showValue(const SettlementCase& c, std::ostream& out) {
  out << "older_than " << c.rule.older_than.ms << " ms, "
      << (c.rule.provider ? "hard_deadline " + std::to_string(c.rule.provider->hard_deadline.ms) + " ms"
                          : "no provider")
      << ", rescues " << c.job.rescue_count << " of " << c.rule.rescues_max << ", stuck_in "
      << rc::toString(c.rule.stuck_in) << ", status " << rc::toString(c.job.status) << ", age "
      << (c.job.aged_since ? std::to_string((c.now - *c.job.aged_since).ms) + " ms" : "unknown") << ", task "
      << c.job.task_id.value_or("none") << ", verdict " << words_of(c.verdict) << ", "
      << (c.rule.refund ? "" : "no refund, ") << (c.job.charged ? "charged" : "not charged") << ", "
      << (c.job.refunded ? "refunded" : "not refunded") << ", amount " << c.job.refund_amount;
}

inline const std::vector<std::string>& status_pool() {
  static const std::vector<std::string> pool{"running", "queued", "Em Análise", "it's", "", "failed"};
  return pool;
}

inline Rule random_rule() {
  Rule rule;
  rule.name = "random";
  rule.tables = {{"public", "jobs"}};
  rule.age_of = *rc::gen::element(std::vector<std::string>{"created_at"},
                                  std::vector<std::string>{"started_at", "queued_at", "created_at"});
  const auto stuck_count = *rc::gen::inRange<std::size_t>(1, status_pool().size());
  for (std::size_t i = 0; i < stuck_count; ++i) rule.stuck_in.push_back(status_pool()[i]);
  rule.older_than = milliseconds(*rc::gen::inRange<std::int64_t>(1, 100'000'000));
  rule.set = {{"status", Assignment::Kind::literal, "failed"}};
  if (*rc::gen::arbitrary<bool>()) {
    rule.rescues_max = *rc::gen::inRange(1, 5);
    rule.rescue_count = "rescues";
  }
  if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}}))
    rule.refund = Refund{QualifiedName{"public", "pay"}, "user_id", "cost", "charged", "refunded", "late"};
  if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) {
    const auto more_ms = *rc::gen::element<std::int64_t>(0, 1, 120'000);
    rule.provider = ProviderLink{"runninghub", "task_id", "api_account", {rule.older_than.ms + more_ms}};
  }
  return rule;
}

/// At, just before and just after a limit, and anywhere; below 0 is a row from the future.
inline std::optional<Duration> random_age(const Rule& rule) {
  const std::int64_t deadline_ms = rule.provider ? rule.provider->hard_deadline.ms : rule.older_than.ms;
  const auto limit_ms = *rc::gen::element(rule.older_than.ms, deadline_ms);
  const auto kind = *rc::gen::inRange(0, 8);
  if (kind == 0) return std::nullopt;
  if (kind < 6) return Duration{limit_ms + *rc::gen::inRange<std::int64_t>(-2, 3)};
  return Duration{*rc::gen::inRange<std::int64_t>(-1'000'000, 400'000'000'000)};
}

inline Verdict random_verdict() {
  Verdict verdict;
  verdict.kind = static_cast<Verdict::Kind>(*rc::gen::inRange(0, 6));
  verdict.code = *rc::gen::element<std::string>("", "805");
  verdict.message = *rc::gen::element<std::string>("", "out of memory");
  return verdict;
}

inline SettlementCase random_case() {
  SettlementCase c{random_rule(), {}, std::nullopt, {}};
  c.now = Instant{*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000)};
  c.job.key = *rc::gen::element<std::string>("1", "ä", "");
  c.job.status = *rc::gen::weightedOneOf<std::string>(
      {{6, rc::gen::elementOf(c.rule.stuck_in)}, {1, rc::gen::elementOf(status_pool())}});
  if (const auto age = random_age(c.rule)) c.job.aged_since = Instant{c.now.ms - age->ms};
  if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) c.job.task_id = "t1";
  c.job.rescue_count = *rc::gen::inRange<std::int64_t>(0, 6);
  c.job.charged = *rc::gen::weightedElement<bool>({{3, true}, {1, false}});
  c.job.refunded = *rc::gen::weightedElement<bool>({{1, true}, {3, false}});
  c.job.refund_amount = *rc::gen::element<std::int64_t>(60, 1, 0, -1, 9'000'000'000'000'000'000);
  if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) c.verdict = random_verdict();
  return c;
}

}  // namespace jobwatchdog::test

namespace rc {
/// Drawn at full size from the first case on: a small range is not a simpler question here.
template <>
struct Arbitrary<jobwatchdog::test::SettlementCase> {
  static Gen<jobwatchdog::test::SettlementCase> arbitrary() {
    return gen::resize(kNominalSize, gen::exec([] { return jobwatchdog::test::random_case(); }));
  }
};
}  // namespace rc
