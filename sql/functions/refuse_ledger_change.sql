-- The ledger is corrected by another entry, never by a change: grants can be given by mistake, a trigger cannot.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.refuse_ledger_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION 'the credit ledger is append-only, % is refused', TG_OP
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Correct a wrong entry with a new one of kind grant or consume.';
END
$$;
COMMENT ON FUNCTION watchdog.refuse_ledger_change() IS 'Trigger of watchdog.credit_ledger: refuses UPDATE, DELETE and TRUNCATE.';
REVOKE ALL ON FUNCTION watchdog.refuse_ledger_change() FROM PUBLIC, anon, authenticated, service_role;
