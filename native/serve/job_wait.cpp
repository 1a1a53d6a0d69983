// Looking again at every ring.
#include "native/serve/job_wait.hpp"

#include <memory>

namespace jobwatchdog {
namespace {

/// For how long a page waits before it hears what is known.
constexpr Duration patience = seconds(5);

struct Waiting {
  const Services& services;
  Caller caller;
  JobName name;
  JobWait wait;
  Duration until;  ///< By the clock of the services.
};

HttpReply look_again(const std::shared_ptr<Waiting>& waiting) {
  // Taken first: what comes between the look and the next wait rings it.
  std::shared_ptr<Bell> bell = waiting->services.bells->bell_for(waiting->name.job_id);
  const Result<JobView, HttpReply> job = look_at_job(waiting->services, waiting->caller, waiting->name);
  if (!job.ok()) return job.error();
  const Duration left = waiting->until - waiting->services.clock();
  if (left <= Duration{} || waiting->wait.is_enough(job.value())) return waiting->wait.answer(job.value());
  return {
      .then = [waiting] { return look_again(waiting); }, .waits_for = std::move(bell), .waits_at_most = left};
}

}  // namespace

HttpReply answer_when(const Services& services, const Caller& caller, const JobName& name, JobWait wait) {
  return look_again(std::make_shared<Waiting>(
      Waiting{services, caller, name, std::move(wait), services.clock() + patience}));
}

}  // namespace jobwatchdog
