-- A webhook is stored as it came and rings for a check of its job; whatever it says, the provider is asked. It finds its job by the
-- token of its address, also before anybody knows the task's id; without a token, by the id. The least rest between two checks
-- holds for it too, so that a flood of webhooks is not a flood of questions.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.receive_webhook(p_token text, p_task_id text, p_body text, p_peer text DEFAULT NULL)
RETURNS TABLE (outcome text, table_name text, job_id uuid, is_repeated boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
    v_token_hash CONSTANT bytea := pg_catalog.sha256(pg_catalog.convert_to(COALESCE(p_token, ''), 'UTF8'));
    v_body_hash CONSTANT bytea := pg_catalog.sha256(pg_catalog.convert_to(p_body, 'UTF8'));
    v_submission watchdog.submissions%ROWTYPE;
    v_status text;
BEGIN
    SELECT known.* INTO v_submission FROM watchdog.submissions AS known WHERE known.token_hash = v_token_hash;
    IF NOT FOUND AND p_token IS NULL AND p_task_id IS NOT NULL THEN
        SELECT known.* INTO v_submission FROM watchdog.submissions AS known WHERE known.task_id = p_task_id LIMIT 1;
    END IF;
    SELECT known.table_name, job.status INTO table_name, v_status
      FROM public.ai_jobs AS job JOIN watchdog.tools AS known ON known.tool = job.tool
     WHERE job.tool = v_submission.tool AND job.id = v_submission.job_id;
    job_id := v_submission.job_id;
    outcome := CASE
        WHEN v_submission.job_id IS NULL THEN 'unknown'
        WHEN p_task_id IS NULL THEN 'misshapen'
        WHEN v_submission.task_id <> p_task_id THEN 'forged'
        WHEN v_status IN ('completed', 'failed', 'cancelled') THEN 'late'
        WHEN v_submission.task_id IS NULL THEN 'early'
        ELSE 'rung' END;
    -- A late one first seen is one; the same that rang before stays what it was.
    INSERT INTO watchdog.webhook_inbox AS inbox (token_hash, body_hash, task_id, body, peer, tool, job_id, attempt, outcome)
    VALUES (v_token_hash, v_body_hash, p_task_id, pg_catalog.left(p_body, 65536), p_peer, v_submission.tool, v_submission.job_id,
            v_submission.attempt, outcome)
        ON CONFLICT (token_hash, body_hash) DO UPDATE SET seen_count = inbox.seen_count + 1, last_received_at = v_now
    RETURNING inbox.seen_count > 1 INTO is_repeated;
    -- Also of a job that is over: its task is to be cancelled, and nobody may know it yet.
    IF outcome IN ('early', 'late') THEN
        UPDATE watchdog.submissions AS known SET claimed_task_id = p_task_id
         WHERE known.token_hash = v_token_hash AND known.task_id IS NULL;
    END IF;
    IF outcome IN ('rung', 'early', 'forged', 'misshapen') THEN
        -- By the clock of this very moment: a ring that is dated before a lease which did not see it would pass as answered.
        UPDATE watchdog.active_jobs AS active
           SET rung_at = pg_catalog.clock_timestamp(),
               next_check_at = LEAST(active.next_check_at, GREATEST(v_now, active.leased_at + interval '2 seconds'))
         WHERE active.tool = v_submission.tool AND active.job_id = v_submission.job_id AND active.attempt = v_submission.attempt
           AND active.queued_at IS NULL;
    ELSIF outcome = 'late' THEN
        UPDATE watchdog.provider_slots AS slot SET next_check_at = LEAST(slot.next_check_at, v_now + interval '2 seconds')
         WHERE (slot.tool, slot.job_id, slot.attempt) = (v_submission.tool, v_submission.job_id, v_submission.attempt)
           AND slot.state = 'cancelling';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION watchdog.receive_webhook(text, text, text, text) IS
    'Stores a webhook and rings for its job: rung, early (its task is not known yet), late (the job is over), forged (another task), misshapen, unknown.';
REVOKE ALL ON FUNCTION watchdog.receive_webhook(text, text, text, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.receive_webhook(text, text, text, text) TO service_role;
