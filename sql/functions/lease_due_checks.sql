-- The jobs about which the provider is to be asked now, each given to one node for a while. A node that dies keeps them no
-- longer than its lease. Reads active_jobs, which holds the jobs at work and nothing else.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.lease_due_checks(p_owner text, p_row_count_max integer, p_lease interval)
RETURNS TABLE (tool text, table_name text, job_id uuid, attempt integer, account text, status text, task_id text, claimed_task_id text,
               submission text, started_at_ms bigint, deadline_at_ms bigint, now_ms bigint, was_rung boolean, watch jsonb,
               token_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT active.user_id FROM watchdog.active_jobs AS active
         WHERE active.queued_at IS NULL AND active.next_check_at <= v_now
           AND (active.lease_until IS NULL OR active.lease_until <= v_now)
         ORDER BY active.next_check_at, active.user_id LIMIT p_row_count_max
           FOR UPDATE SKIP LOCKED),
    leased AS (
        UPDATE watchdog.active_jobs AS active
           SET lease_owner = p_owner, leased_at = v_now, lease_until = v_now + p_lease
         WHERE active.user_id = ANY (ARRAY(SELECT due.user_id FROM due))
     RETURNING active.*)
    SELECT leased.tool, known.table_name, leased.job_id, leased.attempt, leased.account, job.status, job.task_id,
           submission.claimed_task_id, submission.outcome,
           (EXTRACT(epoch FROM COALESCE(job.started_at, job.created_at)) * 1000)::bigint,
           (EXTRACT(epoch FROM COALESCE(leased.deadline_at, COALESCE(job.started_at, job.created_at) + known.hard_deadline_after)) * 1000)::bigint,
           (EXTRACT(epoch FROM v_now) * 1000)::bigint, leased.rung_at IS NOT NULL, leased.watch,
           submission.token_hash
      FROM leased
      JOIN watchdog.tools AS known ON known.tool = leased.tool
     CROSS JOIN LATERAL (SELECT work.status, work.task_id, work.started_at, work.created_at FROM public.ai_jobs AS work
                          WHERE work.tool = leased.tool AND work.id = leased.job_id AND work.status IN ('starting', 'running') LIMIT 1) AS job
      LEFT JOIN LATERAL (SELECT sent.claimed_task_id, sent.outcome, sent.token_hash FROM watchdog.submissions AS sent
                          WHERE sent.tool = leased.tool AND sent.job_id = leased.job_id AND sent.attempt = leased.attempt LIMIT 1) AS submission
        ON true;
END
$$;
COMMENT ON FUNCTION watchdog.lease_due_checks(text, integer, interval) IS
    'Gives a node the jobs whose next check is due and which no other node holds, with the facts that the decision needs.';
REVOKE ALL ON FUNCTION watchdog.lease_due_checks(text, integer, interval) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.lease_due_checks(text, integer, interval) TO service_role;
