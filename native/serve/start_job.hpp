/// Starting a job for its owner: charge, queue, and wait a moment for the provider to take it.
#pragma once

#include <string>

#include "native/serve/job_view.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// Charges and admits a pending job of the caller, and answers as soon as the provider has it, or with its
/// place in the queue.
/** 200 {success, taskId, accountUsed} or {success, queued, position, totalQueued}; 404, 409
 * DUPLICATE_ACTIVE_JOB, 402 INSUFFICIENT_CREDITS, 400 for a payload that means nothing. A second call finds
 * the job started and changes nothing. Source: protocols.md 2.5, R1. */
[[nodiscard]] HttpReply start_job(const Services& services, const Caller& caller, const JobName& name);

}  // namespace jobwatchdog
