// The model of the store against PostgreSQL: the same calls in the same order, and after each the same
// answers and the same tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "native/life/watch_json.hpp"
#include "tests/simulation/chance.hpp"
#include "tests/simulation/life_model.hpp"
#include "tests/simulation/real_life.hpp"
#include "tests/simulation/table_lines.hpp"

namespace jobwatchdog::test {
namespace {

constexpr Instant beginning{1'795'000'000'000};
constexpr int moves_in_a_life = 150;

const std::vector<std::string> tools{"pose_changer", "upscaler", "veste_ai", "video_upscaler"};

/// What differs, with the marks of diff: - only the model, + only PostgreSQL.
std::string difference(const std::vector<std::string>& model, const std::vector<std::string>& real) {
  std::vector<std::string> gone;
  std::vector<std::string> come;
  std::set_difference(model.begin(), model.end(), real.begin(), real.end(), std::back_inserter(gone));
  std::set_difference(real.begin(), real.end(), model.begin(), model.end(), std::back_inserter(come));
  std::string text;
  for (const std::string& line : gone) text += "- " + line + "\n";
  for (const std::string& line : come) text += "+ " + line + "\n";
  return text;
}

/// Plays a life by chance, on both sides.
class TwoLives {
 public:
  TwoLives(RealLife& real, std::uint64_t seed, Mutant mutant) : real_(real), chance_(seed), model_(mutant) {
    set_up_model();
    real_.begin(model_.tables, model_.now);
  }

  /// "" when the two agreed from the first move to the last; else the move and what differs.
  std::string play() {
    for (int move = 0; move < moves_in_a_life && difference_.empty(); ++move) {
      model_.now = model_.now + chance_.between({}, chance_.strikes(100) ? minutes(3) : seconds(20));
      real_.set_clock(model_.now);
      this->move();
      const std::string tables = difference(lines_of(model_.tables), real_.lines());
      if (difference_.empty() && !tables.empty()) difference_ = last_move_ + ", tables:\n" + tables;
    }
    return difference_;
  }

 private:
  void set_up_model() {
    model_.now = beginning;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      model_.tables.tools[tools[i]] = {
          .table_name = tools[i] + "_jobs",
          .account = "account_" + std::to_string(i % 2),
          .webhook_path = tools[i] == "video_upscaler" ? "another-webhook" : "runninghub-webhook",
          .attempts_max = chance_.between(2, 4),
          .queued_stale_after = minutes(chance_.between(2, 9)),
          .stale_after = minutes(chance_.between(2, 5)),
          .hard_deadline_after = minutes(chance_.between(5, 9))};
    }
    for (int account = 0; account < 2; ++account) {
      const std::string name = "account_" + std::to_string(account);
      model_.tables.accounts[name] = {};
      for (int slot = 1; slot <= 2; ++slot) model_.tables.slots[{name, slot}] = {.changed_at = beginning};
    }
    // The last user has no credits at all.
    for (int user = 1; user < user_count; ++user) model_.tables.balances[user_id(user)] = {150, 150};
  }

  static constexpr int user_count = 6;

  static std::string user_id(int number) {
    return "00000000-0000-4000-8000-00000000000" + std::to_string(number);
  }

  std::string new_id() {
    static constexpr const char* digits = "0123456789abcdef";
    std::string id;
    for (const char letter : std::string{"xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx"})
      id += letter == 'x' ? digits[chance_.below(16)] : letter;
    return id;
  }

  void agree(const std::string& what, const std::string& of_model, const std::string& of_real) {
    last_move_ = what;
    if (of_model == of_real) return;
    difference_ = what + ":\n- " + of_model + "\n+ " + of_real;
  }

  void move() {
    switch (chance_.below(16)) {
      case 0:
      case 1:
      case 2: return start(new_job());
      case 3: return start(any_job());
      case 4: return cancel(any_job());
      case 5: return give_up(any_job());
      case 6:
      case 7: return ring();
      case 8: return lease_ended_tasks();
      case 9: return look_around();
      case 10: return tidy_up();
      case 11: return clean_up();
      default: return save();
    }
  }

  JobKey any_job() {
    if (model_.tables.jobs.empty()) return new_job();
    return std::next(model_.tables.jobs.begin(), chance_.below(static_cast<int>(model_.tables.jobs.size())))
        ->first;
  }

  JobKey new_job() {
    const JobKey job{tools[static_cast<std::size_t>(chance_.below(4))], new_id()};
    const std::string user = user_id(chance_.between(1, user_count));
    const bool is_sound = !chance_.strikes(100);
    const int cost = chance_.strikes(150) ? 0 : chance_.between(1, 60);
    model_.create_job(job, user, cost, is_sound);
    const std::string payload =
        !is_sound                      ? R"({"app": "none"})"
        : job.tool == "upscaler"       ? R"({"app": "standard", "nodeInfoList": []})"
        : job.tool == "pose_changer"   ? R"({"inputs": {"person": "a", "reference": "b"}})"
        : job.tool == "video_upscaler" ? R"({"inputs": {"video": "a"}})"
                                       : R"({"inputs": {"person": "a", "clothing": "b"}})";
    const std::string given =
        real_.value("SELECT watchdog.create_job('" + job.tool + "_jobs', " + sql_text(user) + ", " +
                    sql_text(payload) + ", " + std::to_string(cost) + ")");
    real_.exec("UPDATE public.ai_jobs SET id = " + sql_text(job.id) + " WHERE id = " + sql_text(given));
    return job;
  }

  static std::string arguments_of(const JobKey& job) {
    return "'" + job.tool + "_jobs', " + sql_text(job.id);
  }

  void start(const JobKey& job) {
    const std::string user =
        chance_.strikes(50) ? user_id(chance_.between(1, user_count)) : model_.tables.jobs.at(job).user;
    agree("start " + job.id, model_.start_job(job, user),
          real_.value("SELECT outcome FROM watchdog.start_job(" + arguments_of(job) + ", " + sql_text(user) +
                      ")"));
  }

  void cancel(const JobKey& job) {
    const bool as_admin = chance_.strikes(300);
    agree("cancel " + job.id, model_.cancel_job(job, as_admin) ? "t" : "f",
          real_.value("SELECT success FROM watchdog.cancel_job(" + arguments_of(job) + ", " +
                      (as_admin ? "true" : "false") + ")"));
  }

  void give_up(const JobKey& job) {
    agree("give up " + job.id, model_.fail_pending_job(job, "not started") ? "t" : "f",
          real_.value("SELECT watchdog.fail_pending_job(" + arguments_of(job) + ", 'not started')"));
  }

  void look_around() {
    const JobKey job = any_job();
    const std::optional<int> place = model_.queue_position(job);
    agree("position of " + job.id, place ? std::to_string(*place) : "",
          real_.value("SELECT watchdog.queue_position(" + arguments_of(job) + ")"));
    agree("accounts to serve", words_of(model_.accounts_to_serve()),
          told(real_.store("node 1").accounts_to_serve()));
  }

  void tidy_up() {
    (void)model_.free_expired_slots();
    const auto error = real_.store("node 1").tidy_up();
    agree("tidy up", "", error ? error->message : "");
  }

  void clean_up() {
    agree("clean up", std::to_string(model_.cleanup_all_stale_ai_jobs()),
          real_.value("SELECT sum(cancelled_count) FROM public.cleanup_all_stale_ai_jobs()"));
  }

  template <typename Value>
  static std::string told(const DatabaseResult<Value>& result) {
    return result.ok() ? words_of(result.value()) : "refused: " + result.error().message;
  }

  std::string any_node() { return "node " + std::to_string(chance_.between(1, 2)); }

  void lease_ended_tasks() {
    const std::string owner = any_node();
    const int count_max = chance_.between(1, 4);
    agree("ended tasks for " + owner,
          words_of(model_.lease_ended_tasks(owner, count_max, LeaseHolder{}.lease)),
          told(real_.store(owner).lease_ended_tasks(count_max)));
  }

  /// A webhook: with or without a token, of the right task, another, or none; the same again now and then.
  void ring() {
    const auto& submissions = model_.tables.submissions;
    if (submissions.empty()) return;
    const auto row = std::next(submissions.begin(), chance_.below(static_cast<int>(submissions.size())));
    MaybeText token = chance_.strikes(50) ? "of nobody" : row->second.token;
    MaybeText task_id = row->second.task_id;
    if (!task_id || chance_.strikes(150)) task_id = "told " + std::to_string(chance_.below(4));
    if (chance_.strikes(100)) task_id.reset();
    if (chance_.strikes(100)) token.reset();
    const std::string body = "body " + std::to_string(chance_.below(3)) + " of " + task_id.value_or("none");
    const std::string outcome = model_.receive_webhook(token, task_id, body);
    agree("webhook with " + sql_text(token), outcome,
          real_.value("SELECT outcome FROM watchdog.receive_webhook(" + sql_text(token) + ", " +
                      sql_text(task_id) + ", " + sql_text(body) + ")"));
  }

  /// Some attempts, at most one of each job; now and then one that is not there.
  std::vector<AttemptKey> some_attempts(int count_max) {
    std::map<JobKey, int> chosen;
    for (const auto& [attempt, submission] : model_.tables.submissions) {
      if (!chance_.strikes(350)) continue;
      chosen[attempt.job] = chance_.strikes(60) ? attempt.attempt + 1 : attempt.attempt;
    }
    std::vector<AttemptKey> attempts;
    for (const auto& [job, attempt] : chosen) {
      if (static_cast<int>(attempts.size()) < count_max) attempts.push_back({job, attempt});
    }
    return attempts;
  }

  static Json identity(const AttemptKey& attempt) {
    return {{"tool", attempt.job.tool}, {"job_id", attempt.job.id}, {"attempt", attempt.attempt}};
  }

  Json maybe(const std::string& text) { return chance_.strikes(500) ? Json(text) : Json(); }

  Json answers() {
    Json rows = Json::array();
    for (const AttemptKey& attempt : some_attempts(4)) {
      static constexpr const char* outcomes[] = {"accepted", "accepted", "no_capacity",
                                                 "not_sent", "refused",  "unknown"};
      const std::string outcome = outcomes[chance_.below(6)];
      Json row = identity(attempt);
      // Seldom the task of another job, which is refused as a whole.
      const int number = chance_.strikes(30) ? task_count_ : ++task_count_;
      row.update({{"outcome", outcome},
                  {"task_id", outcome == "accepted" ? Json("task " + std::to_string(number)) : Json()},
                  {"message", maybe("the provider says no")},
                  {"words", nullptr},
                  {"pause_ms", chance_.strikes(300) ? chance_.between(1, 40'000) : 0}});
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json settlements() {
    Json rows = Json::array();
    for (const AttemptKey& attempt : some_attempts(3)) {
      const bool completes = chance_.strikes(400);
      Json row = identity(attempt);
      row.update({{"status", completes ? "completed" : "failed"},
                  {"output_url", completes ? maybe("https://p/result.png") : Json()},
                  {"error_message", completes ? Json() : maybe("it failed")},
                  {"task_has_ended", completes || chance_.strikes(500)},
                  {"seen_status", chance_.strikes(750) ? "running" : "starting"},
                  {"task_id", nullptr},
                  {"reason", "because"},
                  {"words", nullptr}});
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json checks() {
    Json rows = Json::array();
    for (const AttemptKey& attempt : some_attempts(5)) {
      WatchState watch;
      watch.phase = WatchPhase::watching;
      watch.lived = seconds(chance_.between(1, 1'000));
      Json row = identity(attempt);
      row.update({{"next_check_ms", chance_.between(0, 60'000)},
                  {"is_alive", chance_.strikes(500)},
                  {"verdict", maybe("alive_running")},
                  {"watch", chance_.strikes(200) ? Json() : watch_json(watch)}});
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json ended_tasks() {
    Json rows = Json::array();
    for (const AttemptKey& attempt : some_attempts(4)) {
      Json row = identity(attempt);
      row.update({{"has_ended", chance_.strikes(500)},
                  {"verdict", "succeeded"},
                  {"output_url", maybe("https://p/late.png")},
                  {"next_check_ms", chance_.between(0, 60'000)},
                  {"words", nullptr}});
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Json repairs() {
    Json rows = Json::array();
    for (const AttemptKey& attempt : some_attempts(3)) {
      Json row = identity(attempt);
      const auto submission = model_.tables.submissions.find(attempt);
      const bool is_known = submission != model_.tables.submissions.end() && submission->second.task_id;
      row.update({{"task_id", is_known ? Json(*submission->second.task_id) : Json()}, {"words", nullptr}});
      rows.push_back(std::move(row));
    }
    return rows;
  }

  /// New tokens, or the last ones again, as after a COMMIT whose answer was lost.
  std::vector<ClaimWish> claims() {
    if (!chance_.strikes(200)) last_claims_.clear();
    if (!last_claims_.empty()) return last_claims_;
    for (int account = 0; account < 2; ++account) {
      if (chance_.strikes(300)) continue;
      ClaimWish wish{"account_" + std::to_string(account), {}};
      for (int i = chance_.between(1, 3); i > 0; --i) wish.tokens.push_back(new_id());
      last_claims_.push_back(wish);
    }
    return last_claims_;
  }

  void save() {
    TurnRecords records;
    if (chance_.strikes(500)) records.submissions = answers();
    if (chance_.strikes(300)) records.settlements = settlements();
    if (chance_.strikes(300)) records.checks = checks();
    if (chance_.strikes(300)) records.ended_tasks = ended_tasks();
    if (chance_.strikes(200)) records.repairs = repairs();
    if (chance_.strikes(500)) records.claims = claims();
    if (chance_.strikes(400)) records.leases_wanted = chance_.between(1, 4);
    const LeaseHolder holder{.owner = any_node()};
    const Tables before = model_.tables;
    std::string of_model;
    try {
      of_model = words_of(model_.save(records, holder));
    } catch (const SqlRefusal&) {
      model_.tables = before;
      of_model = "refused";
    }
    std::string of_real = told(real_.store(holder.owner).save(records));
    if (of_model == "refused" && of_real.starts_with("refused")) of_real = of_model;
    agree("save by " + holder.owner, of_model, of_real);
  }

  RealLife& real_;
  Chance chance_;
  LifeModel model_;
  std::vector<ClaimWish> last_claims_;
  int task_count_{0};
  std::string last_move_;
  std::string difference_;
};

std::string play(RealLife& real, std::uint64_t seed, Mutant mutant) {
  return TwoLives{real, seed, mutant}.play();
}

TEST(store, the_model_and_the_functions_of_sql_do_the_same) {
  RealLife real;
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    ASSERT_EQ(play(real, seed, Mutant::none), "") << "seed " << seed;
}

TEST(store, a_mistake_of_the_model_is_noticed) {
  RealLife real;
  for (const Mutant mutant :
       {Mutant::settle_by_id_only, Mutant::no_attempt_guard, Mutant::no_seen_status,
        Mutant::slot_freed_by_user, Mutant::webhook_by_task_id, Mutant::refund_in_second_transaction,
        Mutant::late_success_overwrites, Mutant::checks_without_rest, Mutant::slot_freed_at_cancel,
        Mutant::refund_without_ledger_key, Mutant::expired_slots_stay, Mutant::orphans_not_noted}) {
    bool is_noticed = false;
    for (std::uint64_t seed = 1; seed <= 30 && !is_noticed; ++seed)
      is_noticed = !play(real, seed, mutant).empty();
    EXPECT_TRUE(is_noticed) << "mutant " << static_cast<int>(mutant);
  }
}

}  // namespace
}  // namespace jobwatchdog::test
