-- Trigger of public.ai_jobs: news on the channel watchdog_jobs, "tool/id", with "+" before a new job. It says nothing but which job:
-- who may see it, and what it is now, whoever listens reads.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.tell_of_job() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('watchdog_jobs', CASE WHEN TG_OP = 'INSERT' THEN '+' ELSE '' END || NEW.tool || '/' || NEW.id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION watchdog.tell_of_job() IS 'Trigger: tells who listens on watchdog_jobs which job was written.';
REVOKE ALL ON FUNCTION watchdog.tell_of_job() FROM PUBLIC, anon, authenticated, service_role;
