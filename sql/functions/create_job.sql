-- A server makes a job for a user. Pages may insert the row themselves; row level security then lets them set as little as this.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.create_job(
    p_table_name text, p_user_id uuid, p_payload jsonb, p_credit_cost integer, p_session_id text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_job_id uuid;
BEGIN
    INSERT INTO public.ai_jobs (tool, user_id, payload, user_credit_cost, session_id)
    VALUES (watchdog.tool_of_table(p_table_name), p_user_id, p_payload, p_credit_cost, p_session_id)
    RETURNING id INTO v_job_id;
    RETURN v_job_id;
END
$$;
COMMENT ON FUNCTION watchdog.create_job(text, uuid, jsonb, integer, text) IS 'Makes a pending job: nothing is charged, nothing is admitted. start_job goes on.';
REVOKE ALL ON FUNCTION watchdog.create_job(text, uuid, jsonb, integer, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.create_job(text, uuid, jsonb, integer, text) TO service_role;
