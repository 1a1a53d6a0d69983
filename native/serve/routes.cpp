// The table of routes: every path that `serve` answers, and who may ask.
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog {

const std::vector<Route>& all_routes() {
  static const std::vector<Route> routes{
      {"GET", "/healthz", Who::anybody, routes::healthz},
      {"GET", "/readyz", Who::anybody, routes::readyz},
      {"GET", "/version", Who::anybody, routes::version},
      {"GET", "/metrics", Who::anybody, routes::metrics},

      {"POST", "/functions/v1/admin-cancel-job", Who::admin, routes::admin_cancel_job},
      {"POST", "/functions/v1/cleanup-stuck-exams", Who::cron, routes::cleanup_stuck_exams},
      {"POST", "/functions/v1/runninghub-job-sync", Who::user, routes::job_sync},
      {"GET", "/functions/v1/feature-flags", Who::any_key, routes::feature_flags_get},
      {"POST", "/functions/v1/feature-flags", Who::admin, routes::feature_flags_set},

      {"POST", "/functions/v1/runninghub-queue-manager/check", Who::any_key, routes::queue_check},
      {"POST", "/functions/v1/runninghub-queue-manager/check-user-active", Who::any_key,
       routes::queue_check_user_active},
      {"POST", "/functions/v1/runninghub-queue-manager/run-or-queue", Who::user, routes::queue_start},
      {"POST", "/functions/v1/runninghub-queue-manager/enqueue", Who::user, routes::queue_start},
      {"POST", "/functions/v1/runninghub-queue-manager/process-next", Who::service,
       routes::queue_process_next},
      {"POST", "/functions/v1/runninghub-queue-manager/finish", Who::any_key, routes::queue_finish},
      {"POST", "/functions/v1/runninghub-queue-manager/cancel-session", Who::user,
       routes::queue_cancel_session},
      {"POST", "/functions/v1/runninghub-queue-manager/reconcile", Who::user, routes::queue_reconcile},
      {"GET", "/functions/v1/runninghub-queue-manager/status", Who::service, routes::queue_status},
      {"POST", "/functions/v1/runninghub-queue-manager/status", Who::service, routes::queue_status},
      {"POST", "/functions/v1/runninghub-queue-manager/*", Who::any_key, routes::queue_unknown},

      {"POST", "/ofrep/v1/evaluate/flags", Who::any_key, routes::ofrep_all_flags},
      {"POST", "/ofrep/v1/evaluate/flags/*", Who::any_key, routes::ofrep_flag},

      {"GET", "/rest/v1/*", Who::any_key, routes::rest_read},
      {"POST", "/rest/v1/*", Who::any_key, routes::rest_insert},
      {"POST", "/rest/v1/rpc/*", Who::any_key, routes::rest_rpc},

      // Named by the configuration of the tools, so they come last: whatever is not one of them is answered
      // 404 there.
      {"POST", "/functions/v1/*/run", Who::user, routes::tool_run},
      {"POST", "/functions/v1/*/upload", Who::user, routes::tool_upload, Takes::file},
      {"POST", "/functions/v1/*", Who::anybody, routes::webhook},
      {"POST", "/functions/v1/*/*", Who::anybody, routes::webhook},
  };
  return routes;
}

}  // namespace jobwatchdog
