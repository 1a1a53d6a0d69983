/// Backoff: how long to rest before trying again.
///
/// The rest doubles with each failed attempt up to a ceiling, then shrinks by a share that the caller drew at
/// random, so that those who failed together do not return together. No clock and no randomness in here.
#pragma once

#include "core/time.hpp"

namespace jobwatchdog {

struct BackoffPolicy {
  Duration delay_min{milliseconds(100)};  ///< Rest after the first failure. At least 1 ms.
  Duration delay_max{seconds(60)};        ///< Ceiling. At least `delay_min`.
  int jitter_permille_max{500};           ///< Largest share that a draw may take off, 0..1000.
};

/// The rest after `failed_attempt_count` failures.
/** Units:  `jitter_permille` is drawn by the caller, 0..`policy.jitter_permille_max`; never below 1 ms.
 *  Errors: none. A count below 1 or a draw out of range is the caller's bug: `require` stops.
 *  Source: invariants.md R8 (retry with jitter), P10 (cap 60 s).
 */
[[nodiscard]] Duration backoff_delay(int failed_attempt_count, int jitter_permille,
                                     const BackoffPolicy& policy);

}  // namespace jobwatchdog
