-- The public name of the role question. A shell, so that no SECURITY DEFINER function stands in an exposed schema.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.has_role(_user_id uuid, _role text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN watchdog.user_has_role(_user_id, _role);
END
$$;
COMMENT ON FUNCTION public.has_role(uuid, text) IS 'Whether a user has a role, for example ''admin''.';
REVOKE ALL ON FUNCTION public.has_role(uuid, text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION public.has_role(uuid, text) TO authenticated, service_role;
