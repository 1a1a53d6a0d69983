-- Both cancels: by the owner of the job, and by an administrator. Somebody else's job is answered like one that is not there.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.cancel_job(p_table_name text, p_job_id uuid, p_as_admin boolean, p_reason text DEFAULT NULL)
RETURNS TABLE (success boolean, refunded_amount integer, error_message text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_service CONSTANT boolean := watchdog.caller_is_service();
    v_user_id uuid;
    v_status text;
BEGIN
    success := false;
    refunded_amount := 0;
    IF p_as_admin AND NOT v_service AND NOT watchdog.caller_is_admin() THEN
        error_message := 'Only an administrator may cancel this job';
        RETURN NEXT;
        RETURN;
    END IF;
    -- The lock makes the answer true: without it a job could end between this look and the settlement.
    SELECT job.user_id, job.status INTO v_user_id, v_status FROM public.ai_jobs AS job
     WHERE job.tool = v_tool AND job.id = p_job_id AND (p_as_admin OR v_service OR job.user_id = watchdog.current_user_id())
       FOR UPDATE;
    IF NOT FOUND THEN
        error_message := 'Job not found';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT settled.refunded_amount INTO refunded_amount
      FROM watchdog.settle_jobs(p_table_name, ARRAY[p_job_id], pg_catalog.jsonb_build_object(
               'status', 'cancelled',
               'error_message', CASE WHEN p_as_admin THEN 'Cancelled by an administrator' ELSE 'Cancelled by the user' END
                                || COALESCE(': ' || pg_catalog.left(p_reason, 1000), ''))) AS settled;
    success := FOUND;
    IF success THEN
        PERFORM watchdog.write_audit(
            CASE WHEN p_as_admin THEN 'admin_cancel_job' ELSE 'user_cancel_ai_job' END,
            (SELECT known.table_name FROM watchdog.tools AS known WHERE known.tool = v_tool), p_job_id::text,
            pg_catalog.jsonb_build_object('status', v_status, 'user_id', v_user_id),
            pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                'status', 'cancelled', 'refunded_amount', refunded_amount, 'reason', p_reason)));
    ELSE
        refunded_amount := 0;
        error_message := 'Job is already ' || v_status;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION watchdog.cancel_job(text, uuid, boolean, text) IS 'Cancels an active job and refunds it. Asks who the caller is; the public shells add nothing.';
REVOKE ALL ON FUNCTION watchdog.cancel_job(text, uuid, boolean, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.cancel_job(text, uuid, boolean, text) TO authenticated, service_role;
