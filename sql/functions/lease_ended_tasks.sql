-- Tasks whose job is over and whose own end the provider has not confirmed: slots in cancelling, and orphans. Given to one node for a
-- while, as the checks are. A task that only a webhook named comes with the hash of its token: the node cancels it when the
-- provider says that its webhook is that one.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.lease_ended_tasks(p_owner text, p_row_count_max integer, p_lease interval)
RETURNS TABLE (is_orphan boolean, tool text, table_name text, job_id uuid, attempt integer, account text, task_id text, check_count integer,
               claim_token_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now CONSTANT timestamptz := pg_catalog.clock_timestamp();
BEGIN
    -- What a webhook with the job's token calls the task is worth asking about: the provider knows whether it is ours. The last
    -- webhook is asked about, because anybody may have sent the first.
    UPDATE watchdog.provider_slots AS slot SET task_id = nameless.claimed_task_id
      FROM (SELECT held.account, held.slot, submission.claimed_task_id FROM watchdog.provider_slots AS held
              JOIN watchdog.submissions AS submission
                ON (submission.tool, submission.job_id, submission.attempt) = (held.tool, held.job_id, held.attempt)
             WHERE held.state = 'cancelling' AND submission.task_id IS NULL AND submission.claimed_task_id <> COALESCE(held.task_id, '')
               FOR UPDATE OF held SKIP LOCKED) AS nameless
     WHERE slot.account = nameless.account AND slot.slot = nameless.slot;
    UPDATE watchdog.orphan_tasks AS orphan SET task_id = nameless.claimed_task_id
      FROM (SELECT lost.tool, lost.job_id, lost.attempt, submission.claimed_task_id FROM watchdog.orphan_tasks AS lost
              JOIN watchdog.submissions AS submission
                ON (submission.tool, submission.job_id, submission.attempt) = (lost.tool, lost.job_id, lost.attempt)
             WHERE lost.ended_at IS NULL AND submission.task_id IS NULL AND submission.claimed_task_id <> COALESCE(lost.task_id, '')
               FOR UPDATE OF lost SKIP LOCKED) AS nameless
     WHERE (orphan.tool, orphan.job_id, orphan.attempt) = (nameless.tool, nameless.job_id, nameless.attempt);
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT slot.account, slot.slot FROM watchdog.provider_slots AS slot
         WHERE slot.state = 'cancelling' AND slot.task_id IS NOT NULL AND COALESCE(slot.next_check_at, slot.changed_at) <= v_now
           AND (slot.lease_until IS NULL OR slot.lease_until <= v_now)
         ORDER BY slot.account, slot.slot LIMIT p_row_count_max
           FOR UPDATE SKIP LOCKED),
    leased AS (
        UPDATE watchdog.provider_slots AS slot SET lease_owner = p_owner, lease_until = v_now + p_lease
          FROM due WHERE slot.account = due.account AND slot.slot = due.slot
     RETURNING slot.*)
    SELECT false, leased.tool, known.table_name, leased.job_id, leased.attempt, leased.account, leased.task_id, leased.check_count,
           CASE WHEN submission.task_id IS NULL THEN submission.token_hash END
      FROM leased JOIN watchdog.tools AS known ON known.tool = leased.tool
      LEFT JOIN watchdog.submissions AS submission
        ON (submission.tool, submission.job_id, submission.attempt) = (leased.tool, leased.job_id, leased.attempt);
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT orphan.tool, orphan.job_id, orphan.attempt FROM watchdog.orphan_tasks AS orphan
         WHERE orphan.ended_at IS NULL AND orphan.task_id IS NOT NULL AND orphan.next_check_at <= v_now
           AND (orphan.lease_until IS NULL OR orphan.lease_until <= v_now)
         ORDER BY orphan.next_check_at LIMIT p_row_count_max
           FOR UPDATE SKIP LOCKED),
    leased AS (
        UPDATE watchdog.orphan_tasks AS orphan SET lease_owner = p_owner, lease_until = v_now + p_lease
          FROM due WHERE (orphan.tool, orphan.job_id, orphan.attempt) = (due.tool, due.job_id, due.attempt)
     RETURNING orphan.*)
    SELECT true, leased.tool, known.table_name, leased.job_id, leased.attempt, leased.account, leased.task_id, leased.check_count,
           CASE WHEN submission.task_id IS NULL THEN submission.token_hash END
      FROM leased JOIN watchdog.tools AS known ON known.tool = leased.tool
      LEFT JOIN watchdog.submissions AS submission
        ON (submission.tool, submission.job_id, submission.attempt) = (leased.tool, leased.job_id, leased.attempt);
END
$$;
COMMENT ON FUNCTION watchdog.lease_ended_tasks(text, integer, interval) IS
    'Gives a node the tasks that are to be cancelled at the provider, or whose end is to be confirmed.';
REVOKE ALL ON FUNCTION watchdog.lease_ended_tasks(text, integer, interval) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.lease_ended_tasks(text, integer, interval) TO service_role;
