-- THE one way into a terminal state: for sweeps, both cleanups, the reconciler and every cancel.
-- A job is settled at most once and refunded at most once, whoever calls, how often, and how many at a time.
-- Locks in one order (jobs by id, slots, active_jobs, ledger, balances by user), so two callers cannot deadlock as
-- long as each settles one table per transaction; separate statements, because writes inside one WITH have no order.
-- Generic plans: every statement is a walk over keys, and planning again for 1,000 of them costs more than it finds.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_jobs(p_table_name text, p_keys uuid[], p_set jsonb)
RETURNS TABLE (key uuid, refunded_amount integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_status CONSTANT text := p_set ->> 'status';
    v_movable_from text[] := ARRAY['pending', 'queued', 'starting', 'running'];
    v_ids uuid[];
    v_refundable boolean[];
    v_users uuid[];
    v_amounts integer[];
    v_paid_ids uuid[];
    v_paid_users uuid[];
    v_paid_amounts integer[];
    v_now timestamptz;
BEGIN
    PERFORM watchdog.check_settlement(p_set);
    IF v_status = 'completed' THEN
        v_movable_from := ARRAY['running'];
    END IF;

    -- v_amounts: what is due if the ledger holds no charge. Apps older than the ledger charged without an entry; for
    -- those the price on the job is what was taken.
    SELECT pg_catalog.array_agg(locked.id), pg_catalog.array_agg(locked.refundable), pg_catalog.array_agg(locked.amount)
      INTO v_ids, v_refundable, v_amounts
      FROM (SELECT job.id,
                   NOT job.credits_refunded AND v_status <> 'completed' AS refundable,
                   CASE WHEN job.credits_charged THEN job.user_credit_cost ELSE 0 END AS amount
              FROM public.ai_jobs AS job
             WHERE job.tool = v_tool AND job.id = ANY (p_keys) AND job.status = ANY (v_movable_from)
             ORDER BY job.id FOR UPDATE) AS locked;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;
    v_now := pg_catalog.clock_timestamp();

    -- A statement of its own, so that it sees a charge that was committed while the lock was waited for.
    SELECT pg_catalog.array_agg(job.id), pg_catalog.array_agg(
               CASE WHEN job.refundable THEN COALESCE(-charge.amount, job.amount) ELSE 0 END)
      INTO v_ids, v_amounts
      FROM unnest(v_ids, v_refundable, v_amounts) AS job (id, refundable, amount)
      LEFT JOIN watchdog.credit_ledger AS charge
        ON job.refundable AND charge.tool = v_tool AND charge.job_id = job.id AND charge.kind = 'charge';

    WITH settled AS (
        UPDATE public.ai_jobs AS job
           SET status = v_status,
               completed_at = v_now,
               updated_at = v_now,
               position = NULL,
               error_message = COALESCE(p_set ->> 'error_message', job.error_message),
               output_url = COALESCE(p_set ->> 'output_url', job.output_url),
               credits_refunded = job.credits_refunded OR due.amount > 0
          FROM unnest(v_ids, v_amounts) AS due (id, amount)
         WHERE job.tool = v_tool AND job.id = due.id AND job.status = ANY (v_movable_from)
     RETURNING job.id, job.user_id, due.amount)
    SELECT pg_catalog.array_agg(settled.id), pg_catalog.array_agg(settled.user_id), pg_catalog.array_agg(settled.amount)
      INTO v_ids, v_users, v_amounts FROM settled;

    -- The user is free at once. The provider may still work: it says when the slot is free, or the deadline does.
    IF v_status = 'completed' THEN
        UPDATE watchdog.provider_slots AS slot
           SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL, changed_at = v_now
         WHERE slot.tool = v_tool AND slot.job_id = ANY (v_ids);
    ELSE
        UPDATE watchdog.provider_slots AS slot
           SET state = 'cancelling', changed_at = v_now, deadline_at = v_now + known.hard_deadline_after
          FROM watchdog.tools AS known
         WHERE known.tool = v_tool AND slot.tool = v_tool AND slot.job_id = ANY (v_ids);
    END IF;
    DELETE FROM watchdog.active_jobs AS active WHERE active.tool = v_tool AND active.job_id = ANY (v_ids);

    -- Only an entry that was really added moves a balance: the key of the ledger is what makes a refund happen once.
    WITH paid AS (
        INSERT INTO watchdog.credit_ledger AS entry (tool, job_id, kind, user_id, amount, description)
        SELECT v_tool, due.id, 'refund', due.user_id, due.amount, 'Refund: job ' || v_status
          FROM unnest(v_ids, v_users, v_amounts) AS due (id, user_id, amount)
         WHERE due.amount > 0
         ORDER BY due.id
            ON CONFLICT (tool, job_id, kind) DO NOTHING
     RETURNING entry.job_id, entry.user_id, entry.amount)
    SELECT pg_catalog.array_agg(paid.job_id), pg_catalog.array_agg(paid.user_id), pg_catalog.array_agg(paid.amount)
      INTO v_paid_ids, v_paid_users, v_paid_amounts FROM paid;

    INSERT INTO public.upscaler_credits AS credits (user_id, balance, opening)
    SELECT paid.user_id, pg_catalog.sum(paid.amount)::integer, 0
      FROM unnest(v_paid_users, v_paid_amounts) AS paid (user_id, amount)
     GROUP BY paid.user_id ORDER BY paid.user_id
        ON CONFLICT (user_id) DO UPDATE SET balance = credits.balance + excluded.balance, updated_at = v_now;

    RETURN QUERY
    SELECT told.id, pg_catalog.sum(told.amount)::integer
      FROM (SELECT settled.id, 0 AS amount FROM unnest(v_ids) AS settled (id)
             UNION ALL
            SELECT paid.id, paid.amount FROM unnest(v_paid_ids, v_paid_amounts) AS paid (id, amount)) AS told
     GROUP BY told.id;
END
$$;
COMMENT ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) IS
    'Moves active jobs of one table to completed, failed or cancelled and refunds what was charged. Returns the jobs it settled; a second call returns none.';
REVOKE ALL ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.settle_jobs(text, uuid[], jsonb) TO service_role;
