// The two rules of the managed schema.
#include "core/builtin_rules.hpp"

namespace jobwatchdog {
namespace {

Rule stuck_exams(const Policy& policy) {
  Rule rule;
  rule.name = "stuck-exams";
  rule.tables = {{"public", "exams"}};
  rule.stuck_in = {"analyzing"};
  rule.age_of = {"updated_at"};
  rule.older_than = policy.exam_stuck_after;
  rule.set = {{"status", Assignment::Kind::literal, "pending"},
              {"updated_at", Assignment::Kind::database_now, ""}};
  rule.audit = true;
  return rule;
}

Rule stale_ai_jobs(const Policy& policy) {
  Rule rule;
  rule.name = "stale-ai-jobs";
  rule.tables = {{"public", "upscaler_jobs"},
                 {"public", "pose_changer_jobs"},
                 {"public", "veste_ai_jobs"},
                 {"public", "video_upscaler_jobs"}};
  rule.stuck_in = {"running", "queued", "starting"};
  // A job that waited long in the queue is not stuck the moment it starts: its age begins anew.
  rule.age_of = {"started_at", "queued_at", "created_at"};
  rule.older_than = policy.job_stale_after;
  rule.set = {{"status", Assignment::Kind::literal, "failed"},
              {"error_message", Assignment::Kind::literal,
               "Trabalho cancelado automaticamente após 10 minutos. Créditos estornados."}};
  rule.audit = true;
  rule.provider = ProviderLink{"runninghub", "task_id", "api_account", policy.watch.timeout_max};
  rule.refund =
      Refund{std::nullopt, "user_id", "user_credit_cost", "credits_charged", "credits_refunded", ""};
  rule.settle_function = QualifiedName{"watchdog", "settle_locked_jobs"};
  return rule;
}

}  // namespace

std::vector<Rule> builtin_rules(const Policy& policy) { return {stuck_exams(policy), stale_ai_jobs(policy)}; }

}  // namespace jobwatchdog
