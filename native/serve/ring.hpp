/// Ringing for jobs: the node asks the provider about them soon, and a reply may wait for what it hears.
#pragma once

#include <functional>
#include <vector>

#include "native/serve/job_view.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// Brings the checks of started jobs forward that nobody asked about lately. Gives the ids of the jobs it
/// rang for; none when the database cannot be reached, for a ring is only a wish.
std::vector<std::string> ring(const Services& services, const std::vector<JobView>& jobs);

/// Rings for the job, and answers about it as it is when the node has heard of it or after a moment; as it
/// was seen, and at once, when there was no need to ring.
[[nodiscard]] HttpReply after_ring(const Services& services, const Caller& caller, const JobView& seen,
                                   std::function<HttpReply(const JobView& now)> answer);

}  // namespace jobwatchdog
