-- One audit row in one place, so that every writer names its actor the same way: the user, else the database role.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.write_audit(
    p_action text, p_table_name text, p_record_id text, p_old_data jsonb, p_new_data jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
    VALUES (p_action, p_table_name, p_record_id, p_old_data, p_new_data,
            COALESCE(watchdog.current_user_id()::text, watchdog.caller_role()::text));
END
$$;
COMMENT ON FUNCTION watchdog.write_audit(text, text, text, jsonb, jsonb) IS 'Adds a row to public.audit_log with the caller as actor.';
REVOKE ALL ON FUNCTION watchdog.write_audit(text, text, text, jsonb, jsonb) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.write_audit(text, text, text, jsonb, jsonb) TO service_role;
