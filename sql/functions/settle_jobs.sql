-- THE one way into a terminal state for callers that name jobs: every cancel, a worker that reports, the reconciler.
-- Locks the jobs in one order, so that two callers who name the same ones cannot deadlock as long as each settles one
-- table per transaction; then settle_locked_jobs does the work.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_jobs(p_table_name text, p_keys uuid[], p_set jsonb)
RETURNS TABLE (key uuid, refunded_amount integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_movable_from CONSTANT text[] := watchdog.movable_from(p_set ->> 'status');
BEGIN
    PERFORM job.id FROM public.ai_jobs AS job
      WHERE job.tool = v_tool AND job.id = ANY (p_keys) AND job.status = ANY (v_movable_from)
      ORDER BY job.id FOR UPDATE;
    RETURN QUERY SELECT settled.key, settled.refunded_amount FROM watchdog.settle_locked_jobs(p_table_name, p_keys, p_set) AS settled;
END
$$;
COMMENT ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) IS
    'Moves active jobs of one table to completed, failed or cancelled and refunds what was charged. Returns the jobs it settled; a second call returns none.';
REVOKE ALL ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) TO service_role;
