// Many watched jobs: who is due, and who goes along.
#include "core/watch_list.hpp"

#include "core/require.hpp"

namespace jobwatchdog {
namespace {

bool is_due(const WatchState& state, Instant now) {
  return state.wake_at && (*state.wake_at <= now || now < state.last_now);
}

bool has_news(const WatchActions& actions, WatchPhase before, const WatchState& after) {
  return actions.abort || actions.report || actions.paused || actions.ask != 0 || before != after.phase;
}

/// Steps the jobs that `concerns` by one event; says whether one of them asks.
template <typename Concerns>
bool step_those(WatchList& list, const WatchEvent& event, WatchMoment moment, std::vector<bool>& changed,
                Concerns concerns) {
  bool asks = false;
  for (std::size_t key = 0; key < list.jobs.size(); ++key) {
    WatchedJob& job = list.jobs[key];
    if (!job.is_listed || changed[key] || !concerns(job.state)) continue;
    const WatchPhase before = job.state.phase;
    step_job(list, static_cast<int>(key), event, moment);
    if (!has_news(job.actions, before, job.state)) continue;
    changed[key] = true;
    asks = asks || job.actions.ask != 0;
  }
  return asks;
}

}  // namespace

int add_job(WatchList& list) {
  if (list.free_keys.empty()) {
    list.jobs.emplace_back();
    list.free_keys.push_back(static_cast<int>(list.jobs.size()) - 1);
  }
  const int key = list.free_keys.back();
  list.free_keys.pop_back();
  list.jobs[static_cast<std::size_t>(key)] = {true, list.page, {}};
  return key;
}

void remove_job(WatchList& list, int key) {
  const auto place = static_cast<std::size_t>(key);
  require(place < list.jobs.size() && list.jobs[place].is_listed, "a job is removed once, by its key");
  list.jobs[place] = {};
  list.free_keys.push_back(key);
}

const WatchActions& step_job(WatchList& list, int key, const WatchEvent& event, WatchMoment moment) {
  const auto place = static_cast<std::size_t>(key);
  require(place < list.jobs.size() && list.jobs[place].is_listed,
          "a job is stepped by the key that add_job() gave");
  WatchedJob& job = list.jobs[place];
  WatchStep next = step(job.state, event, moment, list.policy);
  job.state = next.state;
  job.actions = std::move(next.actions);
  return job.actions;
}

std::vector<int> step_all(WatchList& list, const WatchEvent& event, WatchMoment moment) {
  list.page = step(list.page, event, moment, list.policy).state;
  std::vector<bool> changed(list.jobs.size(), false);
  const bool is_tick = event.kind == WatchEvent::Kind::tick;
  const bool asks = step_those(list, event, moment, changed, [&](const WatchState& state) {
    return !is_tick || is_due(state, moment.now);
  });
  if (asks) {
    step_those(list, {.kind = WatchEvent::Kind::others_ask}, moment, changed, [&](const WatchState& state) {
      return state.wake_at && state.in_flight == 0 && *state.wake_at <= moment.now + watch_together_within;
    });
  }
  std::vector<int> keys;
  for (std::size_t key = 0; key < changed.size(); ++key)
    if (changed[key]) keys.push_back(static_cast<int>(key));
  return keys;
}

std::optional<Instant> wake_at(const WatchList& list) {
  std::optional<Instant> earliest;
  for (const WatchedJob& job : list.jobs)
    if (job.state.wake_at && (!earliest || *job.state.wake_at < *earliest)) earliest = job.state.wake_at;
  return earliest;
}

}  // namespace jobwatchdog
