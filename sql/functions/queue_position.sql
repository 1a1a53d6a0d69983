-- The place of a waiting job in the queue of its account, computed: a stored one would be wrong as soon as another job leaves.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.queue_position(p_table_name text, p_job_id uuid) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT pg_catalog.count(*)::integer
              FROM watchdog.active_jobs AS own
              JOIN watchdog.active_jobs AS ahead
                ON ahead.account = own.account AND ahead.queued_at IS NOT NULL
               AND (ahead.queued_at, ahead.tool, ahead.job_id) <= (own.queued_at, own.tool, own.job_id)
             WHERE own.tool = watchdog.tool_of_table(p_table_name) AND own.job_id = p_job_id AND own.queued_at IS NOT NULL
            HAVING pg_catalog.count(*) > 0);
END
$$;
COMMENT ON FUNCTION watchdog.queue_position(text, uuid) IS '1 for the job that starts next, over all tools of its account; NULL for a job that does not wait.';
REVOKE ALL ON FUNCTION watchdog.queue_position(text, uuid) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.queue_position(text, uuid) TO service_role;
