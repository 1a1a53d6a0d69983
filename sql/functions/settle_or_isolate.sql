-- Settles a set of jobs that the caller has locked; when the set fails, settles them one by one and isolates the ones that cannot be settled.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.settle_or_isolate(p_rule_name text, p_table_name text, p_keys uuid[], p_set jsonb)
RETURNS TABLE (key uuid, refunded_amount integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_key uuid;
    v_keys uuid[];
    v_amounts integer[];
BEGIN
    -- Collected first and returned after the block: rows handed out inside a block survive its rollback.
    BEGIN
        SELECT pg_catalog.array_agg(settled.key), pg_catalog.array_agg(settled.refunded_amount) INTO v_keys, v_amounts
          FROM watchdog.settle_locked_jobs(p_table_name, p_keys, p_set) AS settled;
        DELETE FROM watchdog.isolated_rows AS known
         WHERE known.rule_name = p_rule_name AND known.table_name = p_table_name AND known.record_id = ANY (v_keys::text[]);
        RETURN QUERY SELECT settled.key, settled.amount FROM unnest(v_keys, v_amounts) AS settled (key, amount);
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        IF watchdog.error_is_transient(SQLSTATE) THEN
            RETURN;
        ELSIF pg_catalog.cardinality(p_keys) = 1 THEN
            PERFORM watchdog.isolate_row(p_rule_name, p_table_name, p_keys[1]::text, SQLSTATE, SQLERRM);
            RETURN;
        END IF;
    END;
    FOREACH v_key IN ARRAY p_keys LOOP
        RETURN QUERY SELECT settled.key, settled.refunded_amount
                       FROM watchdog.settle_or_isolate(p_rule_name, p_table_name, ARRAY[v_key], p_set) AS settled;
    END LOOP;
END
$$;
COMMENT ON FUNCTION watchdog.settle_or_isolate(text, text, uuid[], jsonb) IS
    'As settle_jobs, but a job that cannot be settled goes to watchdog.isolated_rows instead of stopping the others.';
REVOKE ALL ON FUNCTION watchdog.settle_or_isolate(text, text, uuid[], jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.settle_or_isolate(text, text, uuid[], jsonb) TO service_role;
