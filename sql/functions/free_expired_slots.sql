-- A slot in cancelling waits for the provider's word; when that never comes, the deadline ends the wait. What may still run
-- there is noted as an orphan, which goes on being asked about: the slot is given away, the task is not forgotten.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.free_expired_slots() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_freed_count integer;
BEGIN
    WITH expired AS MATERIALIZED (
        SELECT slot.account, slot.slot, slot.tool, slot.job_id, slot.attempt, slot.task_id FROM watchdog.provider_slots AS slot
         WHERE slot.state = 'cancelling' AND slot.deadline_at < pg_catalog.clock_timestamp()
           FOR UPDATE SKIP LOCKED),
    noted AS (
        INSERT INTO watchdog.orphan_tasks (tool, job_id, attempt, account, task_id, reason)
        SELECT expired.tool, expired.job_id, expired.attempt, expired.account, COALESCE(expired.task_id, submission.claimed_task_id),
               'its end was not confirmed before the deadline of its slot'
          FROM expired LEFT JOIN watchdog.submissions AS submission
            ON (submission.tool, submission.job_id, submission.attempt) = (expired.tool, expired.job_id, expired.attempt)
            ON CONFLICT (tool, job_id, attempt) DO NOTHING)
    UPDATE watchdog.provider_slots AS slot
       SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL,
           next_check_at = NULL, lease_until = NULL, lease_owner = NULL, check_count = 0,
           changed_at = pg_catalog.clock_timestamp()
      FROM expired
     WHERE slot.account = expired.account AND slot.slot = expired.slot;
    GET DIAGNOSTICS v_freed_count = ROW_COUNT;
    RETURN v_freed_count;
END
$$;
COMMENT ON FUNCTION watchdog.free_expired_slots() IS 'Frees slots whose cancelled task was not confirmed ended before the deadline. Returns how many.';
REVOKE ALL ON FUNCTION watchdog.free_expired_slots() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.free_expired_slots() TO service_role;
