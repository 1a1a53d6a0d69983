-- Remembers a row that could not be settled, so that it is seen, counted and does not stop the others.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.isolate_row(
    p_rule_name text, p_table_name text, p_record_id text, p_sqlstate text, p_reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    INSERT INTO watchdog.isolated_rows AS known (rule_name, table_name, record_id, sqlstate, reason)
    VALUES (p_rule_name, p_table_name, p_record_id, p_sqlstate, p_reason)
        ON CONFLICT (rule_name, table_name, record_id) DO UPDATE
       SET sqlstate = excluded.sqlstate, reason = excluded.reason,
           last_seen_at = pg_catalog.clock_timestamp(), seen_count = known.seen_count + 1;
END
$$;
COMMENT ON FUNCTION watchdog.isolate_row(text, text, text, text, text) IS 'Adds a row to watchdog.isolated_rows, or counts it once more.';
REVOKE ALL ON FUNCTION watchdog.isolate_row(text, text, text, text, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.isolate_row(text, text, text, text, text) TO service_role;
