-- The name that pages call for a job that never started. A shell, so that no SECURITY DEFINER function stands in an exposed schema.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.mark_pending_job_as_failed(p_table_name text, p_job_id uuid, p_error_message text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN watchdog.fail_pending_job(p_table_name, p_job_id, p_error_message);
END
$$;
COMMENT ON FUNCTION public.mark_pending_job_as_failed(text, uuid, text) IS 'Fails a job that is still pending. True only when it changed the job.';
REVOKE ALL ON FUNCTION public.mark_pending_job_as_failed(text, uuid, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.mark_pending_job_as_failed(text, uuid, text) TO authenticated, service_role;
