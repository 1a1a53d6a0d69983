--! set: managed
-- What the life of a job leaves behind between a click and its result.
-- Which app runs it, what was submitted under which token, what the provider reported, which tasks outlived their job.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The settlement learns to guard by attempt and to take one result a job; the runner loads it anew after this.
DROP FUNCTION IF EXISTS watchdog.settle_locked_jobs(text, uuid[], jsonb);
DROP FUNCTION IF EXISTS watchdog.cancel_job(text, uuid, boolean);

ALTER TABLE watchdog.tools
    ADD COLUMN account text NOT NULL DEFAULT 'arcano_main',
    ADD COLUMN webhook_path text NOT NULL DEFAULT 'runninghub-webhook'
        CONSTRAINT webhook_path_is_one_segment CHECK (webhook_path ~ '^[a-z0-9-]+$'),
    ADD COLUMN attempts_max integer NOT NULL DEFAULT 10 CONSTRAINT attempts_max_is_positive CHECK (attempts_max > 0);
COMMENT ON COLUMN watchdog.tools.account IS 'The provider account that new jobs of this tool are admitted to. Accounts do not wait for each other.';
COMMENT ON COLUMN watchdog.tools.attempts_max IS 'How often a job may be refused for want of capacity before it fails and is refunded.';
UPDATE watchdog.tools SET webhook_path = 'runninghub-video-upscaler-webhook' WHERE tool = 'video_upscaler';
GRANT UPDATE (account, webhook_path, attempts_max) ON watchdog.tools TO service_role;

CREATE TABLE watchdog.provider_apps (
    tool text NOT NULL CONSTRAINT the_app_belongs_to_a_tool REFERENCES watchdog.tools (tool),
    app text NOT NULL DEFAULT 'default' CONSTRAINT app_is_a_plain_name CHECK (app ~ '^[a-z][a-z0-9_]{0,40}$'),
    app_id text NOT NULL CONSTRAINT app_id_is_a_number CHECK (app_id ~ '^[0-9]{1,32}$'),
    credit_cost integer CONSTRAINT app_cost_is_not_negative CHECK (credit_cost >= 0),
    PRIMARY KEY (tool, app)
);
COMMENT ON TABLE watchdog.provider_apps IS 'Which app of the provider does the work of a tool. A job names its app in its payload, else it is "default".';
COMMENT ON COLUMN watchdog.provider_apps.credit_cost IS 'What a job costs, whatever its row says. NULL: the row says it; then only servers should write rows.';

CREATE TABLE watchdog.provider_inputs (
    tool text NOT NULL,
    app text NOT NULL,
    input text NOT NULL CONSTRAINT input_is_a_plain_name CHECK (input ~ '^[a-z][a-zA-Z0-9_]{0,40}$'),
    node_id text NOT NULL,
    field_name text NOT NULL,
    PRIMARY KEY (tool, app, input),
    CONSTRAINT the_input_belongs_to_an_app FOREIGN KEY (tool, app) REFERENCES watchdog.provider_apps (tool, app)
);
COMMENT ON TABLE watchdog.provider_inputs IS
    'Which node of an app takes which input of a payload. An app without rows here takes the list "nodeInfoList" of the payload as it is.';

INSERT INTO watchdog.provider_apps (tool, app, app_id) VALUES
    ('upscaler', 'pro', '2015865378030755841'), ('upscaler', 'standard', '2017030861371219969'),
    ('upscaler', 'longe', '2017343414227963905'), ('upscaler', 'foto_antiga', '2018913880214343681'),
    ('upscaler', 'comida', '2015855359243587585'), ('upscaler', 'logo', '2019239272464785409'),
    ('upscaler', 'render3d', '2019234965992509442'),
    ('pose_changer', 'default', '2018451429635133442'), ('veste_ai', 'default', '2018755100210106369'),
    ('video_upscaler', 'default', '2018810750139109378');
INSERT INTO watchdog.provider_inputs (tool, app, input, node_id, field_name) VALUES
    ('pose_changer', 'default', 'person', '27', 'image'), ('pose_changer', 'default', 'reference', '60', 'image'),
    ('veste_ai', 'default', 'person', '41', 'image'), ('veste_ai', 'default', 'clothing', '43', 'image'),
    ('video_upscaler', 'default', 'video', '3', 'video');

CREATE TABLE watchdog.runninghub_accounts (
    account text PRIMARY KEY,
    base_url text,
    api_key text,
    requests_at_once_max integer NOT NULL DEFAULT 20 CONSTRAINT requests_at_once_max_is_positive CHECK (requests_at_once_max > 0),
    submits_paused_until timestamptz,
    pause_reason text,
    CONSTRAINT a_pause_has_a_reason CHECK ((submits_paused_until IS NULL) = (pause_reason IS NULL))
);
COMMENT ON TABLE watchdog.runninghub_accounts IS
    'Keys and limits of the provider accounts. The environment comes before it. Never readable by browsers.';
INSERT INTO watchdog.runninghub_accounts (account) VALUES ('arcano_main');

ALTER TABLE watchdog.active_jobs
    ADD COLUMN account text NOT NULL DEFAULT 'arcano_main',
    ADD COLUMN queued_at timestamptz,
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN leased_at timestamptz,
    ADD COLUMN rung_at timestamptz,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN check_count integer NOT NULL DEFAULT 0,
    ADD COLUMN last_verdict text,
    ADD COLUMN watch jsonb;
COMMENT ON COLUMN watchdog.active_jobs.queued_at IS 'The place in the queue of its account; NULL once the job starts.';
COMMENT ON COLUMN watchdog.active_jobs.rung_at IS 'When a webhook last asked for a check. It says nothing about the outcome.';
COMMENT ON COLUMN watchdog.active_jobs.seen_at IS 'When the provider last said that the task is alive.';
COMMENT ON COLUMN watchdog.active_jobs.watch IS 'The watching machine of this job between two checks, whichever node makes them.';
UPDATE watchdog.active_jobs AS active SET queued_at = COALESCE(job.queued_at, job.created_at)
  FROM public.ai_jobs AS job WHERE job.tool = active.tool AND job.id = active.job_id AND job.status = 'queued';
-- A table of the jobs at work: built in a moment.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX active_jobs_queue ON watchdog.active_jobs (account, queued_at, tool, job_id) WHERE queued_at IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX active_jobs_due ON watchdog.active_jobs (next_check_at, user_id) WHERE queued_at IS NULL;

ALTER TABLE watchdog.provider_slots
    ADD COLUMN next_check_at timestamptz,
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN lease_owner text,
    ADD COLUMN check_count integer NOT NULL DEFAULT 0;

CREATE TABLE watchdog.submissions (
    tool text NOT NULL,
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    account text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT each_attempt_has_a_token_of_its_own UNIQUE
        CONSTRAINT token_hash_is_sha_256 CHECK (pg_catalog.octet_length(token_hash) = 32),
    submitted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    answered_at timestamptz,
    outcome text NOT NULL DEFAULT 'open'
        CONSTRAINT submission_outcome_is_known CHECK (outcome IN ('open', 'accepted', 'no_capacity', 'not_sent', 'refused', 'unknown')),
    task_id text,
    claimed_task_id text,
    task_ended_at timestamptz,
    PRIMARY KEY (tool, job_id, attempt),
    CONSTRAINT an_accepted_submission_has_its_task CHECK ((outcome = 'accepted') = (task_id IS NOT NULL)),
    CONSTRAINT an_open_submission_has_no_answer CHECK ((outcome = 'open') = (answered_at IS NULL))
);
CREATE INDEX submissions_by_task ON watchdog.submissions (task_id) WHERE task_id IS NOT NULL;
COMMENT ON TABLE watchdog.submissions IS
    'One row per attempt to start a job at the provider, written before the provider is called. An open or unknown one may have a task.';
COMMENT ON COLUMN watchdog.submissions.task_ended_at IS 'When the provider confirmed that the task ended, however it did.';
COMMENT ON COLUMN watchdog.submissions.claimed_task_id IS 'What a webhook with this token says the task is. Only the provider can confirm it.';

CREATE TABLE watchdog.webhook_inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_received_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    seen_count integer NOT NULL DEFAULT 1 CONSTRAINT webhook_seen_count_is_positive CHECK (seen_count > 0),
    token_hash bytea NOT NULL,
    body_hash bytea NOT NULL,
    task_id text,
    body text NOT NULL,
    peer text,
    tool text,
    job_id uuid,
    attempt integer,
    outcome text NOT NULL
        CONSTRAINT webhook_outcome_is_known CHECK (outcome IN ('rung', 'early', 'late', 'forged', 'unknown', 'misshapen')),
    CONSTRAINT a_repeated_webhook_is_counted UNIQUE (token_hash, body_hash)
);
CREATE INDEX webhook_inbox_by_job ON watchdog.webhook_inbox (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX webhook_inbox_by_time ON watchdog.webhook_inbox (last_received_at);
COMMENT ON TABLE watchdog.webhook_inbox IS
    'Every webhook as it came, stored before anything is done about it. It rings for a check; it never changes a job.';

CREATE TABLE watchdog.orphan_tasks (
    tool text NOT NULL,
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    account text NOT NULL,
    task_id text,
    reason text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    next_check_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    check_count integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_owner text,
    ended_at timestamptz,
    end_verdict text,
    PRIMARY KEY (tool, job_id, attempt),
    CONSTRAINT an_ended_orphan_has_its_verdict CHECK ((ended_at IS NULL) = (end_verdict IS NULL))
);
CREATE INDEX orphan_tasks_open ON watchdog.orphan_tasks (next_check_at) WHERE ended_at IS NULL AND task_id IS NOT NULL;
COMMENT ON TABLE watchdog.orphan_tasks IS
    'Tasks that may outlive their job: it was settled and the provider did not confirm their end. They are asked about until it does.';

-- The timeline of a job looks for the batch that settled it by its time. A BRIN index is one quick read of the table.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX audit_log_by_time ON public.audit_log USING brin (created_at);

ALTER TABLE watchdog.provider_apps ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.provider_inputs ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.runninghub_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.submissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.webhook_inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE watchdog.orphan_tasks ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON watchdog.provider_apps, watchdog.provider_inputs, watchdog.runninghub_accounts, watchdog.submissions,
    watchdog.webhook_inbox, watchdog.orphan_tasks FROM PUBLIC, anon, authenticated, service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON watchdog.provider_apps, watchdog.provider_inputs, watchdog.runninghub_accounts TO service_role;
-- Written by functions alone.
GRANT SELECT ON watchdog.submissions, watchdog.webhook_inbox, watchdog.orphan_tasks TO service_role;
