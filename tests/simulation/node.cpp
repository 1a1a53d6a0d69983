// A node's life: it turns, rests, dies.
#include "tests/simulation/node.hpp"

#include <algorithm>

#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

constexpr Duration look_interval = milliseconds(250);

}  // namespace

Node::Node(World& world, int number)
    : world_(world),
      number_(number),
      name_("node " + std::to_string(number)),
      holder_{.owner = name_, .lease = seconds(60), .first_check_after = world.settings.watch.initial_delay},
      clock_error_(world.chance.between(Duration{-world.settings.node_clock_error_max.ms},
                                        world.settings.node_clock_error_max)),
      is_there_(std::make_shared<bool>(true)),
      door_(world, [this](ProviderAnswer answer) { deliver(std::move(answer)); }),
      fiber_([this] { live(); }) {
  if (clock_error_.ms != 0) world_.count("node: its clock is wrong");
  rest_number_ = 1;
  world_.agenda.in({}, [this, there = is_there_] {
    if (*there) wake(1);
  });
}

/// What still runs is unwound, as by a kill.
Node::~Node() {
  *is_there_ = false;
  is_killed_ = true;
  fiber_.resume();
}

ReconcilerOptions Node::options() {
  ReconcilerOptions options;
  options.holder = holder_;
  options.public_url = "http://us";
  options.policy_of = [this](const std::string&) {
    return ToolPolicy{world_.settings.is_watched, world_.settings.watch};
  };
  options.must_stop = [this] { return is_stopping_; };
  options.clock = [this] { return world_.now() - Instant{} + clock_error_; };
  options.random = [this] { return world_.chance.draw(); };
  return options;
}

void Node::live() {
  if (is_killed_) return;
  try {
    Reconciler reconciler{*this, *this, options()};
    while (!is_stopping_) {
      if (auto error = reconciler.turn(look_interval)) {
        world_.count("node: gives up on the database");
        return;
      }
      is_stopping_ = world_.strikes(world_.settings.faults.node_stop, "node: is asked to stop");
    }
    (void)reconciler.finish(seconds(10));
  } catch (const NodeKilled&) {
    world_.tell(name_, " dies");
  }
}

void Node::rest_until(Instant when) {
  const std::uint64_t number = ++rest_number_;
  rests_until_ = when;
  world_.agenda.at(when, [this, number, there = is_there_] {
    if (*there) wake(number);
  });
  fiber_.suspend();
  if (is_killed_) throw NodeKilled{};
}

void Node::rest(Duration time) { rest_until(world_.now() + time); }

void Node::wake(std::uint64_t rest_number) {
  if (rest_number == rest_number_ && !fiber_.has_ended()) fiber_.resume();
}

void Node::wake_by(Instant when) {
  if (!is_idle_ || when >= rests_until_) return;
  rests_until_ = when;
  world_.agenda.at(when, [this, number = ++rest_number_, there = is_there_] {
    if (*there) wake(number);
  });
}

/// It ends with all other faults.
void Node::stand_still_until(Instant when) {
  rest_until(std::max(world_.now(), std::min(when, world_.calm_since())));
}

void Node::may_die(const char* where) {
  const WorldFaults& faults = world_.settings.faults;
  if (world_.strikes(faults.node_crash, "node: crashes")) {
    world_.count(std::string{"node: crashes "} + where);
    throw NodeKilled{};
  }
  if (world_.strikes(faults.node_pause, "node: stands still")) {
    const bool is_long = world_.chance.strikes(200);
    stand_still_until(world_.now() + world_.chance.between(seconds(2), is_long ? minutes(14) : seconds(100)));
  }
}

/// Others may settle the same jobs meanwhile.
void Node::may_stall() {
  if (!is_settling_ || !world_.strikes(world_.settings.faults.node_stall, "node: stalls before it settles"))
    return;
  const bool is_long = world_.chance.strikes(500);
  stand_still_until(world_.now() + (is_long ? world_.chance.between(seconds(60), seconds(100))
                                            : world_.chance.between(seconds(3), seconds(30))));
}

/// With the answer to a submit in its hands. When it goes on, others have just decided about its jobs, or are
/// about to.
void Node::may_stand_still_until_deadline() {
  const bool was_submitted = std::any_of(answers_.begin(), answers_.end(), [](const ProviderAnswer& answer) {
    return answer.kind == ProviderQuestion::Kind::submit;
  });
  if (!was_submitted) return;
  for (const auto& [user, active] : world_.model.tables.active) {
    if (active.lease_owner != name_ || !active.deadline_at) continue;
    if (world_.strikes(world_.settings.faults.node_sleep, "node: stands still until a deadline"))
      return stand_still_until(*active.deadline_at + world_.chance.between(Duration{}, milliseconds(400)));
  }
}

void Node::ask(ProviderQuestion question) {
  may_die(question.kind == ProviderQuestion::Kind::submit ? "before a submit" : "before a question");
  under_way_.emplace(question.number, question);
  send(question);
}

void Node::send(const ProviderQuestion& question) {
  world_.tell(name_, " asks ", std::to_string(static_cast<int>(question.kind)), " about ", question.task_id);
  door_.ask(question);
}

void Node::deliver(ProviderAnswer answer) {
  const auto question = under_way_.find(answer.number);
  if (question == under_way_.end()) return;
  const bool is_in_doubt =
      answer.kind == ProviderQuestion::Kind::submit && answer.submission.kind == Submission::Kind::unknown;
  if (is_in_doubt && world_.model.mutant() == Mutant::resubmits_in_doubt) return send(question->second);
  under_way_.erase(question);
  answers_.push_back(std::move(answer));
  wake_by(world_.now());
}

/// Real nodes look every quarter of a second; here they sleep through the looks that would find nothing.
std::vector<ProviderAnswer> Node::wait(Duration patience) {
  if (answers_.empty()) {
    const std::optional<Instant> due = is_stopping_ ? std::nullopt : world_.next_due();
    const Instant soonest = world_.now() + patience;
    const Instant never = world_.now() + minutes(60);
    is_idle_ = true;
    rest_until(is_stopping_ ? soonest : std::max(soonest, due.value_or(never)));
    is_idle_ = false;
  }
  may_die("with answers in its hands");
  may_stand_still_until_deadline();
  return std::exchange(answers_, {});
}

}  // namespace jobwatchdog::test
