/// A reply that waits for news of a job.
#pragma once

#include <functional>

#include "native/serve/job_view.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// What a reply waits for, and what it says then.
struct JobWait {
  std::function<bool(const JobView& now)> is_enough;
  std::function<HttpReply(const JobView& now)> answer;
};

/// Looks at the job now and at every ring, and answers when that is enough; after 5 s with what is true then.
/// No thread waits.
[[nodiscard]] HttpReply answer_when(const Services& services, const Caller& caller, const JobName& name,
                                    JobWait wait);

}  // namespace jobwatchdog
