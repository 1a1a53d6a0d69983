-- Checks that ended nothing: the task lives, or the provider gave no usable answer. Moves no money and no state, only the time of
-- the next check; a webhook that rang while the provider was being asked makes it soon, but never sooner than the least rest.
-- Locks: jobs by (tool, id), active_jobs. A settlement of the same jobs takes away their rows in an order of its own.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.record_checks(p_owner text, p_checks jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now timestamptz;
    v_recorded_count integer;
BEGIN
    PERFORM job.id FROM public.ai_jobs AS job
       JOIN pg_catalog.jsonb_to_recordset(p_checks) AS checked (tool text, job_id uuid) ON checked.tool = job.tool AND checked.job_id = job.id
      ORDER BY job.tool, job.id FOR UPDATE OF job;
    v_now := pg_catalog.clock_timestamp();
    UPDATE watchdog.active_jobs AS active
       SET next_check_at = CASE WHEN active.rung_at > active.leased_at THEN v_now + interval '2 seconds'
                                ELSE v_now + checked.next_check_ms * interval '1 ms' END,
           lease_owner = NULL, lease_until = NULL, rung_at = CASE WHEN active.rung_at > active.leased_at THEN active.rung_at END,
           seen_at = CASE WHEN checked.is_alive THEN v_now ELSE active.seen_at END,
           check_count = active.check_count + 1, last_verdict = checked.verdict, watch = checked.watch
      FROM pg_catalog.jsonb_to_recordset(p_checks) AS checked (
               tool text, job_id uuid, attempt integer, next_check_ms bigint, is_alive boolean, verdict text, watch jsonb)
     WHERE (active.tool, active.job_id, active.attempt) = (checked.tool, checked.job_id, checked.attempt)
       AND active.lease_owner = p_owner;
    GET DIAGNOSTICS v_recorded_count = ROW_COUNT;
    RETURN v_recorded_count;
END
$$;
COMMENT ON FUNCTION watchdog.record_checks(text, jsonb) IS
    'Gives leased jobs back with their next check: [{tool, job_id, attempt, next_check_ms, is_alive, verdict, watch}]. Returns how many were still leased.';
REVOKE ALL ON FUNCTION watchdog.record_checks(text, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.record_checks(text, jsonb) TO service_role;
