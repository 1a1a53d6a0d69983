-- Whether the caller is the system itself: the service role, or a direct session of the owner or a superuser that
-- does not speak for a user. A claim alone never makes a browser role the service.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.caller_is_service() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    v_claimed_role text := COALESCE(
        NULLIF(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'role',
        NULLIF(pg_catalog.current_setting('request.jwt.claim.role', true), ''));
    v_caller_role name := watchdog.caller_role();
    v_owner_id oid := (SELECT class.relowner FROM pg_catalog.pg_class AS class WHERE class.oid = 'public.ai_jobs'::regclass);
BEGIN
    IF v_caller_role = 'service_role' THEN
        RETURN true;
    END IF;
    RETURN (pg_catalog.pg_has_role(v_caller_role, v_owner_id, 'USAGE') OR pg_catalog.pg_has_role(v_caller_role, 'service_role', 'USAGE'))
        AND COALESCE(v_claimed_role = 'service_role', watchdog.current_user_id() IS NULL);
END
$$;
COMMENT ON FUNCTION watchdog.caller_is_service() IS 'True for the service role and for direct sessions of the owner without a user.';
REVOKE ALL ON FUNCTION watchdog.caller_is_service() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.caller_is_service() TO service_role;
