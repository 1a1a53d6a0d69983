-- From which states a settlement may move a job: the table of transitions, read backwards for a terminal state.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.movable_from(p_status text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RETURN CASE WHEN p_status = 'completed' THEN ARRAY['running'] ELSE ARRAY['pending', 'queued', 'starting', 'running'] END;
END
$$;
COMMENT ON FUNCTION watchdog.movable_from(text) IS 'The states that a job may leave for this terminal one.';
REVOKE ALL ON FUNCTION watchdog.movable_from(text) FROM PUBLIC, anon, authenticated, service_role;
