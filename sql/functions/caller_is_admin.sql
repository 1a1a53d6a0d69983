-- Whether the user of this request is an administrator, by the table user_roles and by nothing in the token.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.caller_is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN watchdog.user_has_role(watchdog.current_user_id(), 'admin');
END
$$;
COMMENT ON FUNCTION watchdog.caller_is_admin() IS 'True when the current user has the role admin.';
REVOKE ALL ON FUNCTION watchdog.caller_is_admin() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.caller_is_admin() TO authenticated, service_role;
