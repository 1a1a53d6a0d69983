/// Jobs as a caller may see them: one look at the database for up to a hundred.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/job_status.hpp"
#include "native/access/caller.hpp"
#include "native/database.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// A job as requests name it.
struct JobName {
  std::string table;
  std::string job_id;
};

struct JobView {
  std::string tool;
  std::string table;
  std::string job_id;
  std::string user_id;
  std::string status;
  Text task_id;
  std::string account;
  Text output_url;
  Text error_message;
  Text last_verdict;             ///< Of the last check, while the job is at work.
  std::int64_t check_count{0};   ///< How often the provider was asked about it, while it is at work.
  std::int64_t position{0};      ///< In the queue of its account, from 1; 0 for a job that does not wait.
  std::int64_t total_queued{0};  ///< In that queue.
  std::int64_t free_slots{0};    ///< Of the account, for a job that waits.
  std::string server_now;        ///< ISO 8601, the database's clock.
  Text deadline_at;              ///< When the server ends the job itself; nothing once it has ended.

  [[nodiscard]] bool has_ended() const {
    const std::optional<JobStatus> known = job_status_of(status);
    return known && is_terminal(*known);
  }
  /// The provider has it, or is being given it.
  [[nodiscard]] bool has_started() const {
    const std::optional<JobStatus> known = job_status_of(status);
    return known && holds_slot(*known);
  }
  [[nodiscard]] bool waits() const { return status == "queued"; }
  /// A node takes it at once.
  [[nodiscard]] bool is_next() const { return waits() && position <= free_slots; }
};

/// What a look found, in the order of the names. A job that is not the caller's is not there.
struct JobLook {
  std::vector<std::optional<JobView>> jobs;
  std::string unknown_table;  ///< A name that no tool has; "" when all are known.
};

/// Makes a session plan the look before anybody waits for it.
inline constexpr const char* looking_at_no_job_sql = "SELECT FROM watchdog.look_at_jobs('{}', '{}', NULL)";

/// The jobs of these names that the caller may see: a user's own; all of them for the service and for
/// administrators.
/** Source: design.md section 7; invariants.md S3 and S5: table names are looked up, never written into SQL.
 */
[[nodiscard]] DatabaseResult<JobLook> look_at_jobs(const Services& services, const Caller& caller,
                                                   const std::vector<JobName>& names);

/// The one job of that name, or why there is none: 400, 404, 503.
[[nodiscard]] Result<JobView, HttpReply> look_at_job(const Services& services, const Caller& caller,
                                                     const JobName& name);

/// The same for a request {table, jobId}.
[[nodiscard]] Result<JobView, HttpReply> job_of_request(const Services& services, const Request& request);

/// Reads {table, jobId}.
[[nodiscard]] JobName read_job_name(BodyReader& reader);

}  // namespace jobwatchdog
