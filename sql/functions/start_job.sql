-- Charge and admission, in one transaction: a pending job of a user who has no other and can pay gets into the queue.
-- A second click finds it there and changes nothing. Locks: job, active_jobs, balance, ledger; the ledger's key can only be
-- wanted by whoever holds the job, so it may come after the balance, which alone can say no.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.start_job(p_table_name text, p_job_id uuid, p_user_id uuid DEFAULT NULL)
RETURNS TABLE (outcome text, charged integer, balance integer, active_table text, active_job_id uuid, active_status text, problem text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_account CONSTANT text := (SELECT known.account FROM watchdog.tools AS known WHERE known.tool = v_tool);
    v_job public.ai_jobs%ROWTYPE;
    v_price integer;
    v_now timestamptz;
BEGIN
    SELECT job.* INTO v_job FROM public.ai_jobs AS job
     WHERE job.tool = v_tool AND job.id = p_job_id AND (p_user_id IS NULL OR job.user_id = p_user_id) FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_found';
        RETURN NEXT;
        RETURN;
    END IF;
    active_status := v_job.status;
    IF v_job.status <> 'pending' THEN
        outcome := 'not_pending';
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT task.credit_cost, task.problem INTO v_price, problem FROM watchdog.task_of_payload(v_tool, v_job.payload) AS task;
    IF problem IS NOT NULL THEN
        outcome := 'invalid';
        RETURN NEXT;
        RETURN;
    END IF;

    -- The key is the user: whoever comes second waits here and then finds the first.
    v_now := pg_catalog.clock_timestamp();
    INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt, account, admitted_at, queued_at)
    VALUES (v_job.user_id, v_tool, p_job_id, v_job.attempt, v_account, v_now, v_now) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT known.table_name, active.job_id, other.status INTO active_table, active_job_id, active_status
          FROM watchdog.active_jobs AS active
          JOIN watchdog.tools AS known ON known.tool = active.tool
         CROSS JOIN LATERAL (SELECT job.status FROM public.ai_jobs AS job
                              WHERE job.tool = active.tool AND job.id = active.job_id LIMIT 1) AS other
         WHERE active.user_id = v_job.user_id;
        outcome := 'user_is_active';
        RETURN NEXT;
        RETURN;
    END IF;

    charged := CASE WHEN v_job.credits_charged THEN 0 ELSE COALESCE(v_price, v_job.user_credit_cost) END;
    IF charged > 0 THEN
        UPDATE public.upscaler_credits AS credits SET balance = credits.balance - charged, updated_at = v_now
         WHERE credits.user_id = v_job.user_id AND credits.balance >= charged
        RETURNING credits.balance INTO balance;
        IF NOT FOUND THEN
            DELETE FROM watchdog.active_jobs AS active WHERE active.user_id = v_job.user_id AND active.job_id = p_job_id;
            balance := (SELECT credits.balance FROM public.upscaler_credits AS credits WHERE credits.user_id = v_job.user_id);
            problem := 'the job costs ' || charged || ' credits, ' || COALESCE(balance, 0) || ' are left';
            charged := 0;
            outcome := 'insufficient_credits';
            RETURN NEXT;
            RETURN;
        END IF;
        INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description)
        VALUES (v_tool, p_job_id, 'charge', v_job.user_id, -charged, 'Charge: ' || v_tool);
    END IF;

    UPDATE public.ai_jobs AS job
       SET status = 'queued', queued_at = v_now, updated_at = v_now, api_account = v_account,
           credits_charged = job.credits_charged OR charged > 0,
           user_credit_cost = CASE WHEN charged > 0 THEN charged ELSE job.user_credit_cost END
     WHERE job.tool = v_tool AND job.id = p_job_id;
    PERFORM watchdog.write_audit('start_job', p_table_name, p_job_id::text, '{"status": "pending"}',
        pg_catalog.jsonb_build_object('status', 'queued', 'charged', charged, 'account', v_account));
    outcome := 'queued';
    active_status := 'queued';
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION watchdog.start_job(text, uuid, uuid) IS
    'Charges a pending job and puts it into the queue of its account: queued, or not_found, not_pending, invalid, user_is_active, insufficient_credits, which change nothing.';
REVOKE ALL ON FUNCTION watchdog.start_job(text, uuid, uuid) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.start_job(text, uuid, uuid) TO service_role;
