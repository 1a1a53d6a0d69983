-- The database role of the caller. Inside a SECURITY DEFINER function CURRENT_USER is the owner, but the setting
-- "role" still says what the caller switched to, and the session user is who logged in.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.caller_role() RETURNS name
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN COALESCE(NULLIF(NULLIF(pg_catalog.current_setting('role', true), 'none'), '')::name, SESSION_USER);
END
$$;
COMMENT ON FUNCTION watchdog.caller_role() IS 'The role the caller runs under, seen through SECURITY DEFINER.';
REVOKE ALL ON FUNCTION watchdog.caller_role() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.caller_role() TO service_role;
