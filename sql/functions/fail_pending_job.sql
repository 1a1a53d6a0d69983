-- A page whose start request got lost may give its job up, but only while nobody has taken it: pending, and not a step further.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.fail_pending_job(p_table_name text, p_job_id uuid, p_error_message text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_may_touch_all CONSTANT boolean := watchdog.caller_is_service() OR watchdog.caller_is_admin();
BEGIN
    PERFORM job.id FROM public.ai_jobs AS job
     WHERE job.tool = v_tool AND job.id = p_job_id AND job.status = 'pending'
       AND (v_may_touch_all OR job.user_id = watchdog.current_user_id())
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM watchdog.settle_jobs(p_table_name, ARRAY[p_job_id], pg_catalog.jsonb_build_object(
        'status', 'failed', 'error_message', pg_catalog.left(COALESCE(p_error_message, 'Job was not started'), 1000))) AS settled);
END
$$;
COMMENT ON FUNCTION watchdog.fail_pending_job(text, uuid, text) IS 'Fails and refunds a job that is still pending, for its owner, an administrator or the service.';
REVOKE ALL ON FUNCTION watchdog.fail_pending_job(text, uuid, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.fail_pending_job(text, uuid, text) TO authenticated, service_role;
