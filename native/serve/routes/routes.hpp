/// The functions behind the routes, one file each.
#pragma once

#include "native/serve/route.hpp"

namespace jobwatchdog::routes {

// Health, for whoever keeps the process alive.
[[nodiscard]] HttpReply healthz(const Services& services, const Request& request);
[[nodiscard]] HttpReply readyz(const Services& services, const Request& request);
[[nodiscard]] HttpReply version(const Services& services, const Request& request);
[[nodiscard]] HttpReply metrics(const Services& services, const Request& request);

// What pages call.
[[nodiscard]] HttpReply tool_run(const Services& services, const Request& request);
[[nodiscard]] HttpReply tool_upload(const Services& services, const Request& request);
[[nodiscard]] HttpReply job_sync(const Services& services, const Request& request);
[[nodiscard]] HttpReply admin_cancel_job(const Services& services, const Request& request);
[[nodiscard]] HttpReply feature_flags_get(const Services& services, const Request& request);
[[nodiscard]] HttpReply feature_flags_set(const Services& services, const Request& request);
[[nodiscard]] HttpReply ofrep_flag(const Services& services, const Request& request);
[[nodiscard]] HttpReply ofrep_all_flags(const Services& services, const Request& request);

// runninghub-queue-manager.
[[nodiscard]] HttpReply queue_check(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_check_user_active(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_start(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_process_next(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_finish(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_cancel_session(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_reconcile(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_status(const Services& services, const Request& request);
[[nodiscard]] HttpReply queue_unknown(const Services& services, const Request& request);

// The subset of PostgREST that pages need.
[[nodiscard]] HttpReply rest_read(const Services& services, const Request& request);
[[nodiscard]] HttpReply rest_insert(const Services& services, const Request& request);
[[nodiscard]] HttpReply rest_rpc(const Services& services, const Request& request);

// What cron and the provider call.
[[nodiscard]] HttpReply cleanup_stuck_exams(const Services& services, const Request& request);
[[nodiscard]] HttpReply webhook(const Services& services, const Request& request);

}  // namespace jobwatchdog::routes
