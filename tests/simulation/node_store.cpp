// A node's transactions: on their way, at one instant in the database, on their way back, and what goes
// wrong.
#include <algorithm>

#include "tests/simulation/node.hpp"
#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

constexpr int attempts_max = 6;

bool decides_by_old_reading(Mutant mutant) {
  return mutant == Mutant::count_without_lock || mutant == Mutant::stale_queue_head ||
         mutant == Mutant::refund_by_flag || mutant == Mutant::user_looked_up;
}

}  // namespace

/// As native/retry.hpp does it: what may run twice is tried again.
template <typename Value, typename Work>
DatabaseResult<Value> Node::transact(const char* name, bool writes, Work work) {
  const WorldFaults& faults = world_.settings.faults;
  const std::string word = name;
  for (int attempt = 1; attempt <= attempts_max; ++attempt) {
    std::optional<Tables> seen;
    if (decides_by_old_reading(world_.model.mutant())) seen = world_.model.tables;
    rest(world_.chance.between(milliseconds(1), milliseconds(20)));
    may_die(writes ? "before a transaction" : "before a look");
    if (writes) may_stall();
    if (world_.strikes(faults.conflict, "database: a conflict") ||
        world_.strikes(faults.connection_lost, "database: a connection is lost before COMMIT")) {
      rest(world_.chance.between(milliseconds(20), seconds(2)));
      continue;
    }
    world_.tell(name_, ": ", word);
    std::optional<Value> outcome;
    try {
      outcome = world_.transact([&](LifeModel& model) {
        model.seen = std::move(seen);
        Value value = work(model);
        model.seen.reset();
        return value;
      });
    } catch (const SqlRefusal& refusal) {
      throw LawBroken{"database: what a node writes is never refused", word + ": " + refusal.message};
    }
    if (world_.strikes(faults.commit_in_doubt, "database: the answer to a COMMIT is lost")) {
      rest(world_.chance.between(milliseconds(20), seconds(3)));
      continue;
    }
    rest(world_.chance.between(milliseconds(1), milliseconds(20)));
    may_die(writes ? "after a transaction" : "after a look");
    return std::move(*outcome);
  }
  return DatabaseError{DatabaseError::Kind::connection_lost, "", "the database stays away", ""};
}

DatabaseResult<std::vector<LeasedTask>> Node::lease_ended_tasks(int count_max) {
  return transact<std::vector<LeasedTask>>("lease_ended_tasks", false, [&](LifeModel& model) {
    return model.lease_ended_tasks(name_, count_max, holder_.lease);
  });
}

DatabaseResult<std::vector<AccountToServe>> Node::accounts_to_serve() {
  return transact<std::vector<AccountToServe>>("accounts_to_serve", false,
                                               [](LifeModel& model) { return model.accounts_to_serve(); });
}

std::optional<DatabaseError> Node::tidy_up() {
  const auto freed =
      transact<int>("free_expired_slots", true, [](LifeModel& model) { return model.free_expired_slots(); });
  return freed.ok() ? std::nullopt : std::optional{freed.error()};
}

/// Whose task was made known by a webhook, and has ended, ends in the same turn.
void Node::check_adopted(const LifeModel& model, const TurnRecords& records) {
  for (const Json& row : records.settlements) {
    const AttemptKey attempt = attempt_key(row);
    const JobRow& job = model.tables.jobs.at(attempt.job);
    const bool was_adopted =
        std::any_of(records.submissions.begin(), records.submissions.end(), [&](const Json& answer) {
          return attempt_key(answer) == attempt && answer["outcome"] == "accepted";
        });
    if (was_adopted && job.status == JobStatus::running && job.attempt == attempt.attempt)
      throw LawBroken{"turn: a task that is adopted and has ended settles its job in the same turn",
                      attempt.job.tool + " " + attempt.job.id};
  }
}

/// Mutants of the node's own: no usable answer counts as the end; what is adopted was seen before it ran.
void Node::spoil(TurnRecords& records) const {
  for (Json& row : records.settlements) {
    const bool was_adopted =
        std::any_of(records.submissions.begin(), records.submissions.end(),
                    [&](const Json& answer) { return attempt_key(answer) == attempt_key(row); });
    if (was_adopted && world_.model.mutant() == Mutant::adopted_as_seen) row["seen_status"] = "starting";
  }
  if (world_.model.mutant() != Mutant::refund_on_unknown) return;
  for (const Json& check : records.checks) {
    if (check.at("verdict") != "unknown") continue;
    Json row = check;
    row.update({{"status", "failed"},
                {"seen_status", "running"},
                {"task_has_ended", false},
                {"error_message", "no answer"}});
    records.settlements.push_back(std::move(row));
  }
}

DatabaseResult<TurnOutcome> Node::save(const TurnRecords& records) {
  TurnRecords written = records;
  spoil(written);
  is_settling_ = !written.settlements.empty();
  auto saved = transact<TurnOutcome>("save", true, [&](LifeModel& model) {
    TurnOutcome outcome = model.save(written, holder_);
    check_adopted(model, written);
    return outcome;
  });
  if (saved.ok() && world_.model.mutant() == Mutant::deadline_by_node_clock) {
    for (LeasedCheck& check : saved.value().leased) check.leased_at = world_.now() + clock_error_;
  }
  return saved;
}

}  // namespace jobwatchdog::test
