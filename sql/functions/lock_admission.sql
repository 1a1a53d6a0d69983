-- The lock that makes admission first in, first out: one node at a time decides who of an account is next. A transaction takes it
-- before any other lock; taken again in the same transaction it costs nothing.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.lock_admission(p_account text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('watchdog.admission ' || p_account, 0));
END
$$;
COMMENT ON FUNCTION watchdog.lock_admission(text) IS 'Takes the admission lock of an account until the transaction ends.';
REVOKE ALL ON FUNCTION watchdog.lock_admission(text) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.lock_admission(text) TO service_role;
