-- Reads user_roles past its policies: an ordinary user may not read the roles of others, yet policies must ask for them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.user_has_role(p_user_id uuid, p_role text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.user_roles AS user_role WHERE user_role.user_id = p_user_id AND user_role.role = p_role);
END
$$;
COMMENT ON FUNCTION watchdog.user_has_role(uuid, text) IS 'Whether a user has a role; false for NULL.';
REVOKE ALL ON FUNCTION watchdog.user_has_role(uuid, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.user_has_role(uuid, text) TO authenticated, service_role;
