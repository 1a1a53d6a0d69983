// Users and administrators with their clicks, cron with its sweeps.
#include "tests/simulation/people.hpp"

#include <algorithm>

#include "core/builtin_rules.hpp"
#include "core/settlement.hpp"
#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

constexpr const char* tools[] = {"upscaler", "pose_changer", "veste_ai", "video_upscaler"};

JobFacts facts_of(const JobKey& key, const JobRow& job) {
  return {.key = key.id,
          .status = std::string{job_status_name(job.status)},
          .aged_since = job.started_at  ? job.started_at
                        : job.queued_at ? job.queued_at
                                        : MaybeInstant{job.created_at},
          .task_id = job.task_id,
          .charged = job.charged,
          .refunded = job.refunded,
          .refund_amount = job.cost};
}

}  // namespace

/// A request of the server or of cron. Who gets no answer to a COMMIT asks again.
template <typename Work>
void People::transact(const std::string& what, Work work) {
  const WorldFaults& faults = world_.settings.faults;
  if (world_.strikes(faults.connection_lost, "database: a connection is lost before COMMIT")) {
    world_.agenda.in(seconds(1), [=, this] { transact(what, work); });
    return;
  }
  std::optional<Tables> seen;
  const Mutant mutant = world_.model.mutant();
  if (mutant == Mutant::refund_by_flag || mutant == Mutant::user_looked_up) seen = world_.model.tables;
  world_.agenda.in(world_.chance.between(milliseconds(1), milliseconds(50)), [=, this] {
    world_.tell("people: ", what);
    world_.transact([&](LifeModel& model) {
      model.seen = seen;
      work(model);
      model.seen.reset();
      return 0;
    });
    if (world_.strikes(world_.settings.faults.commit_in_doubt, "database: the answer to a COMMIT is lost"))
      world_.agenda.in(seconds(1), [=, this] { transact(what, work); });
  });
}

void People::plan() {
  for (int number = 1; number <= world_.settings.job_count; ++number) plan_job(number);
  plan_sweeps();
}

void People::plan_job(int number) {
  Chance& chance = world_.chance;
  const JobKey job{tools[chance.below(4)], "job " + std::to_string(number)};
  const std::string user = "user " + std::to_string(chance.below(world_.settings.user_count));
  const int cost = chance.strikes(100) ? 0 : chance.between(1, 60);
  const bool is_sound = !chance.strikes(30);
  const Duration comes = chance.between({}, world_.settings.jobs_come_within);
  const Duration lives = minutes(14);
  ++open_jobs_;
  world_.agenda.in(comes, [=, this] {
    transact("create " + job.id, [=](LifeModel& model) {
      if (!model.tables.jobs.contains(job)) model.create_job(job, user, cost, is_sound);
    });
    world_.agenda.in(seconds(3), [=, this] { start(job, user, 12); });
    if (world_.strikes(300, "user: clicks twice"))
      world_.agenda.in(seconds(3), [=, this] { start(job, user, 0); });
  });
  const auto cancels = [&](const char* name, bool as_admin) {
    if (!chance.strikes(world_.settings.cancels_permille)) return;
    world_.count(name);
    const Duration when = chance.between(comes, comes + (chance.strikes(500) ? lives : minutes(1)));
    world_.agenda.in(when, [=, this] { cancel(job, as_admin); });
  };
  cancels("user: cancels", false);
  cancels("admin: cancels", true);
}

void People::start(const JobKey& job, const std::string& user, int tries_left) {
  transact("start " + job.id, [=, this](LifeModel& model) {
    const std::string outcome = model.start_job(job, user);
    world_.count("start: " + outcome);
    const auto known = model.tables.jobs.find(job);
    const bool is_pending = known == model.tables.jobs.end() || known->second.status == JobStatus::pending;
    if (tries_left == 0 && !is_pending) return;
    if (!is_pending) {
      --open_jobs_;
    } else if (tries_left > 1 && (outcome == "user_is_active" || outcome == "not_found")) {
      world_.agenda.in(world_.chance.between(seconds(20), minutes(2)),
                       [=, this] { start(job, user, tries_left - 1); });
    } else if (tries_left > 0) {
      give_up(job);
    }
  });
}

/// Whose job cannot be started says so.
void People::give_up(const JobKey& job) {
  --open_jobs_;
  transact("give up " + job.id,
           [=](LifeModel& model) { model.fail_pending_job(job, "Job was not started"); });
}

void People::cancel(const JobKey& job, bool as_admin) {
  transact("cancel " + job.id, [=](LifeModel& model) { model.cancel_job(job, as_admin); });
}

void People::plan_sweeps() {
  world_.agenda.in(sweep_period, [this] {
    if (world_.settings.sweeps_by_cron) sweep_by_cron();
    if (world_.settings.sweeps_by_rule) sweep_by_rule();
    plan_sweeps();
  });
}

void People::sweep_by_cron() {
  transact("cleanup_all_stale_ai_jobs", [this](LifeModel& model) {
    const int count = model.cleanup_all_stale_ai_jobs();
    if (count > 0) world_.count("sweep: settled by pg_cron");
  });
}

/// The binary's sweep: locks a page, decides each row, settles in the same transaction. It cannot ask.
void People::sweep_by_rule() {
  Policy policy;
  policy.watch = world_.settings.watch;
  policy.job_stale_after = std::max(minutes(1), policy.watch.timeout_max - minutes(2));
  const Rule rule = builtin_rules(policy)[1];
  transact("sweep", [=, this](LifeModel& model) {
    std::vector<Settling> due;
    for (const auto& [key, job] : model.tables.jobs) {
      const JobFacts facts = facts_of(key, job);
      Settlement settlement = decide_settlement(rule, facts, std::nullopt, model.now);
      if (settlement.kind == Settlement::Kind::ask_provider)
        settlement = decide_settlement(rule, facts, Verdict{}, model.now);
      if (settlement.kind == Settlement::Kind::settle_by_rule)
        due.push_back({.job = key, .error_message = rule.set.back().text});
    }
    const std::vector<JobKey> settled = model.settle_locked_jobs(due, JobStatus::failed, false);
    for (const JobKey& key : settled) model.tables.evidence.push_back({key, "failed"});
    if (!settled.empty()) world_.count("sweep: settled by rule");
  });
}

}  // namespace jobwatchdog::test
