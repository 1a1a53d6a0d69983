--! set: managed
-- The exams, a second kind of work that can hang, and the roles that make a user an administrator.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.exams (
    id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    user_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'pending'
        CONSTRAINT exam_status_is_known CHECK (status IN ('pending', 'analyzing', 'completed', 'failed')),
    file_url text,
    result jsonb,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX exams_analyzing ON public.exams (updated_at, id) WHERE status = 'analyzing';
CREATE INDEX exams_by_user ON public.exams (user_id, created_at);
COMMENT ON TABLE public.exams IS 'Exams. One that stays in analyzing goes back to pending after five minutes without an update.';

CREATE TABLE public.user_roles (
    user_id uuid NOT NULL,
    role text NOT NULL CONSTRAINT role_is_not_empty CHECK (role <> ''),
    PRIMARY KEY (user_id, role)
);
COMMENT ON TABLE public.user_roles IS 'Who is an administrator. Roles come from here, never from what a token says about its user.';

ALTER TABLE public.exams ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.user_roles ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.exams, public.user_roles FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT ON public.exams, public.user_roles TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.exams, public.user_roles TO service_role;

CREATE POLICY users_read_their_own_exams_and_admins_all ON public.exams FOR SELECT TO authenticated
    USING ((SELECT watchdog.current_user_id()) = user_id OR (SELECT watchdog.caller_is_admin()));
CREATE POLICY users_read_their_own_roles_and_admins_all ON public.user_roles FOR SELECT TO authenticated
    USING ((SELECT watchdog.current_user_id()) = user_id OR (SELECT watchdog.caller_is_admin()));
