-- Tells an error of the moment from an error of the row. A deadlock or a lock timeout says nothing about the row:
-- it is left for the next run instead of being isolated.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.error_is_transient(p_sqlstate text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN p_sqlstate IN ('40001', '40P01', '55P03');
END
$$;
COMMENT ON FUNCTION watchdog.error_is_transient(text) IS 'True for serialization failure, deadlock and lock timeout.';
REVOKE ALL ON FUNCTION watchdog.error_is_transient(text) FROM PUBLIC, anon, authenticated, service_role;
