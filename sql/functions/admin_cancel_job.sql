-- An administrator cancels any job. A shell, so that no SECURITY DEFINER function stands in an exposed schema.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.admin_cancel_job(p_table_name text, p_job_id uuid)
RETURNS TABLE (success boolean, refunded_amount integer, error_message text)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN QUERY SELECT answer.success, answer.refunded_amount, answer.error_message
                   FROM watchdog.cancel_job(p_table_name, p_job_id, true) AS answer;
END
$$;
COMMENT ON FUNCTION public.admin_cancel_job(text, uuid) IS 'Cancels any job and gives its credits back. For administrators.';
REVOKE ALL ON FUNCTION public.admin_cancel_job(text, uuid) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.admin_cancel_job(text, uuid) TO authenticated, service_role;
