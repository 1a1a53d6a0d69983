-- Jobs as one caller may see them, for pages that ask about them all the time: by name of table and id, in the order asked. Planned
-- once a session: planning it takes three times as long as reading a job.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.look_at_jobs(p_table_names text[], p_job_ids uuid[], p_user_id uuid)
RETURNS TABLE (asked_table text, tool text, table_name text, job_id uuid, user_id uuid, status text, task_id text, account text, output_url text,
               error_message text, last_verdict text, check_count integer, "position" bigint, total_queued bigint, free_slots bigint,
               server_now text, deadline_at text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET jit = 'off'
AS $$
BEGIN
    RETURN QUERY
    SELECT asked.table_name, known.tool, known.table_name, job.id, job.user_id, job.status, job.task_id, COALESCE(job.api_account, known.account),
           job.output_url, job.error_message, active.last_verdict, active.check_count,
           CASE WHEN active.queued_at IS NOT NULL THEN (
               SELECT pg_catalog.count(*) FROM watchdog.active_jobs AS ahead
                WHERE ahead.account = active.account AND ahead.queued_at IS NOT NULL
                  AND (ahead.queued_at, ahead.tool, ahead.job_id) <= (active.queued_at, active.tool, active.job_id)) END,
           CASE WHEN active.queued_at IS NOT NULL THEN (
               SELECT pg_catalog.count(*) FROM watchdog.active_jobs AS waiting
                WHERE waiting.account = active.account AND waiting.queued_at IS NOT NULL) END,
           CASE WHEN active.queued_at IS NOT NULL THEN (
               SELECT pg_catalog.count(*) FROM watchdog.provider_slots AS slot WHERE slot.account = active.account AND slot.state = 'free') END,
           pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           CASE WHEN job.status NOT IN ('completed', 'failed', 'cancelled') THEN
               pg_catalog.to_char(COALESCE(active.deadline_at, COALESCE(job.started_at, job.queued_at, job.created_at) + known.hard_deadline_after)
                                  AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END
      FROM unnest(p_table_names, p_job_ids) WITH ORDINALITY AS asked (table_name, job_id, place)
      LEFT JOIN watchdog.tools AS known ON asked.table_name IN (known.table_name, 'public.' || known.table_name)
      LEFT JOIN LATERAL (SELECT own.* FROM public.ai_jobs AS own
                          WHERE own.tool = known.tool AND own.id = asked.job_id
                            AND (p_user_id IS NULL OR own.user_id = p_user_id OR watchdog.user_has_role(p_user_id, 'admin')) LIMIT 1) AS job
        ON true
      LEFT JOIN LATERAL (SELECT own.* FROM watchdog.active_jobs AS own WHERE own.user_id = job.user_id AND own.tool = job.tool AND own.job_id = job.id) AS active ON true
     ORDER BY asked.place;
END
$$;
COMMENT ON FUNCTION watchdog.look_at_jobs(text[], uuid[], uuid) IS
    'The jobs of these names that a user may see (NULL: all), one row a name; without a tool when no tool has the table, without a job when there is none to see.';
REVOKE ALL ON FUNCTION watchdog.look_at_jobs(text[], uuid[], uuid) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.look_at_jobs(text[], uuid[], uuid) TO service_role;
