-- What became of calls that should start tasks: accepted jobs run, those without room go back to the tail of the queue, refused
-- ones fail and are refunded, doubtful ones are held until somebody finds out. A job that ended in between stays as it is; its
-- task is remembered so that it is cancelled, and where no task can exist its slot is free at once.
-- Locks: jobs by (tool, id), submissions, slots, active_jobs, then as the settlement. An answer is recorded once: a second
-- telling finds its submission answered. The lease of another node, which asks about the job meanwhile, stays with it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.record_submissions(p_owner text, p_answers jsonb, p_first_check_after interval)
RETURNS TABLE (tool text, job_id uuid, attempt integer, became text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now timestamptz;
    v_told jsonb;
    v_refused record;
BEGIN
    PERFORM job.id FROM public.ai_jobs AS job
       JOIN pg_catalog.jsonb_to_recordset(p_answers) AS answer (tool text, job_id uuid) ON answer.tool = job.tool AND answer.job_id = job.id
      ORDER BY job.tool, job.id FOR UPDATE OF job;
    -- After the wait: who goes back to the queue comes behind those who entered it meanwhile.
    v_now := pg_catalog.clock_timestamp();
    WITH recorded AS (
        UPDATE watchdog.submissions AS submission
           SET answered_at = v_now, outcome = answer.outcome, task_id = answer.task_id
          FROM pg_catalog.jsonb_to_recordset(p_answers) AS answer (tool text, job_id uuid, attempt integer, outcome text, task_id text)
         WHERE (submission.tool, submission.job_id, submission.attempt) = (answer.tool, answer.job_id, answer.attempt)
           AND submission.outcome IN ('open', 'unknown')
     RETURNING submission.tool, submission.job_id, submission.attempt)
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'tool', answer.tool, 'table_name', known.table_name, 'job_id', answer.job_id, 'attempt', answer.attempt,
               'outcome', answer.outcome, 'task_id', answer.task_id, 'account', job.api_account, 'message', answer.message,
               'words', answer.words, 'pause_ms', answer.pause_ms, 'became', CASE
                   WHEN job.status <> 'starting' OR job.attempt <> answer.attempt THEN 'ended'
                   WHEN answer.outcome = 'accepted' THEN 'running'
                   WHEN answer.outcome = 'unknown' THEN 'held'
                   WHEN answer.outcome = 'refused' OR answer.attempt >= known.attempts_max THEN 'failed'
                   ELSE 'queued' END))
      INTO v_told
      FROM recorded
      JOIN pg_catalog.jsonb_to_recordset(p_answers) AS answer (
               tool text, job_id uuid, attempt integer, outcome text, task_id text, message text, words jsonb, pause_ms bigint)
        ON (answer.tool, answer.job_id, answer.attempt) = (recorded.tool, recorded.job_id, recorded.attempt)
      JOIN watchdog.tools AS known ON known.tool = answer.tool
     CROSS JOIN LATERAL (SELECT held.status, held.attempt, held.api_account FROM public.ai_jobs AS held
                          WHERE held.tool = answer.tool AND held.id = answer.job_id LIMIT 1) AS job;
    IF v_told IS NULL THEN
        RETURN;
    END IF;

    UPDATE public.ai_jobs AS job
       SET status = CASE told.became WHEN 'ended' THEN job.status ELSE told.became END, updated_at = v_now,
           task_id = COALESCE(told.task_id, job.task_id),
           queued_at = CASE told.became WHEN 'queued' THEN v_now ELSE job.queued_at END,
           started_at = CASE told.became WHEN 'queued' THEN NULL ELSE job.started_at END
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, task_id text, became text)
     WHERE job.tool = told.tool AND job.id = told.job_id AND job.attempt = told.attempt
       AND (told.became IN ('running', 'queued') OR (told.became = 'ended' AND told.task_id IS NOT NULL));
    -- Without a task the unit of capacity is free, whatever became of the job.
    UPDATE watchdog.provider_slots AS slot
       SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL,
           next_check_at = NULL, lease_until = NULL, lease_owner = NULL, check_count = 0, changed_at = v_now
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, outcome text, became text)
     WHERE (slot.tool, slot.job_id, slot.attempt) = (told.tool, told.job_id, told.attempt)
       AND told.outcome IN ('no_capacity', 'not_sent', 'refused') AND told.became IN ('queued', 'ended');
    UPDATE watchdog.provider_slots AS slot
       SET task_id = told.task_id, next_check_at = CASE slot.state WHEN 'cancelling' THEN v_now ELSE slot.next_check_at END
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, task_id text)
     WHERE (slot.tool, slot.job_id, slot.attempt) = (told.tool, told.job_id, told.attempt) AND told.task_id IS NOT NULL;
    UPDATE watchdog.active_jobs AS active
       SET lease_owner = CASE WHEN told.became <> 'queued' AND active.lease_owner <> p_owner THEN active.lease_owner END,
           lease_until = CASE WHEN told.became <> 'queued' AND active.lease_owner <> p_owner THEN active.lease_until END,
           queued_at = CASE told.became WHEN 'queued' THEN v_now END,
           next_check_at = CASE WHEN active.rung_at IS NOT NULL THEN v_now ELSE v_now + p_first_check_after END
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, became text)
     WHERE (active.tool, active.job_id, active.attempt) = (told.tool, told.job_id, told.attempt)
       AND told.became IN ('running', 'queued', 'held');

    -- A task whose job ended and whose slot was given away meanwhile is an orphan; where there is no task, there is none.
    INSERT INTO watchdog.orphan_tasks AS orphan (tool, job_id, attempt, account, task_id, reason)
    SELECT told.tool, told.job_id, told.attempt, told.account, told.task_id, 'it was accepted after its job had ended'
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, account text, task_id text, became text)
     WHERE told.became = 'ended' AND told.task_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM watchdog.provider_slots AS slot
                        WHERE (slot.tool, slot.job_id, slot.attempt) = (told.tool, told.job_id, told.attempt))
        ON CONFLICT ON CONSTRAINT orphan_tasks_pkey DO UPDATE SET task_id = excluded.task_id, next_check_at = v_now;
    UPDATE watchdog.orphan_tasks AS orphan SET ended_at = v_now, end_verdict = told.outcome
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, outcome text)
     WHERE (orphan.tool, orphan.job_id, orphan.attempt) = (told.tool, told.job_id, told.attempt) AND orphan.ended_at IS NULL
       AND told.outcome IN ('no_capacity', 'not_sent', 'refused');

    FOR v_refused IN
        SELECT told.table_name, pg_catalog.array_agg(told.job_id) AS job_ids, pg_catalog.array_agg(told.attempt) AS attempts,
               pg_catalog.array_agg(COALESCE(told.message, 'The provider did not accept the task')) AS messages
          FROM pg_catalog.jsonb_to_recordset(v_told) AS told (table_name text, job_id uuid, attempt integer, message text, became text)
         WHERE told.became = 'failed' GROUP BY told.table_name ORDER BY told.table_name
    LOOP
        PERFORM watchdog.settle_locked_jobs(v_refused.table_name, v_refused.job_ids, '{"status": "failed"}', v_refused.attempts,
                                            NULL, v_refused.messages, true);
    END LOOP;

    UPDATE watchdog.runninghub_accounts AS known
       SET submits_paused_until = pause.until, pause_reason = pause.reason
      FROM (SELECT told.account, v_now + pg_catalog.max(told.pause_ms) * interval '1 ms' AS until,
                     COALESCE(pg_catalog.max(told.message), pg_catalog.max(told.outcome)) AS reason
              FROM pg_catalog.jsonb_to_recordset(v_told) AS told (
                     account text, outcome text, message text, pause_ms bigint)
             WHERE told.pause_ms > 0 GROUP BY told.account) AS pause
     WHERE known.account = pause.account AND COALESCE(known.submits_paused_until, '-infinity') < pause.until;
    INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
    SELECT 'submission', told.table_name, told.job_id::text, pg_catalog.jsonb_build_object('attempt', told.attempt),
           pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
               'outcome', told.outcome, 'status', told.became, 'task_id', told.task_id, 'reason', told.message, 'provider', told.words)),
           p_owner
      FROM pg_catalog.jsonb_to_recordset(v_told) AS told (
               table_name text, job_id uuid, attempt integer, outcome text, task_id text, message text, words jsonb, became text);
    RETURN QUERY SELECT told.tool, told.job_id, told.attempt, told.became
                   FROM pg_catalog.jsonb_to_recordset(v_told) AS told (tool text, job_id uuid, attempt integer, became text);
END
$$;
COMMENT ON FUNCTION watchdog.record_submissions(text, jsonb, interval) IS
    'Records answers [{tool, job_id, attempt, outcome, task_id, message, words, pause_ms}] to submits. Each job became running, queued, failed, held, or had ended.';
REVOKE ALL ON FUNCTION watchdog.record_submissions(text, jsonb, interval) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.record_submissions(text, jsonb, interval) TO service_role;
