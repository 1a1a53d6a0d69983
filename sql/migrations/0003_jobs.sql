--! set: managed
-- The jobs: one table, one partition per tool. The partitions bear the names that pages and policies already use.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE watchdog.tools (
    tool text PRIMARY KEY CONSTRAINT tool_is_a_plain_name CHECK (tool ~ '^[a-z][a-z0-9_]{0,40}$'),
    table_name text NOT NULL CONSTRAINT one_tool_per_table UNIQUE
        CONSTRAINT table_name_is_a_plain_name CHECK (table_name ~ '^[a-z][a-z0-9_]{0,40}$'),
    queued_stale_after interval NOT NULL DEFAULT '10 min',
    stale_after interval NOT NULL DEFAULT '10 min',
    hard_deadline_after interval NOT NULL DEFAULT '12 min',
    CONSTRAINT waiting_times_are_positive
        CHECK (queued_stale_after > '0' AND stale_after > '0' AND hard_deadline_after >= stale_after)
);
COMMENT ON TABLE watchdog.tools IS 'One row per tool: its table and its patience. A new tool is made by watchdog.add_tool, never by code.';
ALTER TABLE watchdog.tools ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON watchdog.tools FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON watchdog.tools TO service_role;
GRANT UPDATE (queued_stale_after, stale_after, hard_deadline_after) ON watchdog.tools TO service_role;

CREATE TABLE public.ai_jobs (
    id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    tool text NOT NULL,
    user_id uuid NOT NULL,
    session_id text,
    status text NOT NULL DEFAULT 'pending' CONSTRAINT status_is_known
        CHECK (status IN ('pending', 'queued', 'starting', 'running', 'completed', 'failed', 'cancelled')),
    task_id text,
    api_account text,
    payload jsonb NOT NULL DEFAULT '{}',
    user_credit_cost integer NOT NULL DEFAULT 0 CONSTRAINT credit_cost_is_not_negative CHECK (user_credit_cost >= 0),
    credits_charged boolean NOT NULL DEFAULT false,
    credits_refunded boolean NOT NULL DEFAULT false,
    output_url text,
    late_output_url text,
    error_message text,
    position integer,
    attempt integer NOT NULL DEFAULT 0 CONSTRAINT attempt_is_not_negative CHECK (attempt >= 0),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    queued_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tool, id)
) PARTITION BY LIST (tool);
COMMENT ON TABLE public.ai_jobs IS 'Every job of every tool. Use this name in code; the partitions keep the old names alive.';
COMMENT ON COLUMN public.ai_jobs.late_output_url IS 'A result that came after the job was settled. It is kept beside the outcome, never over it.';
COMMENT ON COLUMN public.ai_jobs.attempt IS 'Only grows. Whoever writes an outcome names the attempt it saw.';

-- Few indexes: an update that touches an indexed column is never HOT. This one is the road of every sweep.
CREATE INDEX ai_jobs_stale ON public.ai_jobs ((COALESCE(started_at, queued_at, created_at)), id)
    WHERE status IN ('queued', 'starting', 'running');
CREATE INDEX ai_jobs_by_user ON public.ai_jobs (user_id, created_at);
CREATE UNIQUE INDEX ai_jobs_provider_task_belongs_to_one_job ON public.ai_jobs (tool, api_account, task_id)
    WHERE task_id IS NOT NULL;

-- The table of allowed moves stands in the condition, so that an allowed move costs no function call.
CREATE TRIGGER wrong_transitions_are_refused
    BEFORE UPDATE ON public.ai_jobs FOR EACH ROW
    WHEN (
        OLD.status IS DISTINCT FROM NEW.status AND NOT (
            (OLD.status = 'pending' AND NEW.status IN ('queued', 'starting', 'failed', 'cancelled'))
            OR (OLD.status = 'queued' AND NEW.status IN ('starting', 'failed', 'cancelled'))
            OR (OLD.status = 'starting' AND NEW.status IN ('running', 'queued', 'failed', 'cancelled'))
            OR (OLD.status = 'running' AND NEW.status IN ('completed', 'failed', 'cancelled'))
        )
    )
    EXECUTE FUNCTION watchdog.refuse_wrong_transition();

-- The parent's policies do not hold for a partition that is named directly, so both get the same.
-- This function makes structure and is therefore frozen with it, here and not in sql/functions: a migration that
-- changes what a partition needs replaces it and repairs the partitions in one step.
CREATE FUNCTION watchdog.guard_jobs_table(p_table_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    EXECUTE pg_catalog.format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', p_table_name);
    EXECUTE pg_catalog.format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated, service_role', p_table_name);
    EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON public.%I TO authenticated', p_table_name);
    EXECUTE pg_catalog.format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO service_role', p_table_name);
    EXECUTE pg_catalog.format(
        'CREATE POLICY users_read_their_own_jobs_and_admins_all ON public.%I FOR SELECT TO authenticated '
        'USING ((SELECT watchdog.current_user_id()) = user_id OR (SELECT watchdog.caller_is_admin()))', p_table_name);
    -- A new job carries nothing that only the server may know: no outcome, no money, no provider task.
    EXECUTE pg_catalog.format(
        'CREATE POLICY users_create_their_own_pending_jobs ON public.%I FOR INSERT TO authenticated '
        'WITH CHECK ((SELECT watchdog.current_user_id()) = user_id AND status = ''pending'' '
        'AND NOT credits_charged AND NOT credits_refunded AND user_credit_cost >= 0 AND attempt = 0 '
        'AND task_id IS NULL AND api_account IS NULL AND output_url IS NULL AND late_output_url IS NULL '
        'AND error_message IS NULL AND position IS NULL '
        'AND queued_at IS NULL AND started_at IS NULL AND completed_at IS NULL)', p_table_name);
END
$$;
COMMENT ON FUNCTION watchdog.guard_jobs_table(text) IS 'Gives ai_jobs or one of its partitions its grants and policies.';
REVOKE ALL ON FUNCTION watchdog.guard_jobs_table(text) FROM PUBLIC, anon, authenticated, service_role;

-- Takes a short exclusive lock on ai_jobs; the timeout keeps a busy table from queueing behind it.
CREATE FUNCTION watchdog.add_tool(p_tool text, p_table_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = '' SET lock_timeout = '5s'
AS $$
BEGIN
    INSERT INTO watchdog.tools (tool, table_name) VALUES (p_tool, p_table_name);
    EXECUTE pg_catalog.format(
        'CREATE TABLE public.%I PARTITION OF public.ai_jobs (tool DEFAULT %L) FOR VALUES IN (%L) '
        'WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02)',
        p_table_name, p_tool, p_tool);
    PERFORM watchdog.guard_jobs_table(p_table_name);
END
$$;
COMMENT ON FUNCTION watchdog.add_tool(text, text) IS
    'Adds a tool: its row in watchdog.tools and its partition of public.ai_jobs. For the owner of the schema only.';
REVOKE ALL ON FUNCTION watchdog.add_tool(text, text) FROM PUBLIC, anon, authenticated, service_role;

SELECT watchdog.guard_jobs_table('ai_jobs');
SELECT watchdog.add_tool('upscaler', 'upscaler_jobs');
SELECT watchdog.add_tool('pose_changer', 'pose_changer_jobs');
SELECT watchdog.add_tool('veste_ai', 'veste_ai_jobs');
SELECT watchdog.add_tool('video_upscaler', 'video_upscaler_jobs');
