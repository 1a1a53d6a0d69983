// What a world is like: drawn from its seed.
#include "tests/simulation/world_settings.hpp"

#include "native/emulator/emulator_faults.hpp"
#include "native/life/watch_policies.hpp"

namespace jobwatchdog::test {
namespace {

/// 0 = none, 1 = a bad day, 2 = the worst.
int draw_strength(Chance& chance) {
  const int draw = chance.below(10);
  return draw < 3 ? 0 : draw < 6 ? 1 : 2;
}

void draw_network_faults(Chance& chance, WorldFaults& faults) {
  const int strength = draw_strength(chance);
  faults.request_lost = 20 * strength;
  faults.request_late = 10 * strength;
  faults.answer_lost = 30 * strength;
  faults.not_connected = 15 * strength;
  faults.turned_away = 20 * strength;
  faults.silence = 3 * strength;
  faults.webhook_unheard = chance.strikes(200) ? 700 : 60 * strength;
  faults.webhook_unanswered = 60 * strength;
  faults.stranger = 100 * strength;
}

void draw_database_faults(Chance& chance, WorldFaults& faults) {
  const int strength = draw_strength(chance);
  faults.conflict = 10 * strength;
  faults.connection_lost = 10 * strength;
  faults.commit_in_doubt = 25 * strength;
}

void draw_node_faults(Chance& chance, WorldFaults& faults) {
  const int strength = draw_strength(chance);
  faults.node_crash = 3 * strength;
  faults.node_pause = 3 * strength;
  faults.node_sleep = 8 * strength;
  faults.node_stall = 4 * strength;
  faults.node_stop = 2 * strength;
}

/// Several nodes, all of them slow at the worst moments: of such worlds are the races in which what was read
/// before is not true any more.
void make_racing(WorldSettings& world) {
  world.node_count = 3;
  world.user_count = 6;
  world.account_count = 1;
  world.job_count = 12;
  world.faults = {.node_sleep = 300, .node_stall = 300};
  world.emulator.submit_refused_permille = 400;
  world.is_default_policy = false;
  world.watch.timeout_max = minutes(3);
}

void draw_patience(Chance& chance, WorldSettings& world) {
  world.is_default_policy = chance.strikes(500);
  if (!world.is_default_policy) {
    world.watch.initial_delay = seconds(chance.between(5, 30));
    world.watch.poll_interval = seconds(chance.between(5, 15));
    world.watch.timeout_max = minutes(chance.between(3, 12));
  }
  world.watch.retry_delay_min = provider_is_asked_again_after;
  world.is_watched = !chance.strikes(50);
  world.sweeps_by_cron = chance.strikes(600);
  world.sweeps_by_rule = !world.sweeps_by_cron || chance.strikes(300);
}

void draw_emulator(Chance& chance, WorldSettings& world) {
  EmulatorSettings& emulator = world.emulator;
  constexpr const char* strengths[] = {"none", "mild", "worst"};
  const int strength = draw_strength(chance);
  (void)set_faults(emulator, strengths[strength]);
  world.is_emulator_worst = strength == 2;
  // In some worlds it answers all that it is asked, and only its webhooks get lost.
  if (chance.strikes(200)) {
    emulator.reply_5xx_permille = emulator.reply_garbage_permille = 0;
    emulator.reply_never_permille = emulator.reply_slow_permille = 0;
    emulator.webhook_lost_permille = 300;
    world.is_emulator_worst = false;
  }
  emulator.seed = world.seed;
  emulator.public_url = "http://p";
  emulator.task_time_min = seconds(chance.between(2, 60));
  emulator.task_time_max = emulator.task_time_min + seconds(chance.between(0, 120));
  // Mostly room for all, so that a task too many would be seen and not refused.
  emulator.concurrent_tasks_max = chance.strikes(400) ? world.slot_count : 1'000;
  // Or less than the rows promise.
  if (chance.strikes(100)) emulator.concurrent_tasks_max = std::max(1, world.slot_count - 1);
  if (chance.strikes(300)) emulator.submit_refused_permille = 400;
}

}  // namespace

std::vector<std::string> WorldSettings::kinds() const {
  std::vector<std::string> kinds{"all worlds"};
  if (!is_default_policy) return kinds;
  kinds.emplace_back("default policy, all worlds");
  if (faults.node_crash + faults.conflict + faults.node_stall != 0) return kinds;
  kinds.emplace_back("default policy, our nodes and database well");
  if (faults.request_lost != 0) return kinds;
  if (emulator.reply_5xx_permille == 0) kinds.emplace_back("default policy, provider answers");
  if (is_emulator_worst) kinds.emplace_back("default policy, provider at its worst, all else well");
  return kinds;
}

WorldSettings draw_world(std::uint64_t seed) {
  Chance chance{seed};
  WorldSettings world;
  world.seed = seed;
  world.node_count = chance.between(1, 3);
  world.user_count = chance.between(2, 6);
  world.account_count = chance.between(1, 3);
  world.slot_count = chance.between(1, 3);
  world.job_count = chance.between(3, 12);
  world.cancels_permille = chance.below(400);
  world.jobs_come_within = minutes(chance.between(1, 12));
  world.faults_end_after = world.jobs_come_within + minutes(chance.between(5, 15));
  world.node_clock_error_max = minutes(chance.strikes(500) ? 60 * 24 * 5 : 0);
  draw_emulator(chance, world);
  // In some worlds all that goes wrong does so at the provider.
  if (!chance.strikes(250)) {
    draw_network_faults(chance, world.faults);
    draw_database_faults(chance, world.faults);
    draw_node_faults(chance, world.faults);
  }
  draw_patience(chance, world);
  if (chance.strikes(100)) make_racing(world);
  return world;
}

}  // namespace jobwatchdog::test
