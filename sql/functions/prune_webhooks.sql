-- The inbox keeps evidence, not everything for ever: anybody may send a webhook that belongs to no job.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.prune_webhooks(p_keep_unknown interval, p_keep_known interval, p_row_count_max integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_pruned_count integer;
BEGIN
    DELETE FROM watchdog.webhook_inbox AS inbox WHERE inbox.id IN (
        SELECT old.id FROM watchdog.webhook_inbox AS old
         WHERE old.last_received_at < pg_catalog.clock_timestamp() - LEAST(p_keep_unknown, p_keep_known)
           AND old.last_received_at < pg_catalog.clock_timestamp() - CASE WHEN old.job_id IS NULL THEN p_keep_unknown ELSE p_keep_known END
         ORDER BY old.last_received_at LIMIT p_row_count_max
           FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_pruned_count = ROW_COUNT;
    RETURN v_pruned_count;
END
$$;
COMMENT ON FUNCTION watchdog.prune_webhooks(interval, interval, integer) IS 'Deletes old webhooks, those of no job earlier. Returns how many.';
REVOKE ALL ON FUNCTION watchdog.prune_webhooks(interval, interval, integer) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.prune_webhooks(interval, interval, integer) TO service_role;
