// The reconciler: what is due is leased, asked about, decided by core, saved, and only then acted upon.
#include "native/life/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "native/failpoint.hpp"
#include "native/json_text.hpp"
#include "native/life/watch_json.hpp"
#include "native/log.hpp"
#include "native/stopwatch.hpp"
#include "native/system_random.hpp"

namespace jobwatchdog {
namespace {

/// Between two looks for what is due; what an answer made possible is looked for at once.
constexpr Duration look_interval = milliseconds(250);
constexpr Duration chase_interval = seconds(1);
constexpr Duration tidy_interval = seconds(15);
constexpr std::size_t claims_at_once_max = 64;

nlohmann::json identity(const Attempt& attempt) {
  return {{"tool", attempt.tool}, {"job_id", attempt.job_id}, {"attempt", attempt.number}};
}

nlohmann::json or_null(const std::string& text) {
  return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

const char* outcome_word(Submission::Kind kind) {
  switch (kind) {
    case Submission::Kind::accepted: return "accepted";
    case Submission::Kind::no_capacity: return "no_capacity";
    case Submission::Kind::not_sent: return "not_sent";
    case Submission::Kind::refused: return "refused";
    case Submission::Kind::unknown: break;
  }
  return "unknown";
}

/// 256 bits in hexadecimal digits. Source: invariants.md S2.
std::string random_token(const std::function<std::uint64_t()>& random) {
  std::string token;
  for (int word = 0; word < 4; ++word) token += fmt::format("{:016x}", random());
  return token;
}

/// Whether the provider says that the webhook of a task is the one with that token. A webhook may name any
/// task: without this somebody else's could be taken for the job's own, or cancelled. Source: invariants.md
/// S2.
bool proves_claim(const WebhookDetail& webhook, const std::string& token_hash) {
  return webhook.is_known && !webhook.token.empty() && token_hash_of(webhook.token) == token_hash;
}

Submission refused(std::string why) {
  Submission submission;
  submission.kind = Submission::Kind::refused;
  submission.message = std::move(why);
  return submission;
}

}  // namespace

Reconciler::Reconciler(LifeStore& store, Provider& provider, ReconcilerOptions options)
    : store_(store), provider_(provider), options_(std::move(options)) {
  if (!options_.clock) options_.clock = [since = Stopwatch{}] { return since.elapsed(); };
  if (!options_.random) options_.random = system_random;
  tidied_at_ = options_.clock();
}

std::optional<DatabaseError> Reconciler::turn(Duration patience) {
  if (auto error = look_for_work()) return error;
  if (auto error = save()) return error;
  const bool goes_on = more_may_be_due_ && takes_work();
  for (const ProviderAnswer& answer : provider_.wait(goes_on ? Duration{} : patience)) take_answer(answer);
  return std::nullopt;
}

bool Reconciler::is_idle() const { return !found_work_ && provider_.under_way() == 0 && records_.is_empty(); }

std::optional<DatabaseError> Reconciler::finish(Duration patience) {
  is_finishing_ = true;
  const Duration began_at = options_.clock();
  while (!submits_.empty() && options_.clock() - began_at < patience) {
    for (const ProviderAnswer& answer : provider_.wait(milliseconds(200))) take_answer(answer);
    if (auto error = save()) return error;
  }
  // What was asked and not answered is given back: another node may ask at once.
  for (const auto& [number, check] : checks_) {
    nlohmann::json row = identity(check.leased.attempt);
    row.update({{"next_check_ms", 0}, {"is_alive", false}, {"verdict", "unknown"}, {"watch", nullptr}});
    records_.checks.push_back(std::move(row));
  }
  checks_.clear();
  return save();
}

int Reconciler::room() const {
  return std::max(0, options_.questions_at_once_max - static_cast<int>(provider_.under_way()));
}

bool Reconciler::takes_work() const { return !is_finishing_ && !options_.must_stop() && room() > 0; }

int Reconciler::draw_permille() { return static_cast<int>(options_.random() % 1001); }

std::uint64_t Reconciler::ask(ProviderQuestion question) {
  question.number = ++last_number_;
  const std::uint64_t number = question.number;
  provider_.ask(std::move(question));
  return number;
}

/// Checks are leased by the transaction that saves: when it is time to look, and as soon as more may be due.
std::optional<DatabaseError> Reconciler::look_for_work() {
  if (!takes_work()) return std::nullopt;
  const bool is_time = !looked_at_ || options_.clock() - *looked_at_ >= look_interval;
  if (is_time) {
    if (auto error = look_around()) return error;
  }
  if (is_time || more_may_be_due_) records_.leases_wanted = room();
  return std::nullopt;
}

std::optional<DatabaseError> Reconciler::look_around() {
  const Duration now = options_.clock();
  looked_at_ = now;
  found_work_ = false;
  if (auto error = wish_for_claims()) return error;
  if (!chased_at_ || now - *chased_at_ >= chase_interval) {
    chased_at_ = now;
    if (auto error = lease_ended_tasks()) return error;
  }
  if (now - tidied_at_ < tidy_interval) return std::nullopt;
  tidied_at_ = now;
  return store_.tidy_up();
}

std::optional<DatabaseError> Reconciler::lease_ended_tasks() {
  DatabaseResult<std::vector<LeasedTask>> leased =
      store_.lease_ended_tasks(options_.questions_at_once_max / 4 + 1);
  if (!leased.ok()) return leased.error();
  found_work_ = found_work_ || !leased.value().empty();
  for (LeasedTask& task : leased.value()) {
    ++counts_.cancels;
    const std::uint64_t number =
        ask({.kind = task.claim_token_hash.empty() ? ProviderQuestion::Kind::cancel
                                                   : ProviderQuestion::Kind::webhook_detail,
             .account = task.attempt.account,
             .task_id = task.task_id});
    chases_.emplace(number, std::move(task));
  }
  return std::nullopt;
}

void Reconciler::wish_for_claim(const std::string& account, int count) {
  const auto same = std::find_if(records_.claims.begin(), records_.claims.end(),
                                 [&](const ClaimWish& wish) { return wish.account == account; });
  ClaimWish& wish =
      same == records_.claims.end() ? records_.claims.emplace_back(ClaimWish{account, {}}) : *same;
  for (int i = 0; i < count && wish.tokens.size() < claims_at_once_max; ++i)
    wish.tokens.push_back(random_token(options_.random));
}

std::optional<DatabaseError> Reconciler::wish_for_claims() {
  if (!options_.starts_jobs) return std::nullopt;
  const DatabaseResult<std::vector<AccountToServe>> accounts = store_.accounts_to_serve();
  if (!accounts.ok()) return accounts.error();
  for (const AccountToServe& account : accounts.value())
    wish_for_claim(account.account, account.wanted_count);
  return std::nullopt;
}

void Reconciler::begin(LeasedCheck leased) {
  const ToolPolicy policy = options_.policy_of(leased.attempt.tool);
  const bool was_rung = leased.job.was_rung;
  Check check{std::move(leased), policy.watch, options_.clock()};
  if (!policy.is_watched && !was_rung) {
    decide(check, {.next_check_after = policy.watch.poll_interval}, "not watched", "");
    return;
  }
  const WatchMoment moment{check.leased.leased_at, draw_permille()};
  const CheckDecision decision = begin_check(check.leased.job, moment, check.policy);
  if (decision.kind != CheckDecision::Kind::ask) {
    decide(check, decision, "unknown", "");
    return;
  }
  const std::uint64_t number = ask({.kind = check.leased.job.task_id ? ProviderQuestion::Kind::query
                                                                     : ProviderQuestion::Kind::webhook_detail,
                                    .account = check.leased.attempt.account,
                                    .task_id = decision.task_id});
  checks_.emplace(number, std::move(check));
}

void Reconciler::decide(const Check& check, const CheckDecision& decision, const std::string& verdict,
                        const std::string& words) {
  const Attempt& attempt = check.leased.attempt;
  const JobAtWork& job = check.leased.job;
  const std::string task_id = job.task_id.value_or(job.claimed_task_id.value_or(""));
  if (decision.adopt_task) adopt(attempt, task_id);
  // What is adopted runs from then on.
  const JobStatus seen_status = decision.adopt_task ? JobStatus::running : job.status;
  nlohmann::json row = identity(attempt);
  if (decision.kind == CheckDecision::Kind::wait) {
    row.update({{"next_check_ms", decision.next_check_after.ms},
                {"is_alive", verdict.starts_with("alive")},
                {"verdict", verdict},
                {"watch", watch_json(job.watch)}});
    records_.checks.push_back(std::move(row));
    return;
  }
  const bool completes = decision.kind == CheckDecision::Kind::complete;
  row.update({{"status", completes ? "completed" : "failed"},
              {"output_url", or_null(decision.output_url)},
              {"error_message", or_null(decision.error_message)},
              {"task_has_ended", decision.task_has_ended},
              {"seen_status", job_status_name(seen_status)},
              {"task_id", or_null(task_id)},
              {"reason", decision.reason},
              {"words", words_json(words)}});
  records_.settlements.push_back(std::move(row));
  if (!completes && !decision.task_has_ended) ++counts_.overdue;
  if (decision.task_has_ended) {
    free_slot(attempt.account);
    ended_tasks_[attempt.job_id] = {attempt, task_id};
  }
}

/// The answer to a submit that never came, by other ways.
void Reconciler::adopt(const Attempt& attempt, const std::string& task_id) {
  nlohmann::json row = identity(attempt);
  row.update({{"outcome", "accepted"},
              {"task_id", task_id},
              {"message", "told by its webhook, confirmed by the provider"}});
  records_.submissions.push_back(std::move(row));
}

void Reconciler::submit(const ClaimedJob& job) {
  if (!job.problem.empty() || !job.inputs.is_array()) {
    take_submission(job.attempt, refused(job.problem.empty() ? "its inputs cannot be read" : job.problem),
                    "");
    return;
  }
  ProviderQuestion question{
      .kind = ProviderQuestion::Kind::submit, .account = job.attempt.account, .app_id = job.app_id};
  for (const nlohmann::json& input : job.inputs)
    question.inputs.push_back(
        {input.value("nodeId", ""), input.value("fieldName", ""), input.value("fieldValue", "")});
  if (!options_.public_url.empty())
    question.webhook_url = options_.public_url + "/functions/v1/" + job.webhook_path + "/" + job.token;
  failpoint("before_submit");
  submits_.emplace(ask(std::move(question)), job.attempt);
}

void Reconciler::take_submission(const Attempt& attempt, const Submission& submission,
                                 const std::string& words) {
  int& refusals = refusal_count_[attempt.account];
  const bool has_no_task =
      submission.kind == Submission::Kind::no_capacity || submission.kind == Submission::Kind::not_sent;
  refusals = has_no_task ? refusals + 1 : 0;
  const SubmissionDecision decision = decide_submission(submission, refusals, draw_permille());
  if (submission.needs_person) {
    log(LogLevel::error,
        "account " + attempt.account + " cannot submit until a person mends it: " + submission.message,
        {{"code", submission.code}});
  }
  nlohmann::json row = identity(attempt);
  row.update({{"outcome", outcome_word(decision.outcome)},
              {"task_id", or_null(submission.task_id)},
              {"message", or_null(decision.error_message)},
              {"words", words_json(words)},
              {"pause_ms", decision.pause.ms}});
  records_.submissions.push_back(std::move(row));
}

void Reconciler::take_check(Check check, const ProviderAnswer& answer) {
  const bool is_claim = answer.kind == ProviderQuestion::Kind::webhook_detail;
  if (is_claim && proves_claim(answer.webhook, check.leased.token_hash)) {
    const std::uint64_t number = ask({.kind = ProviderQuestion::Kind::query,
                                      .account = check.leased.attempt.account,
                                      .task_id = *check.leased.job.claimed_task_id});
    checks_.emplace(number, std::move(check));
    return;
  }
  Verdict verdict = answer.verdict;
  if (is_claim) {
    verdict = {};
    verdict.message = "a webhook names it, the provider does not say so";
  }
  ++counts_.checks;
  if (verdict.kind == Verdict::Kind::unknown) ++counts_.unknown;
  const WatchMoment moment{check.leased.leased_at + (options_.clock() - check.begun_at), draw_permille()};
  const CheckDecision decision = take_verdict(check.leased.job, verdict, moment, check.policy);
  decide(check, decision, verdict_name(verdict.kind), answer.words);
}

void Reconciler::take_chase(LeasedTask task, const ProviderAnswer& answer) {
  const bool is_proved = answer.kind == ProviderQuestion::Kind::webhook_detail &&
                         proves_claim(answer.webhook, task.claim_token_hash);
  // Recorded, so that no later webhook can name another.
  if (is_proved) adopt(task.attempt, task.task_id);
  if (is_proved || answer.kind == ProviderQuestion::Kind::cancel) {
    const std::uint64_t number =
        ask({.kind = is_proved ? ProviderQuestion::Kind::cancel : ProviderQuestion::Kind::query,
             .account = task.attempt.account,
             .task_id = task.task_id});
    chases_.emplace(number, std::move(task));
    return;
  }
  const ChaseDecision decision = decide_chase(answer.verdict, task.check_count, task.is_orphan);
  nlohmann::json row = identity(task.attempt);
  row.update({{"has_ended", decision.has_ended},
              {"verdict", verdict_name(answer.verdict.kind)},
              {"output_url", or_null(decision.output_url)},
              {"next_check_ms", decision.next_check_after.ms},
              {"words", words_json(answer.words)}});
  records_.ended_tasks.push_back(std::move(row));
}

/// The transaction that frees a slot also gives it to whoever waits.
void Reconciler::free_slot(const std::string& account) {
  if (options_.starts_jobs && !is_finishing_ && !options_.must_stop()) wish_for_claim(account, 1);
}

void Reconciler::take_answer(const ProviderAnswer& answer) {
  failpoint("after_answer");
  if (auto check = checks_.extract(answer.number)) {
    take_check(std::move(check.mapped()), answer);
  } else if (auto submit = submits_.extract(answer.number)) {
    take_submission(submit.mapped(), answer.submission, answer.words);
  } else if (auto chase = chases_.extract(answer.number)) {
    take_chase(std::move(chase.mapped()), answer);
  } else if (auto repair = repairs_.extract(answer.number)) {
    nlohmann::json row = identity(repair.mapped().attempt);
    row.update({{"task_id", repair.mapped().task_id}, {"words", words_json(answer.words)}});
    records_.repairs.push_back(std::move(row));
  }
}

void Reconciler::count(const TurnOutcome& outcome) {
  for (const std::string& became : outcome.submissions_became) {
    if (became == "running") ++counts_.submitted;
    if (became == "queued") ++counts_.sent_back;
    if (became == "failed") ++counts_.refused;
    if (became == "held") ++counts_.in_doubt;
  }
  for (const SettledAttempt& settled : outcome.settled) {
    ++(settled.status == "completed" ? counts_.completed : counts_.failed);
    counts_.refunded_credits += settled.refunded_credits;
  }
  for (const std::string& became : outcome.ended_tasks_became) {
    ++counts_.ended_tasks;
    if (became == "late_result") ++counts_.late_results;
  }
  counts_.webhooks_repaired += outcome.repaired_count;
}

/// Whoever waits for a job may look again.
void Reconciler::tell_news(const TurnOutcome& outcome) const {
  if (!options_.on_news) return;
  for (const nlohmann::json* records :
       {&records_.submissions, &records_.settlements, &records_.checks, &records_.ended_tasks}) {
    for (const nlohmann::json& row : *records)
      options_.on_news(row.at("tool").get<std::string>(), row.at("job_id").get<std::string>());
  }
  for (const ClaimedJob& job : outcome.claimed) options_.on_news(job.attempt.tool, job.attempt.job_id);
}

std::optional<DatabaseError> Reconciler::save() {
  if (records_.is_empty()) return std::nullopt;
  DatabaseResult<TurnOutcome> saved = store_.save(records_);
  if (!saved.ok()) return saved.error();
  TurnOutcome& outcome = saved.value();
  count(outcome);
  tell_news(outcome);
  const int leased_count = static_cast<int>(outcome.leased.size());
  if (records_.leases_wanted > 0) more_may_be_due_ = leased_count == records_.leases_wanted;
  // A job whose webhook rang before its submit was answered is due at once.
  if (!outcome.submissions_became.empty()) more_may_be_due_ = true;
  if (outcome.claimed.size() >= claims_at_once_max) look_soon();
  found_work_ = found_work_ || more_may_be_due_ || !outcome.claimed.empty() || !outcome.leased.empty();
  records_ = {};
  if (!outcome.leased.empty()) failpoint("after_lease");
  for (const ClaimedJob& job : outcome.claimed) submit(job);
  for (LeasedCheck& check : outcome.leased) begin(std::move(check));
  for (const SettledAttempt& settled : outcome.settled) {
    const auto ended = ended_tasks_.find(settled.attempt.job_id);
    if (settled.webhook_was_heard || ended == ended_tasks_.end() || options_.public_url.empty()) continue;
    const std::uint64_t number = ask({.kind = ProviderQuestion::Kind::webhook_detail,
                                      .account = ended->second.attempt.account,
                                      .task_id = ended->second.task_id});
    repairs_.emplace(number, ended->second);
  }
  ended_tasks_.clear();
  return std::nullopt;
}

}  // namespace jobwatchdog
