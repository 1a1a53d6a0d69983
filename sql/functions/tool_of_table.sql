-- The only way from a table name in a request to a tool: a look-up, never a name that is put into SQL.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.tool_of_table(p_table_name text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_tool text := (SELECT known.tool FROM watchdog.tools AS known
                     WHERE p_table_name IN (known.table_name, 'public.' || known.table_name));
BEGIN
    IF v_tool IS NULL THEN
        RAISE EXCEPTION 'no tool keeps its jobs in table %', pg_catalog.quote_nullable(p_table_name)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The known tables are the rows of watchdog.tools.';
    END IF;
    RETURN v_tool;
END
$$;
COMMENT ON FUNCTION watchdog.tool_of_table(text) IS 'The tool of a jobs table, written as upscaler_jobs or public.upscaler_jobs; raises 22023 otherwise.';
REVOKE ALL ON FUNCTION watchdog.tool_of_table(text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.tool_of_table(text) TO service_role;
