-- Runs both cleanups every five minutes inside PostgreSQL, without the binary. Safe to run again: jobs are kept by name.
-- Run it in the database that cron.database_name names, as the owner of the schema. It holds no token and opens no port.
-- Another database of the cluster: from that database cron.schedule_in_database(name, schedule, command, 'app').
SELECT cron.schedule('jobwatchdog-stale-ai-jobs', '*/5 * * * *', 'SELECT * FROM public.cleanup_all_stale_ai_jobs()');
SELECT cron.schedule('jobwatchdog-stuck-exams', '*/5 * * * *', 'SELECT * FROM public.cleanup_stuck_analyzing_exams()');

-- pg_cron never prunes its history.
SELECT cron.schedule('jobwatchdog-prune-cron-history', '17 3 * * *',
    $$DELETE FROM cron.job_run_details WHERE start_time < pg_catalog.now() - interval '7 days'$$);

-- Monitoring: our jobs, whether they are active, their last run and how many runs failed in the last day. A job is in
-- trouble when it is not active, has not run for ten minutes, or failed. "succeeded" says that the call returned: what
-- it could not settle stands in watchdog.isolated_rows.
SELECT job.jobname, job.schedule, job.active,
       pg_catalog.max(run.start_time) AS last_run_at,
       pg_catalog.max(run.end_time) FILTER (WHERE run.status = 'succeeded') AS last_success_at,
       pg_catalog.count(*) FILTER (WHERE run.status = 'failed' AND run.start_time > pg_catalog.now() - interval '1 day') AS failed_count_last_day
  FROM cron.job AS job
  LEFT JOIN cron.job_run_details AS run ON run.jobid = job.jobid
 WHERE job.jobname LIKE 'jobwatchdog-%'
 GROUP BY job.jobid, job.jobname, job.schedule, job.active
 ORDER BY job.jobname;

-- Monitoring: the last failures, with what PostgreSQL said.
SELECT job.jobname, run.start_time, run.end_time, run.return_message
  FROM cron.job_run_details AS run
  JOIN cron.job AS job ON job.jobid = run.jobid
 WHERE job.jobname LIKE 'jobwatchdog-%' AND run.status = 'failed'
 ORDER BY run.start_time DESC
 LIMIT 20;

-- Monitoring: rows that no run can settle until somebody repairs them.
SELECT bad.rule_name, bad.table_name, bad.record_id, bad.sqlstate, bad.reason, bad.seen_count, bad.last_seen_at
  FROM watchdog.isolated_rows AS bad
 ORDER BY bad.last_seen_at DESC
 LIMIT 20;

-- To stop: SELECT cron.unschedule(jobname) FROM cron.job WHERE jobname LIKE 'jobwatchdog-%';
