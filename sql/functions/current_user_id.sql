-- Who is asking: the subject of the verified token, as the server in front of PostgreSQL passes it on.
-- Reads both forms of the setting, because older versions of that server pass single claims.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.current_user_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = ''
AS $$
DECLARE
    v_subject text := COALESCE(
        NULLIF(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
        pg_catalog.current_setting('request.jwt.claim.sub', true));
BEGIN
    -- A subject that is no uuid belongs to nobody; raising here would turn every policy into an error.
    IF v_subject ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        RETURN v_subject::uuid;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION watchdog.current_user_id() IS 'The user of the current request, or NULL without one.';
REVOKE ALL ON FUNCTION watchdog.current_user_id() FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.current_user_id() TO authenticated, service_role;
