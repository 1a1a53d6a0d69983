/// Who waits for news of a job: a handler takes a bell, the node rings it when it saved something of that
/// job.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "native/bell.hpp"

namespace jobwatchdog {

class JobBells {
 public:
  /// A bell for the next news of the job. Dropped, it is forgotten.
  [[nodiscard]] std::shared_ptr<Bell> bell_for(const std::string& job_id) {
    auto bell = std::make_shared<Bell>();
    const std::lock_guard lock{mutex_};
    std::erase_if(bells_, [](const auto& waiting) { return waiting.second.expired(); });
    bells_.emplace(job_id, bell);
    return bell;
  }

  void ring(const std::string& job_id) {
    std::multimap<std::string, std::weak_ptr<Bell>> rung;
    {
      const std::lock_guard lock{mutex_};
      const auto [first, last] = bells_.equal_range(job_id);
      rung.insert(first, last);
      bells_.erase(first, last);
    }
    for (const auto& [id, waiting] : rung) {
      if (const std::shared_ptr<Bell> bell = waiting.lock()) bell->ring();
    }
  }

 private:
  std::mutex mutex_;
  std::multimap<std::string, std::weak_ptr<Bell>> bells_;
};

}  // namespace jobwatchdog
