-- Which accounts have both jobs that wait and room for them, so that a node claims only where there is something to claim.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.accounts_to_serve()
RETURNS TABLE (account text, waiting_count integer, free_count integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN QUERY
    SELECT room.account, waiting.job_count, room.slot_count
      FROM (SELECT slot.account, pg_catalog.count(*)::integer AS slot_count FROM watchdog.provider_slots AS slot
             WHERE slot.state = 'free' GROUP BY slot.account) AS room
      JOIN (SELECT active.account, pg_catalog.count(*)::integer AS job_count FROM watchdog.active_jobs AS active
             WHERE active.queued_at IS NOT NULL GROUP BY active.account) AS waiting ON waiting.account = room.account
     WHERE NOT EXISTS (SELECT FROM watchdog.runninghub_accounts AS known
                        WHERE known.account = room.account AND known.submits_paused_until > pg_catalog.clock_timestamp())
     ORDER BY room.account;
END
$$;
COMMENT ON FUNCTION watchdog.accounts_to_serve() IS 'The accounts with waiting jobs, free slots and no pause, with how many of each.';
REVOKE ALL ON FUNCTION watchdog.accounts_to_serve() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.accounts_to_serve() TO service_role;
