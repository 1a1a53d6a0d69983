/// Rules that several tests use: plain, strange, with money, with a provider, with a settle function.
#pragma once

#include "core/rule.hpp"

namespace jobwatchdog::test {

inline Rule exam_rule() {
  Rule rule;
  rule.name = "stuck-exams";
  rule.tables = {{"public", "exams"}};
  rule.stuck_in = {"analyzing"};
  rule.age_of = {"updated_at"};
  rule.older_than = minutes(5);
  rule.set = {{"status", Assignment::Kind::literal, "pending"},
              {"updated_at", Assignment::Kind::database_now, ""}};
  rule.audit = true;
  return rule;
}

inline Rule credit_rule() {
  Rule rule;
  rule.name = "stale-jobs";
  rule.tables = {{"public", "upscaler_jobs"}};
  rule.stuck_in = {"running", "queued", "starting"};
  rule.age_of = {"created_at"};
  rule.older_than = minutes(10);
  rule.set = {{"status", Assignment::Kind::literal, "failed"},
              {"error_message", Assignment::Kind::literal, "Créditos estornados."},
              {"completed_at", Assignment::Kind::database_now, ""},
              {"worker", Assignment::Kind::null, ""}};
  rule.refund = Refund{QualifiedName{"public", "refund_credits"},
                       "user_id",
                       "cost",
                       "credits_charged",
                       "credits_refunded",
                       "Refund: timeout"};
  rule.provider = ProviderLink{"runninghub", "task_id", "api_account", minutes(12)};
  return rule;
}

inline Rule capped_rule() {
  Rule rule = exam_rule();
  rule.name = "capped";
  rule.age_of = {"started_at", "created_at"};
  rule.rescues_max = 3;
  rule.rescue_count = "rescues";
  return rule;
}

inline Rule settle_function_rule() {
  Rule rule = credit_rule();
  rule.name = "managed";
  rule.set = {{"status", Assignment::Kind::literal, "failed"},
              {"error_message", Assignment::Kind::literal, "it's \"late\""}};
  rule.refund->function.reset();
  rule.settle_function = QualifiedName{"watchdog", "settle_jobs"};
  return rule;
}

/// Every name and value is an attempt to end a quote and begin a command.
inline Rule hostile_rule() {
  Rule rule;
  rule.name = "hostile";
  rule.tables = {{"we\"ird; DROP TABLE x; --", "Exames\nLab\\ 'á'"}};
  rule.key = "id\"; DROP TABLE x; --";
  rule.status = "st'at\"us";
  rule.stuck_in = {"a'; DROP TABLE x; --", "b\\'; DROP TABLE x; --", "$1", "$$"};
  rule.age_of = {"when\" < now(); --"};
  rule.older_than = minutes(1);
  rule.set = {{"st'at\"us", Assignment::Kind::literal, "'; DROP TABLE x; --"},
              {"no\"te", Assignment::Kind::literal, "\\'; SELECT '"}};
  return rule;
}

}  // namespace jobwatchdog::test
