-- A slot in cancelling waits for the provider's word; when that never comes, the deadline ends the wait.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.free_expired_slots() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_freed_count integer;
BEGIN
    UPDATE watchdog.provider_slots AS slot
       SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL, deadline_at = NULL,
           changed_at = pg_catalog.clock_timestamp()
      FROM (SELECT expired.account, expired.slot FROM watchdog.provider_slots AS expired
             WHERE expired.state = 'cancelling' AND expired.deadline_at < pg_catalog.clock_timestamp()
               FOR UPDATE SKIP LOCKED) AS found
     WHERE slot.account = found.account AND slot.slot = found.slot;
    GET DIAGNOSTICS v_freed_count = ROW_COUNT;
    RETURN v_freed_count;
END
$$;
COMMENT ON FUNCTION watchdog.free_expired_slots() IS 'Frees slots whose cancelled task was not confirmed ended before the deadline. Returns how many.';
REVOKE ALL ON FUNCTION watchdog.free_expired_slots() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.free_expired_slots() TO service_role;
