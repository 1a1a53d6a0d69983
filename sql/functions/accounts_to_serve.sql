-- Which accounts have both jobs that wait and room for them, so that a node claims only where there is something to claim. Of a
-- long queue only its head is counted.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.accounts_to_serve()
RETURNS TABLE (account text, wanted_count integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN QUERY
    SELECT room.account, waiting.job_count
      FROM (SELECT slot.account, pg_catalog.count(*) AS slot_count FROM watchdog.provider_slots AS slot
             WHERE slot.state = 'free' GROUP BY slot.account) AS room
     CROSS JOIN LATERAL (SELECT pg_catalog.count(*)::integer AS job_count
                           FROM (SELECT FROM watchdog.active_jobs AS active
                                  WHERE active.account = room.account AND active.queued_at IS NOT NULL LIMIT room.slot_count) AS head) AS waiting
     WHERE waiting.job_count > 0
       AND NOT EXISTS (SELECT FROM watchdog.runninghub_accounts AS known
                        WHERE known.account = room.account AND known.submits_paused_until > pg_catalog.clock_timestamp())
     ORDER BY room.account;
END
$$;
COMMENT ON FUNCTION watchdog.accounts_to_serve() IS 'The accounts with waiting jobs, free slots and no pause, each with the lesser of how many jobs wait and how many slots are free.';
REVOKE ALL ON FUNCTION watchdog.accounts_to_serve() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.accounts_to_serve() TO service_role;
