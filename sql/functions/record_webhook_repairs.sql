-- A job that was settled without its webhook: what the provider says became of it. Evidence only; a webhook that arrived in the
-- meantime was no loss.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.record_webhook_repairs(p_owner text, p_rows jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_repaired_count integer;
BEGIN
    INSERT INTO public.audit_log (action, table_name, record_id, new_data, actor)
    SELECT 'webhook_repaired', known.table_name, lost.job_id::text,
           pg_catalog.jsonb_build_object('attempt', lost.attempt, 'task_id', lost.task_id, 'provider', lost.words), p_owner
      FROM pg_catalog.jsonb_to_recordset(p_rows) AS lost (tool text, job_id uuid, attempt integer, task_id text, words jsonb)
      JOIN watchdog.tools AS known ON known.tool = lost.tool
     WHERE NOT EXISTS (SELECT FROM watchdog.webhook_inbox AS heard
                        WHERE heard.job_id = lost.job_id AND heard.tool = lost.tool AND heard.task_id = lost.task_id
                          AND heard.outcome IN ('rung', 'early', 'late'));
    GET DIAGNOSTICS v_repaired_count = ROW_COUNT;
    RETURN v_repaired_count;
END
$$;
COMMENT ON FUNCTION watchdog.record_webhook_repairs(text, jsonb) IS
    'Leaves evidence for [{tool, job_id, attempt, task_id, words}] settled although no webhook of the task was heard. Returns how many were so.';
REVOKE ALL ON FUNCTION watchdog.record_webhook_repairs(text, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.record_webhook_repairs(text, jsonb) TO service_role;
