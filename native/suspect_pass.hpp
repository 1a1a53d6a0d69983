/// Stuck rows that have a task at the provider: found, asked about, settled by its word, cancelled there
/// where they outlived their hard deadline.
///
/// No lock is held while the provider is asked: a row is settled only if it is then still stuck and still has
/// the task that was asked about. Source: design.md section 4 (with a provider ...); invariants.md R7.
#pragma once

#include <functional>

#include "native/provider/provider.hpp"
#include "native/provider_words.hpp"
#include "native/settle_batch.hpp"

namespace jobwatchdog {

/// Asks about the tasks of `page`, which holds FACTS, and waits for the answers. A row that is missing in
/// what it gives has no task, or was not answered before `must_stop`.
[[nodiscard]] ProviderWords ask_about(Provider& provider, const Rows& page,
                                      const std::function<bool()>& must_stop);

/// One pass over the suspects of a table, oldest first, `row_count_max` at a time. `context` is that of the
/// table, compiled for asking. Adds what happened to `result`.
/** Gives whether it was over every suspect. Errors: those that end the whole pass. */
[[nodiscard]] DatabaseResult<bool> settle_suspects(Connection& connection, const BatchContext& context,
                                                   Provider& provider, int row_count_max,
                                                   TableResult& result);

}  // namespace jobwatchdog
