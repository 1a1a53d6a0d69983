// A simulated world from its first to its last event.
#include "tests/simulation/world.hpp"

#include <algorithm>

#include "tests/simulation/node.hpp"
#include "tests/simulation/people.hpp"
#include "tests/simulation/provider_side.hpp"

namespace jobwatchdog::test {
namespace {

constexpr Instant beginning{1'795'000'000'000};
/// After this nobody waits for the end any more: the longest task takes an hour, its orphan is asked about
/// once an hour.
constexpr Duration end_of_patience = minutes(60 * 8);

}  // namespace

World::World(const WorldSettings& world_settings, Mutant mutant, Tally& all, std::string* trace)
    : settings(world_settings),
      tally(all),
      chance(world_settings.seed + 1),
      agenda(beginning),
      model(mutant),
      provider(std::make_unique<ProviderSide>(*this)),
      trace_(trace),
      people_(std::make_unique<People>(*this)) {
  set_up_tables();
}

World::~World() = default;

void World::set_up_tables() {
  model.now = now();
  int number = 0;
  for (const char* tool : {"upscaler", "pose_changer", "veste_ai", "video_upscaler"}) {
    ToolRow row;
    row.table_name = std::string{tool} + "_jobs";
    row.account = "account " + std::to_string(number++ % settings.account_count);
    row.attempts_max = chance.between(2, 10);
    row.hard_deadline_after = settings.watch.timeout_max;
    row.stale_after = std::max(minutes(1), settings.watch.timeout_max - minutes(2));
    model.tables.tools[tool] = row;
  }
  for (int account = 0; account < settings.account_count; ++account) {
    const std::string name = "account " + std::to_string(account);
    model.tables.accounts[name] = {};
    for (int slot = 1; slot <= settings.slot_count; ++slot)
      model.tables.slots[{name, slot}] = {.changed_at = now()};
  }
  for (int user = 0; user < settings.user_count; ++user)
    model.tables.balances["user " + std::to_string(user)] = {200, 200};
}

Instant World::calm_since() const { return beginning + settings.faults_end_after; }

bool World::strikes(int permille, const char* name) {
  if (is_calm() || !chance.strikes(permille)) return false;
  count(name);
  tell(name);
  return true;
}

void World::write(const std::string& line) {
  const std::int64_t ms = (now() - beginning).ms;
  const std::string millis = std::to_string(1'000 + ms % 1'000).substr(1);
  *trace_ += std::to_string(ms / 1'000) + "." + millis + " " + line + "\n";
}

void World::start_node() {
  const int number = ++last_node_;
  nodes_[number] = std::make_unique<Node>(*this, number);
}

std::optional<Instant> World::next_due() const {
  std::optional<Instant> due;
  const auto consider = [&](Instant when, const MaybeInstant& lease_until) {
    const Instant at = std::max(when, lease_until.value_or(when));
    if (!due || at < *due) due = at;
  };
  for (const auto& [user, active] : model.tables.active) {
    if (!active.queued_at) consider(active.next_check_at, active.lease_until);
  }
  for (const auto& [place, slot] : model.tables.slots) {
    if (slot.state != SlotState::cancelling) continue;
    consider(*slot.deadline_at + milliseconds(1), std::nullopt);
    const auto submission = model.tables.submissions.find(*slot.holder);
    const bool has_task =
        slot.task_id || (submission != model.tables.submissions.end() && submission->second.claimed_task_id);
    if (has_task) consider(slot.next_check_at.value_or(slot.changed_at), slot.lease_until);
  }
  for (const auto& [attempt, orphan] : model.tables.orphans) {
    if (!orphan.ended_at && orphan.task_id) consider(orphan.next_check_at, orphan.lease_until);
  }
  std::set<std::string> free_accounts;
  for (const auto& [place, slot] : model.tables.slots) {
    if (slot.state == SlotState::free) free_accounts.insert(place.first);
  }
  for (const auto& [user, active] : model.tables.active) {
    if (!active.queued_at || !free_accounts.contains(active.account)) continue;
    const auto account = model.tables.accounts.find(active.account);
    consider(*active.queued_at,
             account == model.tables.accounts.end() ? std::nullopt : account->second.submits_paused_until);
  }
  return due;
}

void World::note_truth(const NodeEnding& ending) {
  if (!settings.is_watched) return;
  const auto task = provider->tasks().find(ending.task_id.value_or(""));
  if (task == provider->tasks().end() || task->second.ends > now()) return;
  if (!ending.task_has_ended) return count("truth: not heard before the hard deadline");
  if (!provider->lost_webhook_of(task->first)) return;
  const Instant ended = task->second.ends;
  const Instant could_know = std::max(ended, provider->talks_since(task->second.account));
  tell("truth ", std::to_string((now() - ended).ms), " ms after the end");
  for (const std::string& worlds : settings.kinds()) {
    TruthTimes& times = tally.truth[worlds];
    times.from_end.push_back(now() - ended);
    times.from_answer.push_back(std::max(Duration{}, now() - could_know));
  }
}

void World::after_step() {
  model.now = now();
  for (std::size_t i = tally_seen_; i < model.endings.size(); ++i) note_truth(model.endings[i]);
  tally_seen_ = model.endings.size();
  laws.check(model, provider->tasks());
  if (is_calm()) laws.check_liveness(model, calm_since(), sweep_period);
  if (model.version == seen_version_) return;
  seen_version_ = model.version;
  wake_nodes();
}

void World::wake_nodes() {
  const std::optional<Instant> due = next_due();
  if (!due) return;
  for (const auto& [number, node] : nodes_)
    node->wake_by(std::max(*due, now() + milliseconds(chance.below(250))));
}

/// A node that died comes back under another name.
void World::bury_nodes() {
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    if (!node->second->has_ended()) {
      ++node;
      continue;
    }
    node = nodes_.erase(node);
    agenda.in(chance.between(seconds(1), seconds(40)), [this] { start_node(); });
  }
}

bool World::is_over() const {
  if (!is_calm() || !people_->are_done()) return false;
  const Tables& tables = model.tables;
  const auto has_ended = [](const auto& row) { return is_terminal(row.second.status); };
  const auto is_free = [](const auto& row) { return row.second.state == SlotState::free; };
  const auto is_closed = [&](const auto& row) {
    return !is_named_truly(row.first, row.second, provider->tasks()) || row.second.ended_at;
  };
  return std::all_of(tables.jobs.begin(), tables.jobs.end(), has_ended) &&
         std::all_of(tables.slots.begin(), tables.slots.end(), is_free) &&
         std::all_of(tables.orphans.begin(), tables.orphans.end(), is_closed);
}

void World::run() {
  people_->plan();
  for (int node = 0; node < settings.node_count; ++node) start_node();
  while (!is_over() && now() < beginning + end_of_patience && !agenda.is_empty()) {
    agenda.run_next();
    bury_nodes();
  }
  laws.check_end(model, provider->tasks());
  tally.simulated_ms += (now() - beginning).ms;
  ++tally.worlds;
}

}  // namespace jobwatchdog::test
