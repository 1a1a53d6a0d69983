-- All that is known of one job, in the order in which it happened: decisions, submissions, money, webhooks, and the batches that
-- settled it together with others.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.job_timeline(p_tool text, p_job_id uuid)
RETURNS TABLE (happened_at timestamptz, what text, who text, detail jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_job public.ai_jobs%ROWTYPE;
    v_table_name CONSTANT text := (SELECT known.table_name FROM watchdog.tools AS known WHERE known.tool = p_tool);
BEGIN
    SELECT job.* INTO v_job FROM public.ai_jobs AS job WHERE job.tool = p_tool AND job.id = p_job_id;
    RETURN QUERY
    SELECT told.created_at, told.what, told.who, told.detail FROM (
        SELECT v_job.created_at, 'created' AS what, v_job.user_id::text AS who,
               pg_catalog.jsonb_build_object('credit_cost', v_job.user_credit_cost) AS detail, 0 AS place
         WHERE v_job.id IS NOT NULL
         UNION ALL
        SELECT audit.created_at, audit.action, audit.actor,
               pg_catalog.jsonb_strip_nulls(COALESCE(audit.new_data, '{}') || pg_catalog.jsonb_build_object('before', audit.old_data)), 2
          FROM public.audit_log AS audit
         WHERE audit.table_name IN (v_table_name, 'public.' || v_table_name) AND audit.record_id = p_job_id::text
         UNION ALL
        -- A batch is written in the transaction that settles its jobs.
        SELECT audit.created_at, audit.action, audit.actor, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'rule', audit.new_data ->> 'rule', 'status', audit.new_data ->> 'status',
                   'refunded_amount', audit.new_data -> 'refunds' -> p_job_id::text,
                   'before', (SELECT seen.value FROM pg_catalog.jsonb_array_elements(audit.old_data -> 'rows') AS seen
                               WHERE seen.value ->> 'id' = p_job_id::text))), 2
          FROM public.audit_log AS audit
         WHERE audit.record_id IS NULL AND audit.action IN ('sweep', 'cleanup_all_stale_ai_jobs')
           AND audit.created_at BETWEEN v_job.completed_at - interval '5 minutes' AND v_job.completed_at + interval '5 minutes'
           AND (audit.new_data -> 'ids' ? p_job_id::text
                OR EXISTS (SELECT FROM pg_catalog.jsonb_array_elements(audit.new_data -> 'tables') AS one_table
                            WHERE one_table.value -> 'ids' ? p_job_id::text))
         UNION ALL
        SELECT entry.created_at, 'credits: ' || entry.kind, entry.user_id::text,
               pg_catalog.jsonb_build_object('amount', entry.amount, 'description', entry.description), 1
          FROM watchdog.credit_ledger AS entry WHERE entry.tool = p_tool AND entry.job_id = p_job_id
         UNION ALL
        SELECT inbox.received_at, 'webhook: ' || inbox.outcome, COALESCE(inbox.peer, 'provider'),
               pg_catalog.jsonb_build_object('task_id', inbox.task_id, 'attempt', inbox.attempt, 'seen_count', inbox.seen_count,
                                             'body', pg_catalog.left(inbox.body, 300)), 1
          FROM watchdog.webhook_inbox AS inbox WHERE inbox.tool = p_tool AND inbox.job_id = p_job_id
         UNION ALL
        SELECT active.leased_at, 'checked', COALESCE(active.lease_owner, 'reconciler'), pg_catalog.jsonb_strip_nulls(
                   pg_catalog.jsonb_build_object('check_count', active.check_count, 'last_verdict', active.last_verdict,
                                                 'next_check_at', active.next_check_at)), 3
          FROM watchdog.active_jobs AS active
         WHERE active.tool = p_tool AND active.job_id = p_job_id AND active.check_count > 0
         UNION ALL
        SELECT orphan.noted_at, 'orphan noted', 'watchdog', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                   'task_id', orphan.task_id, 'reason', orphan.reason, 'ended_at', orphan.ended_at, 'verdict', orphan.end_verdict)), 3
          FROM watchdog.orphan_tasks AS orphan WHERE orphan.tool = p_tool AND orphan.job_id = p_job_id) AS told
     ORDER BY told.created_at, told.place;
END
$$;
COMMENT ON FUNCTION watchdog.job_timeline(text, uuid) IS 'What happened to a job: when, what, who, and the facts of it.';
REVOKE ALL ON FUNCTION watchdog.job_timeline(text, uuid) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.job_timeline(text, uuid) TO service_role;
