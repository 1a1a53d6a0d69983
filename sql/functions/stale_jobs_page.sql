-- One page of the stale jobs of a tool, locked, oldest first. Rows that somebody else works on are passed over.
-- Limit of judging by age alone: a slow but healthy job that has a provider task is taken for dead at
-- hard_deadline_after. Raise that interval in watchdog.tools for a slow tool; the binary asks the provider first.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.stale_jobs_page(
    p_tool text, p_after timestamptz, p_after_id uuid, p_isolated_before timestamptz, p_row_count_max integer)
RETURNS TABLE (id uuid, age_from timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_known watchdog.tools%ROWTYPE;
    -- Read once into a variable: a volatile function in the condition could not use the index.
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    SELECT known.* INTO STRICT v_known FROM watchdog.tools AS known WHERE known.tool = p_tool;
    RETURN QUERY
    SELECT job.id, COALESCE(job.started_at, job.queued_at, job.created_at)
      FROM public.ai_jobs AS job
     WHERE job.tool = p_tool AND job.status IN ('queued', 'starting', 'running')
       AND COALESCE(job.started_at, job.queued_at, job.created_at)
           < v_now - LEAST(v_known.queued_stale_after, v_known.stale_after, v_known.hard_deadline_after)
       AND (COALESCE(job.started_at, job.queued_at, job.created_at), job.id) > (p_after, p_after_id)
       AND COALESCE(job.started_at, job.queued_at, job.created_at) < v_now - CASE
               WHEN job.task_id IS NOT NULL THEN v_known.hard_deadline_after
               WHEN job.status = 'queued' THEN v_known.queued_stale_after
               ELSE v_known.stale_after END
       AND (p_isolated_before IS NOT NULL) = EXISTS (
               SELECT FROM watchdog.isolated_rows AS bad
                WHERE bad.rule_name = 'stale-ai-jobs' AND bad.table_name = v_known.table_name AND bad.record_id = job.id::text
                  AND (p_isolated_before IS NULL OR bad.last_seen_at < p_isolated_before))
     ORDER BY COALESCE(job.started_at, job.queued_at, job.created_at), job.id
     LIMIT p_row_count_max
       FOR UPDATE OF job SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION watchdog.stale_jobs_page(text, timestamptz, uuid, timestamptz, integer) IS
    'Locks and returns stale jobs of one tool after a given place: those never isolated, or, with a time, those last isolated before it.';
REVOKE ALL ON FUNCTION watchdog.stale_jobs_page(text, timestamptz, uuid, timestamptz, integer) FROM PUBLIC, anon, authenticated, service_role;
