-- Called only for a move that the trigger's condition does not know, so it just says what is wrong with it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.refuse_wrong_transition() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    IF OLD.status IN ('completed', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'job % is % and stays so, it cannot become %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', HINT = 'A result that comes late belongs in late_output_url.';
    END IF;
    RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
END
$$;
COMMENT ON FUNCTION watchdog.refuse_wrong_transition() IS 'Trigger of ai_jobs: refuses a change of status that is not in the table of transitions.';
REVOKE ALL ON FUNCTION watchdog.refuse_wrong_transition() FROM PUBLIC, anon, authenticated, service_role;
