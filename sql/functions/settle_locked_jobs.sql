-- The settlement itself, for callers that hold the jobs' row locks already: settle_jobs, settle_attempts, the sweep, both cleanups.
-- A job is settled at most once and refunded at most once, whoever calls, how often, and how many at a time: the guard of
-- the update and the key of the ledger see to that, not the lock. The lock only keeps callers from meeting in two orders.
-- Locks after the jobs: slots, active_jobs, ledger, balances by user; separate statements, because writes inside one WITH
-- have no order. Generic plans: every statement is a walk over keys, and planning again for 1,000 of them costs more than
-- it finds.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_locked_jobs(
    p_table_name text, p_keys uuid[], p_set jsonb, p_attempts integer[] DEFAULT NULL, p_output_urls text[] DEFAULT NULL,
    p_error_messages text[] DEFAULT NULL, p_task_has_ended boolean DEFAULT false)
RETURNS TABLE (key uuid, refunded_amount integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_tool CONSTANT text := watchdog.tool_of_table(p_table_name);
    v_status CONSTANT text := p_set ->> 'status';
    v_error_message CONSTANT text := p_set ->> 'error_message';
    v_output_url CONSTANT text := p_set ->> 'output_url';
    v_movable_from CONSTANT text[] := watchdog.movable_from(p_set ->> 'status');
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
    v_was_refunded boolean;
    v_moved_ids uuid[];
    v_moved_users uuid[];
    v_moved_amounts integer[];
    v_ids uuid[] := ARRAY[]::uuid[];
    v_users uuid[] := ARRAY[]::uuid[];
    -- What the job itself says is due; NULL where the money is already back or the work was done.
    v_amounts integer[] := ARRAY[]::integer[];
    v_paid_ids uuid[];
    v_paid_users uuid[];
    v_paid_amounts integer[];
    v_unforetold_ids uuid[];
BEGIN
    PERFORM watchdog.check_settlement(p_set);

    -- Jobs whose money is already back come second and rarely. Apart, because an update tells only the new row, and
    -- reading the old one as well would cost as much again.
    FOREACH v_was_refunded IN ARRAY ARRAY[false, true] LOOP
        WITH moved AS (
            UPDATE public.ai_jobs AS job
               SET status = v_status,
                   completed_at = v_now,
                   updated_at = v_now,
                   position = NULL,
                   error_message = COALESCE(wanted.error_message, v_error_message, job.error_message),
                   output_url = COALESCE(wanted.output_url, v_output_url, job.output_url),
                   credits_refunded = v_was_refunded OR (v_status <> 'completed' AND job.credits_charged AND job.user_credit_cost > 0)
              FROM (SELECT DISTINCT ON (wanted.id) wanted.* FROM unnest(p_keys, p_attempts, p_output_urls, p_error_messages)
                      AS wanted (id, attempt, output_url, error_message) ORDER BY wanted.id) AS wanted
             WHERE job.tool = v_tool AND job.id = wanted.id AND job.status = ANY (v_movable_from)
               AND job.attempt = COALESCE(wanted.attempt, job.attempt)
               AND job.credits_refunded = v_was_refunded
         RETURNING job.id, job.user_id,
                   CASE WHEN v_was_refunded OR v_status = 'completed' THEN NULL
                        WHEN job.credits_charged THEN job.user_credit_cost ELSE 0 END AS amount)
        SELECT pg_catalog.array_agg(moved.id), pg_catalog.array_agg(moved.user_id), pg_catalog.array_agg(moved.amount)
          INTO v_moved_ids, v_moved_users, v_moved_amounts FROM moved;
        v_ids := v_ids || v_moved_ids;
        v_users := v_users || v_moved_users;
        v_amounts := v_amounts || v_moved_amounts;
        EXIT WHEN pg_catalog.cardinality(v_ids) = pg_catalog.cardinality(p_keys);
    END LOOP;
    IF pg_catalog.cardinality(v_ids) = 0 THEN
        RETURN;
    END IF;

    -- The user is free at once. The provider may still work: it says when the slot is free, or the deadline does.
    IF v_status = 'completed' OR p_task_has_ended THEN
        UPDATE watchdog.provider_slots AS slot
           SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL,
               next_check_at = NULL, lease_until = NULL, lease_owner = NULL, check_count = 0, changed_at = v_now
         WHERE slot.tool = v_tool AND slot.job_id = ANY (v_ids);
    ELSE
        UPDATE watchdog.provider_slots AS slot
           SET state = 'cancelling', changed_at = v_now, next_check_at = v_now, deadline_at = v_now + known.hard_deadline_after
          FROM watchdog.tools AS known
         WHERE known.tool = v_tool AND slot.tool = v_tool AND slot.job_id = ANY (v_ids);
    END IF;
    DELETE FROM watchdog.active_jobs AS active WHERE active.tool = v_tool AND active.job_id = ANY (v_ids);

    -- Only an entry that was really added moves a balance: the key of the ledger is what makes a refund happen once. The
    -- charge is read after the update, so that one committed while a lock was waited for is seen. Apps older than the
    -- ledger charged without an entry; for those the price on the job is what was taken.
    WITH paid AS (
        INSERT INTO watchdog.credit_ledger AS entry (tool, job_id, kind, user_id, amount, description)
        SELECT v_tool, due.id, 'refund', due.user_id, COALESCE(-charge.amount, due.amount), 'Refund: job ' || v_status
          FROM unnest(v_ids, v_users, v_amounts) AS due (id, user_id, amount)
          LEFT JOIN watchdog.credit_ledger AS charge
            ON charge.tool = v_tool AND charge.job_id = due.id AND charge.kind = 'charge'
         WHERE due.amount IS NOT NULL AND COALESCE(-charge.amount, due.amount) > 0
         ORDER BY due.id
            ON CONFLICT (tool, job_id, kind) DO NOTHING
     RETURNING entry.job_id, entry.user_id, entry.amount)
    SELECT pg_catalog.array_agg(paid.job_id), pg_catalog.array_agg(paid.user_id), pg_catalog.array_agg(paid.amount)
      INTO v_paid_ids, v_paid_users, v_paid_amounts FROM paid;
    PERFORM watchdog.add_to_balances(v_paid_users, v_paid_amounts);

    SELECT pg_catalog.array_agg(told.id), pg_catalog.array_agg(told.paid),
           pg_catalog.array_agg(told.id) FILTER (WHERE told.paid > 0 AND told.foretold = 0)
      INTO v_ids, v_amounts, v_unforetold_ids
      FROM (SELECT entries.id, pg_catalog.sum(entries.foretold)::integer AS foretold, pg_catalog.sum(entries.paid)::integer AS paid
              FROM (SELECT settled.id, COALESCE(settled.amount, 0) AS foretold, 0 AS paid FROM unnest(v_ids, v_amounts) AS settled (id, amount)
                     UNION ALL
                    SELECT paid.id, 0, paid.amount FROM unnest(v_paid_ids, v_paid_amounts) AS paid (id, amount)) AS entries
             GROUP BY entries.id) AS told;
    -- A charge that only the ledger knew.
    IF v_unforetold_ids IS NOT NULL THEN
        UPDATE public.ai_jobs AS job SET credits_refunded = true WHERE job.tool = v_tool AND job.id = ANY (v_unforetold_ids);
    END IF;
    RETURN QUERY SELECT told.id, told.amount FROM unnest(v_ids, v_amounts) AS told (id, amount);
END
$$;
COMMENT ON FUNCTION watchdog.settle_locked_jobs(text, uuid[], jsonb, integer[], text[], text[], boolean) IS
    'As settle_jobs, for a caller that has locked the jobs; each key may have its attempt, its result and its words. Without the locks it is as safe, but may deadlock with others like it.';
REVOKE ALL ON FUNCTION watchdog.settle_locked_jobs(text, uuid[], jsonb, integer[], text[], text[], boolean) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.settle_locked_jobs(text, uuid[], jsonb, integer[], text[], text[], boolean) TO service_role;
