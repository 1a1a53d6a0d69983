-- As a minute later: what was leased by nodes that died is free, and so is what living ones lease at this moment.
UPDATE watchdog.active_jobs SET lease_until = clock_timestamp(), next_check_at = next_check_at - interval '1 minute' WHERE lease_until IS NOT NULL;
UPDATE watchdog.provider_slots SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL;
UPDATE watchdog.orphan_tasks SET lease_until = clock_timestamp(), next_check_at = clock_timestamp() WHERE ended_at IS NULL;
