--! set: managed
-- Admission: who is being served, and which unit of the provider's capacity serves whom. Both tables stay small.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE watchdog.active_jobs (
    user_id uuid PRIMARY KEY,
    tool text NOT NULL,
    job_id uuid NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    admitted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    next_check_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    lease_until timestamptz,
    lease_owner text,
    CONSTRAINT a_job_is_active_once UNIQUE (tool, job_id),
    CONSTRAINT the_active_job_exists FOREIGN KEY (tool, job_id) REFERENCES public.ai_jobs (tool, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 100);
COMMENT ON TABLE watchdog.active_jobs IS
    'One row per queued, starting or running job. The primary key makes a second active job of one user impossible.';

CREATE TABLE watchdog.provider_slots (
    account text NOT NULL,
    slot integer NOT NULL CONSTRAINT slot_is_positive CHECK (slot > 0),
    tool text,
    job_id uuid,
    attempt integer,
    task_id text,
    state text NOT NULL DEFAULT 'free' CONSTRAINT slot_state_is_known CHECK (state IN ('free', 'taken', 'cancelling')),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    deadline_at timestamptz,
    PRIMARY KEY (account, slot),
    CONSTRAINT a_job_holds_one_slot UNIQUE (tool, job_id),
    CONSTRAINT the_job_in_the_slot_exists FOREIGN KEY (tool, job_id) REFERENCES public.ai_jobs (tool, id) MATCH FULL,
    CONSTRAINT a_slot_is_free_exactly_when_it_holds_no_job CHECK ((state = 'free') = (job_id IS NULL)),
    CONSTRAINT a_free_slot_remembers_nothing
        CHECK (state <> 'free' OR (attempt IS NULL AND task_id IS NULL AND deadline_at IS NULL)),
    CONSTRAINT a_held_slot_knows_its_attempt CHECK (state = 'free' OR attempt IS NOT NULL),
    CONSTRAINT a_cancelling_slot_has_a_deadline CHECK (state <> 'cancelling' OR deadline_at IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 100);
COMMENT ON TABLE watchdog.provider_slots IS
    'One row per unit of capacity. The limit is the number of rows, never a setting; a cancelled job keeps its slot until the provider confirms.';

INSERT INTO watchdog.provider_slots (account, slot) VALUES ('arcano_main', 1), ('arcano_main', 2), ('arcano_main', 3);

ALTER TABLE watchdog.active_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.provider_slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.provider_slots FORCE ROW LEVEL SECURITY;
REVOKE ALL ON watchdog.active_jobs, watchdog.provider_slots FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON watchdog.active_jobs, watchdog.provider_slots TO service_role;

CREATE POLICY the_owner_manages_the_slots ON watchdog.provider_slots FOR ALL
    USING (CURRENT_USER = (SELECT pg_catalog.pg_get_userbyid(class.relowner) FROM pg_catalog.pg_class AS class
                            WHERE class.oid = 'watchdog.provider_slots'::regclass));
