-- The settlement for whoever knows how single attempts ended: the reconciler by the provider's word, or by the hard deadline.
-- Each job is settled only if it is still in the attempt and the state that were seen: one that went back to the queue meanwhile
-- bears the same attempt until it is claimed again. The evidence is left in the same transaction.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_attempts(p_owner text, p_rows jsonb)
RETURNS TABLE (tool text, job_id uuid, attempt integer, status text, refunded_amount integer, webhook_was_heard boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_group record;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.jsonb_to_recordset(p_rows) AS wanted (tool text, job_id uuid, attempt integer)
                GROUP BY wanted.tool, wanted.job_id HAVING pg_catalog.count(*) > 1 OR pg_catalog.bool_or(wanted.attempt IS NULL)) THEN
        RAISE EXCEPTION 'each job is to be named once, with its attempt' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM job.id FROM public.ai_jobs AS job
       JOIN pg_catalog.jsonb_to_recordset(p_rows) AS wanted (tool text, job_id uuid) ON wanted.tool = job.tool AND wanted.job_id = job.id
      ORDER BY job.tool, job.id FOR UPDATE OF job;
    FOR v_group IN
        SELECT wanted.tool, known.table_name, wanted.status, wanted.task_has_ended, pg_catalog.array_agg(wanted.job_id) AS job_ids,
               pg_catalog.array_agg(wanted.attempt) AS attempts, pg_catalog.array_agg(wanted.output_url) AS output_urls,
               pg_catalog.array_agg(wanted.error_message) AS error_messages
          FROM pg_catalog.jsonb_to_recordset(p_rows) AS wanted (
                   tool text, job_id uuid, attempt integer, status text, output_url text, error_message text, task_has_ended boolean,
                   seen_status text)
          JOIN watchdog.tools AS known ON known.tool = wanted.tool
         CROSS JOIN LATERAL (SELECT FROM public.ai_jobs AS job
                              WHERE job.tool = wanted.tool AND job.id = wanted.job_id AND job.status = wanted.seen_status LIMIT 1) AS seen
         GROUP BY wanted.tool, known.table_name, wanted.status, wanted.task_has_ended
         ORDER BY wanted.tool, wanted.status, wanted.task_has_ended
    LOOP
        RETURN QUERY
        WITH settled AS MATERIALIZED (
            SELECT done.key, done.refunded_amount FROM watchdog.settle_locked_jobs(
                v_group.table_name, v_group.job_ids, pg_catalog.jsonb_build_object('status', v_group.status),
                v_group.attempts, v_group.output_urls, v_group.error_messages, v_group.task_has_ended) AS done),
        confirmed AS (
            UPDATE watchdog.submissions AS submission SET task_ended_at = pg_catalog.clock_timestamp()
              FROM settled JOIN unnest(v_group.job_ids, v_group.attempts) AS place (job_id, attempt) ON place.job_id = settled.key
             WHERE (submission.tool, submission.job_id, submission.attempt) = (v_group.tool, place.job_id, place.attempt)
               AND v_group.task_has_ended),
        told AS (
            INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
            SELECT 'settle_attempts', v_group.table_name, wanted.job_id::text,
                   pg_catalog.jsonb_build_object('status', wanted.seen_status, 'attempt', wanted.attempt, 'task_id', wanted.task_id),
                   pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                       'status', v_group.status, 'refunded_amount', settled.refunded_amount, 'reason', wanted.reason,
                       'provider', wanted.words)), p_owner
              FROM settled
              JOIN pg_catalog.jsonb_to_recordset(p_rows) AS wanted (
                       tool text, job_id uuid, attempt integer, seen_status text, task_id text, reason text, words jsonb)
                ON wanted.tool = v_group.tool AND wanted.job_id = settled.key)
        SELECT v_group.tool, settled.key, place.attempt, v_group.status, settled.refunded_amount,
               EXISTS (SELECT FROM watchdog.webhook_inbox AS heard WHERE heard.job_id = settled.key AND heard.outcome IN ('rung', 'early'))
          FROM settled JOIN unnest(v_group.job_ids, v_group.attempts) AS place (job_id, attempt) ON place.job_id = settled.key;
    END LOOP;
END
$$;
COMMENT ON FUNCTION watchdog.settle_attempts(text, jsonb) IS
    'Settles [{tool, job_id, attempt, status, output_url, error_message, task_has_ended, seen_status, task_id, reason, words}]; a job in another attempt or state is left out of the answer.';
REVOKE ALL ON FUNCTION watchdog.settle_attempts(text, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.settle_attempts(text, jsonb) TO service_role;
