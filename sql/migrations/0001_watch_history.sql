--! set: watch
-- What a sweep leaves behind: its runs, the rows it could not settle, the audit. Needs no role and no other table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE watchdog.sweep_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    outcome text NOT NULL DEFAULT 'running'
        CONSTRAINT sweep_outcome_is_known CHECK (outcome IN ('running', 'done', 'partial', 'failed')),
    settled_count bigint NOT NULL DEFAULT 0,
    refunded_count bigint NOT NULL DEFAULT 0,
    refunded_credits bigint NOT NULL DEFAULT 0,
    kept_count bigint NOT NULL DEFAULT 0,
    isolated_count bigint NOT NULL DEFAULT 0,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT finished_at_and_outcome_agree CHECK ((outcome = 'running') = (finished_at IS NULL))
);
COMMENT ON TABLE watchdog.sweep_runs IS 'One row per sweep. A row that stays running belongs to a sweep that was killed.';

CREATE TABLE watchdog.isolated_rows (
    rule_name text NOT NULL,
    table_name text NOT NULL,
    record_id text NOT NULL,
    sqlstate text NOT NULL,
    reason text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    seen_count integer NOT NULL DEFAULT 1 CONSTRAINT seen_count_is_positive CHECK (seen_count > 0),
    PRIMARY KEY (rule_name, table_name, record_id)
);
COMMENT ON TABLE watchdog.isolated_rows IS 'Rows that could not be settled and why, so that one bad row never stops the others.';

CREATE TABLE watchdog.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL,
    table_name text,
    record_id text,
    old_data jsonb,
    new_data jsonb,
    actor text NOT NULL DEFAULT CURRENT_USER,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX audit_log_by_record ON watchdog.audit_log (table_name, record_id);
COMMENT ON TABLE watchdog.audit_log IS 'Who changed what. The managed set moves this table to the schema public; there is never a second one.';

-- No row level security here: this schema is hidden from browsers, so the grants alone say who gets in, and a login role of
-- its own can be given just these tables. The audit gets policies when the managed set moves it to public.

-- A rule file may name service_role as the role of a sweep; where that role exists it must be able to write history.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles AS role WHERE role.rolname = 'service_role') THEN
        GRANT USAGE ON SCHEMA watchdog TO service_role;
        GRANT SELECT ON watchdog.schema_migrations TO service_role;
        GRANT SELECT, INSERT, UPDATE ON watchdog.sweep_runs TO service_role;
        GRANT SELECT, INSERT, UPDATE, DELETE ON watchdog.isolated_rows TO service_role;
        GRANT SELECT, INSERT ON watchdog.audit_log TO service_role;
    END IF;
END
$$;
