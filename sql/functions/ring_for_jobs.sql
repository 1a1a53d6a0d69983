-- Somebody wants to know about jobs now: their checks come forward, as when a webhook rings. It says nothing about their outcome.
-- A job that was asked about within the rest is left alone, and so is one whose row somebody holds: it is being worked on.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.ring_for_jobs(p_tools text[], p_job_ids uuid[], p_rest interval) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT active.user_id
          FROM unnest(p_tools, p_job_ids) AS asked (tool, job_id)
          JOIN watchdog.active_jobs AS active ON active.tool = asked.tool AND active.job_id = asked.job_id
         WHERE active.queued_at IS NULL AND (active.leased_at IS NULL OR active.leased_at <= v_now - p_rest)
           FOR UPDATE OF active SKIP LOCKED)
    UPDATE watchdog.active_jobs AS active
       SET rung_at = pg_catalog.clock_timestamp(), next_check_at = LEAST(active.next_check_at, v_now)
     WHERE active.user_id = ANY (ARRAY(SELECT wanted.user_id FROM wanted))
    RETURNING active.job_id;
END
$$;
COMMENT ON FUNCTION watchdog.ring_for_jobs(text[], uuid[], interval) IS
    'Brings the checks of started jobs forward to now, unless one began within the rest. Gives the jobs that it rang for.';
REVOKE ALL ON FUNCTION watchdog.ring_for_jobs(text[], uuid[], interval) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.ring_for_jobs(text[], uuid[], interval) TO service_role;
