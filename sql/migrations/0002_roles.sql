--! set: managed
-- The three roles that requests run under, what they may do in general, and the names that policies and triggers need.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Roles belong to the cluster, not to this database: another database may create them while we look.
DO $$
DECLARE
    v_role text;
    v_attributes text;
BEGIN
    FOR v_role, v_attributes IN
        VALUES ('anon', 'NOLOGIN'), ('authenticated', 'NOLOGIN'), ('service_role', 'NOLOGIN BYPASSRLS')
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles AS role WHERE role.rolname = v_role);
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I %s', v_role, v_attributes);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role % is missing and % may not create it', v_role, CURRENT_USER
                    USING ERRCODE = 'insufficient_privilege',
                          HINT = pg_catalog.format('Run once as a superuser: CREATE ROLE %I %s; then migrate again.', v_role, v_attributes);
        END;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
-- Taken away first, so that the grants are the same whether or not the watch set already gave some.
REVOKE ALL ON SCHEMA watchdog FROM PUBLIC, anon, authenticated, service_role;
GRANT USAGE ON SCHEMA watchdog TO authenticated, service_role;

-- With the managed schema, row level security is on everywhere; only its owner and roles that bypass it get in here.
ALTER TABLE watchdog.schema_migrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.sweep_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.isolated_rows ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON watchdog.schema_migrations, watchdog.sweep_runs, watchdog.isolated_rows FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON watchdog.schema_migrations TO service_role;
GRANT SELECT, INSERT, UPDATE ON watchdog.sweep_runs TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON watchdog.isolated_rows TO service_role;

-- A policy or a trigger can only be made when its function exists. The bodies live in sql/functions, which the runner
-- loads after the migrations; until then these stand-ins let nobody in and nothing through.
CREATE FUNCTION watchdog.current_user_id() RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS 'SELECT NULL::uuid';
CREATE FUNCTION watchdog.caller_is_admin() RETURNS boolean LANGUAGE sql STABLE SET search_path = '' AS 'SELECT false';
CREATE FUNCTION watchdog.refuse_wrong_transition() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
    AS $$ BEGIN RAISE EXCEPTION 'sql/functions is not loaded'; END $$;
CREATE FUNCTION watchdog.refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
    AS $$ BEGIN RAISE EXCEPTION 'sql/functions is not loaded'; END $$;
CREATE FUNCTION watchdog.set_credits_opening() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
    AS $$ BEGIN RAISE EXCEPTION 'sql/functions is not loaded'; END $$;
