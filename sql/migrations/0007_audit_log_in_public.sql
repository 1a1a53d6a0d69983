--! set: managed
-- The audit table moves to where administrators can read it. It is the same table, with the rows of the watch set.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE watchdog.audit_log SET SCHEMA public;
COMMENT ON TABLE public.audit_log IS 'Who changed what. Written by jobwatchdog, read by administrators.';

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.audit_log FORCE ROW LEVEL SECURITY;
REVOKE ALL ON public.audit_log FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON public.audit_log TO authenticated;
GRANT SELECT, INSERT ON public.audit_log TO service_role;

-- The owner may also delete, for retention; nobody may rewrite.
CREATE POLICY the_owner_and_admins_read_the_audit ON public.audit_log FOR SELECT
    USING (
        CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                         WHERE class.oid = 'public.audit_log'::regclass)
        OR (SELECT watchdog.caller_is_admin())
    );
CREATE POLICY the_owner_adds_to_the_audit ON public.audit_log FOR INSERT
    WITH CHECK (CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                                 WHERE class.oid = 'public.audit_log'::regclass));
CREATE POLICY the_owner_prunes_the_audit ON public.audit_log FOR DELETE
    USING (CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                            WHERE class.oid = 'public.audit_log'::regclass));
