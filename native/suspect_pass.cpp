// The pass over rows that the provider knows more about than their age.
#include "native/suspect_pass.hpp"

#include <algorithm>
#include <set>

#include "native/failpoint.hpp"
#include "native/log.hpp"
#include "native/retry.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

/// How often a task is asked about while the provider wants to be left alone.
constexpr int rounds_max = 3;
/// So long a rest is waited for; after a longer one the next sweep asks.
constexpr Duration rest_max = seconds(15);
constexpr Duration answer_patience = milliseconds(200);

/// A task with its account.
struct Task {
  std::string account;
  std::string task_id;
};

/// Puts one question a task and hands over the answers until all are there, or `must_stop`.
void put_questions(Provider& provider, ProviderQuestion::Kind kind, const std::map<std::string, Task>& tasks,
                   const std::function<bool()>& must_stop,
                   const std::function<void(const std::string& key, const ProviderAnswer&)>& take) {
  static std::uint64_t last_number = 0;
  std::map<std::uint64_t, std::string> key_of;
  for (const auto& [key, task] : tasks) {
    key_of[++last_number] = key;
    provider.ask({.number = last_number, .kind = kind, .account = task.account, .task_id = task.task_id});
  }
  while (!key_of.empty() && !must_stop()) {
    for (const ProviderAnswer& answer : provider.wait(answer_patience)) {
      const auto asked = key_of.extract(answer.number);
      if (asked) take(asked.mapped(), answer);
    }
  }
}

/// The tasks whose questions the provider put off, and until when.
struct PutOff {
  std::map<std::string, Task> tasks;
  Duration rest;
};

PutOff ask_once(Provider& provider, const std::map<std::string, Task>& tasks, ProviderWords& words,
                const std::function<bool()>& must_stop) {
  PutOff put_off;
  put_questions(provider, ProviderQuestion::Kind::query, tasks, must_stop,
                [&](const std::string& key, const ProviderAnswer& answer) {
                  const Task& task = tasks.at(key);
                  words[key] = {task.task_id, answer.verdict, answer.words};
                  if (answer.verdict.kind != Verdict::Kind::unknown || answer.verdict.retry_after.ms == 0)
                    return;
                  put_off.tasks[key] = task;
                  put_off.rest = std::max(put_off.rest, answer.verdict.retry_after);
                });
  return put_off;
}

void rest(Provider& provider, Duration duration, const std::function<bool()>& must_stop) {
  const Stopwatch rested;
  while (rested.elapsed() < duration && !must_stop()) (void)provider.wait(answer_patience);
}

/// The rows of a page by what is to become of them.
struct Decisions {
  std::vector<SettledRow> completing;
  std::vector<SettledRow> failing;
  std::set<std::string> outlived;  ///< Of those that fail: their task may still run.
  std::int64_t kept_count{0};
};

Decisions decide(const BatchContext& context, const Rows& page) {
  Decisions decisions;
  for (std::size_t i = 0; i < page.size(); ++i) {
    DecidedRow decided = decide_row(context, page, i);
    if (decided.settlement.kind == Settlement::Kind::settle_as_succeeded) {
      decisions.completing.push_back(std::move(decided.row));
    } else if (settles(context, decided.settlement)) {
      if (decided.settlement.cancel_at_provider) decisions.outlived.insert(decided.row.key);
      decisions.failing.push_back(std::move(decided.row));
    } else {
      ++decisions.kept_count;
    }
  }
  return decisions;
}

/// Nobody waits for its result any more, and it may cost money. Whoever may still be told is told; the row is
/// settled whatever becomes of the request.
void cancel(Provider& provider, const BatchContext& context, const Decisions& decisions,
            const TableResult& settled, const std::map<std::string, Task>& tasks) {
  std::map<std::string, Task> outlived;
  for (const SettledRow& row : settled.settled) {
    if (decisions.outlived.contains(row.key)) outlived[row.key] = tasks.at(row.key);
  }
  put_questions(provider, ProviderQuestion::Kind::cancel, outlived, context.must_stop,
                [&](const std::string& key, const ProviderAnswer& answer) {
                  if (answer.was_accepted) return;
                  log(LogLevel::warning, "the provider did not confirm that it cancelled a task",
                      {{"table", display_name(context.table)},
                       {"id", key},
                       {"task", outlived.at(key).task_id},
                       {"provider", answer.words}});
                });
}

std::map<std::string, Task> tasks_of(const Rows& page) {
  std::map<std::string, Task> tasks;
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (const Text task_id = page.at(i, "task_id"))
      tasks[page.text(i, "key")] = {page.text(i, "account"), *task_id};
  }
  return tasks;
}

void count_words(const ProviderWords& words, TableResult& result) {
  result.asked_count += static_cast<std::int64_t>(words.size());
  for (const auto& [key, word] : words)
    result.unanswered_count += word.verdict.kind == Verdict::Kind::unknown ? 1 : 0;
}

/// Settles what the words about a page decide. Errors: as settle_page().
std::optional<DatabaseError> settle_by_words(Connection& connection, const BatchContext& context,
                                             Provider& provider, const Rows& page, TableResult& result) {
  const Decisions decisions = decide(context, page);
  TableResult part;
  BatchContext completing = context;
  completing.completes = true;
  std::optional<DatabaseError> error =
      settle_page(connection, completing, page_of(decisions.completing), part);
  part.completed_count = part.settled_count;
  if (!error) error = settle_page(connection, context, page_of(decisions.failing), part);
  cancel(provider, context, decisions, part, tasks_of(page));
  const auto wanted = static_cast<std::int64_t>(decisions.completing.size() + decisions.failing.size());
  part.missed_count =
      std::max<std::int64_t>(0, wanted - part.settled_count - part.isolated_count - part.kept_count);
  part.kept_count += decisions.kept_count;
  add_result(part, result);
  return error;
}

}  // namespace

ProviderWords ask_about(Provider& provider, const Rows& page, const std::function<bool()>& must_stop) {
  ProviderWords words;
  std::map<std::string, Task> tasks = tasks_of(page);
  for (int round = 1; !tasks.empty(); ++round) {
    PutOff put_off = ask_once(provider, tasks, words, must_stop);
    if (round == rounds_max || put_off.rest > rest_max) break;
    rest(provider, put_off.rest, must_stop);
    if (must_stop()) break;
    tasks = std::move(put_off.tasks);
  }
  return words;
}

DatabaseResult<bool> settle_suspects(Connection& connection, const BatchContext& context, Provider& provider,
                                     int row_count_max, TableResult& result) {
  // Which of them were settled is read from a list, and lists are cut.
  const auto page_size =
      std::min<std::size_t>(static_cast<std::size_t>(row_count_max), TableResult::rows_kept_max);
  CompiledRule compiled = context.compiled;
  compiled.lock = compiled.lock_suspects;
  Cursor cursor;
  while (!context.must_stop()) {
    const DatabaseResult<Rows> page = query_patiently(
        connection, compiled.suspects,
        {context.now_text, cursor.aged_since, cursor.key, std::to_string(page_size)},
        {.read_only = true, .by_index_order = true, .statement_timeout = reading_timeout}, context.must_stop);
    if (!page.ok()) return page.error();
    if (page.value().size() == 0) return true;
    const ProviderWords words = ask_about(provider, page.value(), context.must_stop);
    failpoint("after_asking");
    count_words(words, result);
    BatchContext asked{
        context.rule,        context.table,       compiled,      context.now,       context.now_text,
        context.transaction, context.audit_table, context.actor, context.must_stop, &words};
    if (auto error = settle_by_words(connection, asked, provider, page.value(), result)) return *error;
    if (page.value().size() < page_size) return true;
    cursor = place_of(page.value()).last;
  }
  return false;
}

}  // namespace jobwatchdog
