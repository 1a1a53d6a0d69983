-- One bounded pass over one tool: pages of stale jobs, fresh ones first. Jobs that could not be settled before come
-- last, with what is left of the budget, so that many bad rows never hide a good one.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_stale_jobs(p_tool text, p_row_count_max integer)
RETURNS TABLE (key uuid, refunded_amount integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_table_name text := (SELECT known.table_name FROM watchdog.tools AS known WHERE known.tool = p_tool);
    v_row_count_left integer := p_row_count_max;
    -- NULL for the first round; then the start of this call, so that no row is tried twice in it.
    v_isolated_before timestamptz;
    v_after timestamptz;
    v_after_id uuid;
    v_keys uuid[];
BEGIN
    FOREACH v_isolated_before IN ARRAY ARRAY[NULL, pg_catalog.clock_timestamp()] LOOP
        v_after := '-infinity';
        v_after_id := '00000000-0000-0000-0000-000000000000';
        WHILE v_row_count_left > 0 LOOP
            SELECT pg_catalog.array_agg(page.id ORDER BY page.age_from, page.id), pg_catalog.max(page.age_from) INTO v_keys, v_after
              FROM watchdog.stale_jobs_page(p_tool, v_after, v_after_id, v_isolated_before, LEAST(1000, v_row_count_left)) AS page;
            EXIT WHEN v_keys IS NULL;
            v_after_id := v_keys[pg_catalog.cardinality(v_keys)];
            v_row_count_left := v_row_count_left - pg_catalog.cardinality(v_keys);
            RETURN QUERY SELECT settled.key, settled.refunded_amount FROM watchdog.settle_or_isolate(
                'stale-ai-jobs', v_table_name, v_keys, pg_catalog.jsonb_build_object(
                    'status', 'failed',
                    'error_message', 'Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.')) AS settled;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION watchdog.settle_stale_jobs(text, integer) IS 'Fails and refunds the stale jobs of one tool, at most so many rows.';
REVOKE ALL ON FUNCTION watchdog.settle_stale_jobs(text, integer) FROM PUBLIC, anon, authenticated, service_role;
