-- What settle_jobs may be asked to write. Anything else is a bug of the caller or an attempt to write more than an outcome.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.check_settlement(p_set jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    v_field text;
    v_value jsonb;
BEGIN
    IF pg_catalog.jsonb_typeof(p_set) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'a settlement is a json object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR v_field, v_value IN SELECT field.key, field.value FROM pg_catalog.jsonb_each(p_set) AS field LOOP
        IF v_field NOT IN ('status', 'error_message', 'output_url') THEN
            RAISE EXCEPTION 'a settlement cannot set %', pg_catalog.quote_literal(v_field)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It may set status, error_message and output_url.';
        ELSIF pg_catalog.jsonb_typeof(v_value) NOT IN ('string', 'null') THEN
            RAISE EXCEPTION 'a settlement sets % to text', pg_catalog.quote_literal(v_field) USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    IF (p_set ->> 'status') IS NULL OR (p_set ->> 'status') NOT IN ('completed', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'a settlement needs the status completed, failed or cancelled, not %', pg_catalog.quote_nullable(p_set ->> 'status')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION watchdog.check_settlement(jsonb) IS 'Raises 22023 unless the argument is a settlement: a terminal status, perhaps with error_message and output_url.';
REVOKE ALL ON FUNCTION watchdog.check_settlement(jsonb) FROM PUBLIC, anon, authenticated, service_role;
