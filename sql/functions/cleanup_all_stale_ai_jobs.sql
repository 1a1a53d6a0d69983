-- The safety net that needs no binary: one bounded pass over the jobs of every tool, for pg_cron.
-- Any number may run at once: rows are locked with SKIP LOCKED. Two that settle several tables each may meet at two
-- balances in opposite order; the one that PostgreSQL ends leaves its page for the next run.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.cleanup_all_stale_ai_jobs()
RETURNS TABLE (table_name text, cancelled_count integer, refunded_credits integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '500ms'
AS $$
DECLARE
    v_known watchdog.tools%ROWTYPE;
    v_ids uuid[];
    v_tables jsonb := pg_catalog.jsonb_build_array();
BEGIN
    PERFORM watchdog.free_expired_slots();
    FOR v_known IN SELECT known.* FROM watchdog.tools AS known ORDER BY known.tool LOOP
        table_name := v_known.table_name;
        SELECT pg_catalog.count(*)::integer, COALESCE(pg_catalog.sum(settled.refunded_amount), 0)::integer, pg_catalog.array_agg(settled.key)
          INTO cancelled_count, refunded_credits, v_ids
          FROM watchdog.settle_stale_jobs(v_known.tool, 10000) AS settled;
        IF cancelled_count > 0 THEN
            v_tables := v_tables || pg_catalog.jsonb_build_object(
                'table_name', table_name, 'cancelled_count', cancelled_count,
                'refunded_credits', refunded_credits, 'ids', pg_catalog.to_jsonb(v_ids));
        END IF;
        RETURN NEXT;
    END LOOP;
    IF pg_catalog.jsonb_array_length(v_tables) > 0 THEN
        PERFORM watchdog.write_audit('cleanup_all_stale_ai_jobs', 'ai_jobs', NULL, NULL,
                                     pg_catalog.jsonb_build_object('tables', v_tables));
    END IF;
END
$$;
COMMENT ON FUNCTION public.cleanup_all_stale_ai_jobs() IS
    'Fails and refunds jobs that hang, at most 10,000 per table and call. One row per table, also when nothing was stale.';
REVOKE ALL ON FUNCTION public.cleanup_all_stale_ai_jobs() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.cleanup_all_stale_ai_jobs() TO service_role;
