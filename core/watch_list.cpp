// Many watched jobs: who is due, and who goes along.
#include "core/watch_list.hpp"

#include "core/require.hpp"

namespace jobwatchdog {
namespace {

bool is_due(const WatchState& state, Instant now) {
  return state.wake_at && (*state.wake_at <= now || now < state.last_now);
}

bool has_news(const WatchActions& actions, WatchPhase before, WatchPhase after) {
  return actions.abort || actions.report || actions.paused || actions.ask != 0 || before != after;
}

WatchActions step_listed(WatchedJob& job, const WatchEvent& event, WatchMoment moment,
                         const WatchPolicy& policy) {
  const WatchPhase before = job.state.phase;
  const WatchActions actions = advance(job.state, event, moment, policy);
  job.has_news = has_news(actions, before, job.state.phase);
  job.actions = actions;
  if (actions.report) job.actions.report->output_url = job.actions.report->reason = {};
  return actions;
}

bool goes_along(const WatchState& state, Instant now) {
  return state.wake_at && state.in_flight == 0 && *state.wake_at <= now + watch_together_within;
}

}  // namespace

int add_job(WatchList& list) {
  if (list.free_keys.empty()) {
    list.jobs.emplace_back();
    list.free_keys.push_back(static_cast<int>(list.jobs.size()) - 1);
  }
  const int key = list.free_keys.back();
  list.free_keys.pop_back();
  list.jobs[static_cast<std::size_t>(key)] = {.is_listed = true, .state = list.page};
  return key;
}

void remove_job(WatchList& list, int key) {
  const auto place = static_cast<std::size_t>(key);
  require(place < list.jobs.size() && list.jobs[place].is_listed, "a job is removed once, by its key");
  list.jobs[place] = {};
  list.free_keys.push_back(key);
}

WatchActions step_job(WatchList& list, int key, const WatchEvent& event, WatchMoment moment) {
  const auto place = static_cast<std::size_t>(key);
  require(place < list.jobs.size() && list.jobs[place].is_listed,
          "a job is stepped by the key that add_job() gave");
  return step_listed(list.jobs[place], event, moment, list.policy);
}

std::vector<int> step_all(WatchList& list, const WatchEvent& event, WatchMoment moment) {
  advance(list.page, event, moment, list.policy);
  const bool is_tick = event.kind == WatchEvent::Kind::tick;
  bool somebody_asks = false;
  for (WatchedJob& job : list.jobs) {
    job.has_news = false;
    if (!job.is_listed || (is_tick && !is_due(job.state, moment.now))) continue;
    if (step_listed(job, event, moment, list.policy).ask != 0) somebody_asks = true;
  }
  std::vector<int> keys;
  keys.reserve(list.jobs.size());
  for (std::size_t key = 0; key < list.jobs.size(); ++key) {
    WatchedJob& job = list.jobs[key];
    if (somebody_asks && !job.has_news && goes_along(job.state, moment.now))
      step_listed(job, {.kind = WatchEvent::Kind::others_ask}, moment, list.policy);
    if (job.has_news) keys.push_back(static_cast<int>(key));
  }
  return keys;
}

std::optional<Instant> wake_at(const WatchList& list) {
  std::optional<Instant> earliest;
  for (const WatchedJob& job : list.jobs)
    if (job.state.wake_at && (!earliest || *job.state.wake_at < *earliest)) earliest = job.state.wake_at;
  return earliest;
}

}  // namespace jobwatchdog
