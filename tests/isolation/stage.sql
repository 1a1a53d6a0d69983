-- The stage of the isolation specs: a small world that is made anew for each permutation, the sweep's compiled statements
-- as steps, and what is looked at in the end. Applied to a fresh managed database, after a mutant of it.
CREATE SCHEMA stage;

-- Whoever waits in a spec waits for the next step, which a busy machine may delay; a deadlock shall be found at once.
DO $$
DECLARE
    v_patient regprocedure;
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET deadlock_timeout = ''100ms''', pg_catalog.current_database());
    -- So small a world is looked at faster than it takes to compile the look, or to call helpers.
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET jit = off', pg_catalog.current_database());
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET max_parallel_workers_per_gather = 0', pg_catalog.current_database());
    -- Which of many rows a look-up takes is luck, so one that finds many fails.
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET plpgsql.extra_errors = ''too_many_rows''', pg_catalog.current_database());
    FOR v_patient IN SELECT oid FROM pg_catalog.pg_proc WHERE proconfig::text LIKE '%lock_timeout=%' LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %s SET lock_timeout = ''2min''', v_patient);
    END LOOP;
END
$$;

-- Names.
CREATE FUNCTION stage.job(p_number integer) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN ('00000000-0000-4000-8000-' || lpad(p_number::text, 12, '0'))::uuid;
CREATE FUNCTION stage.number_of(p_key text) RETURNS text LANGUAGE sql IMMUTABLE RETURN ltrim(right(p_key, 12), '0');
CREATE FUNCTION stage.person(p_name text) RETURNS uuid LANGUAGE sql IMMUTABLE RETURN md5(p_name)::uuid;

-- A request as the server in front of PostgreSQL makes it, until the transaction ends.
CREATE PROCEDURE stage.act_as(p_name text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims',
                       jsonb_build_object('sub', stage.person(p_name), 'role', 'authenticated')::text, true),
            set_config('role', 'authenticated', true);
END
$$;

-- A table that jobwatchdog did not make, watched by the rule in watched.toml, with a refund function of its owner.
CREATE TABLE public.tasks (
    id bigint PRIMARY KEY, status text NOT NULL, user_id text NOT NULL, cost integer NOT NULL, charged boolean NOT NULL,
    refunded boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL, task_id text, api_account text, output_url text);
CREATE TABLE public.wallets (user_id text PRIMARY KEY, balance integer NOT NULL);
CREATE TABLE public.payments (user_id text NOT NULL, amount integer NOT NULL);
CREATE FUNCTION public.give_back(p_user text, p_amount integer, p_description text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.wallets SET balance = balance + p_amount WHERE user_id = p_user;
    INSERT INTO public.payments VALUES (p_user, p_amount);
    RETURN true;
END
$$;

-- An application's own trigger: an exam that is to be billed needs the wallet at once, and one under hold stays as it is.
CREATE FUNCTION public.hold_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.file_url = 'on hold' THEN
        RAISE EXCEPTION 'this exam stays as it is';
    END IF;
    PERFORM FROM public.wallets WHERE user_id = 'alice' FOR UPDATE NOWAIT;
    RETURN NEW;
END
$$;
CREATE TRIGGER billed_exams_hold_the_wallet BEFORE UPDATE ON public.exams FOR EACH ROW
    WHEN (OLD.file_url IS NOT NULL) EXECUTE FUNCTION public.hold_wallet();

-- The patience of this tool differs from that of the others, and its row comes last.
UPDATE watchdog.tools SET hard_deadline_after = '15 minutes' WHERE tool = 'upscaler';

-- The compiled statements of the rules, filled from `jobwatchdog rules show --sql`.
CREATE TABLE stage.statements (rule text, relation text, step text, sql text NOT NULL, PRIMARY KEY (rule, relation, step));

-- Runs one of them as the binary does: parameters without a type, so that PostgreSQL infers them.
CREATE FUNCTION stage.run(p_rule text, p_relation text, p_step text, VARIADIC p_arguments text[])
RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_literals text := (SELECT string_agg(quote_nullable(argument), ', ' ORDER BY place)
                          FROM unnest(p_arguments) WITH ORDINALITY AS given (argument, place));
    v_row record;
BEGIN
    IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'stage_statement') THEN
        DEALLOCATE stage_statement;
    END IF;
    EXECUTE 'PREPARE stage_statement AS ' || (SELECT sql FROM stage.statements
                                               WHERE (rule, relation, step) = (p_rule, p_relation, p_step));
    FOR v_row IN EXECUTE 'EXECUTE stage_statement(' || v_literals || ')' LOOP
        RETURN NEXT to_jsonb(v_row);
    END LOOP;
END
$$;

-- The steps of a sweep. The page is remembered by the session, the locked rows by the transaction.
CREATE FUNCTION stage.sweep_find(p_rule text, p_relation text) RETURNS TABLE (found text, was text) LANGUAGE plpgsql AS $$
DECLARE
    v_now text := clock_timestamp()::text;
    v_rows jsonb := (SELECT COALESCE(jsonb_agg(suspect), '[]')
                       FROM stage.run(p_rule, p_relation, 'find', v_now, NULL, NULL, '1000') AS suspect);
BEGIN
    PERFORM set_config('stage.page', jsonb_build_object('rule', p_rule, 'relation', p_relation, 'now', v_now,
        'keys', (SELECT COALESCE(array_agg(suspect ->> 'key'), '{}')::text FROM jsonb_array_elements(v_rows) AS suspect),
        'min', v_rows -> 0 ->> 'aged_since', 'max', v_rows -> -1 ->> 'aged_since')::text, false);
    RETURN QUERY SELECT stage.number_of(suspect ->> 'key'), suspect ->> 'status' FROM jsonb_array_elements(v_rows) AS suspect;
END
$$;

-- Which of a sweep's two ways a permutation goes: take, as every page does at first, or lock, by the keys of what was found,
-- as a page does that made trouble.
CREATE TABLE stage.way (step text NOT NULL);

-- By take, what was found gives only the time; a page may go on behind the last row of the one before.
CREATE FUNCTION stage.sweep_lock(p_goes_on boolean DEFAULT false) RETURNS TABLE (locked text, was text) LANGUAGE plpgsql AS $$
DECLARE
    v_page jsonb := current_setting('stage.page')::jsonb;
    v_step text := (SELECT way.step FROM stage.way);
    v_last jsonb := CASE WHEN p_goes_on THEN current_setting('stage.last')::jsonb END;
    v_arguments text[] := CASE v_step
        WHEN 'take' THEN ARRAY[v_last ->> 'aged_since', v_last ->> 'key', '1000']
        WHEN 'lock' THEN ARRAY[v_page ->> 'keys', v_page ->> 'min', v_page ->> 'max'] END;
    v_rows jsonb := (SELECT COALESCE(jsonb_agg(held), '[]')
                       FROM stage.run(v_page ->> 'rule', v_page ->> 'relation', v_step,
                                      VARIADIC ARRAY[v_page ->> 'now'] || v_arguments) AS held);
BEGIN
    PERFORM set_config('stage.locked', v_rows::text, true), set_config('stage.last', v_rows ->> -1, false);
    RETURN QUERY SELECT stage.number_of(held ->> 'key'), held ->> 'status' FROM jsonb_array_elements(v_rows) AS held
                  ORDER BY 1;
END
$$;

-- A batch in which nothing was locked ends without another statement.
CREATE FUNCTION stage.sweep_settle() RETURNS TABLE (settled text, status text, refunded_amount text) LANGUAGE plpgsql AS $$
DECLARE
    v_page jsonb := current_setting('stage.page')::jsonb;
    v_keys text := (SELECT array_agg(held ->> 'key') FROM jsonb_array_elements(current_setting('stage.locked')::jsonb) AS held);
BEGIN
    RETURN QUERY SELECT stage.number_of(stored ->> 'key'), stored ->> 'status', stored ->> 'refunded_amount'
                   FROM stage.run(v_page ->> 'rule', v_page ->> 'relation', 'settle', v_keys) AS stored
                  WHERE v_keys IS NOT NULL
                  ORDER BY 1;
END
$$;

-- As core decides over the locked facts: charged, not yet refunded, and something to give.
CREATE FUNCTION stage.sweep_refund() RETURNS TABLE (paid text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_page jsonb := current_setting('stage.page')::jsonb;
    v_keys text := (SELECT array_agg(held ->> 'key') FROM jsonb_array_elements(current_setting('stage.locked')::jsonb) AS held
                     WHERE (held ->> 'charged')::boolean AND NOT (held ->> 'refunded')::boolean
                       AND (held ->> 'refund_amount')::bigint > 0);
BEGIN
    RETURN QUERY SELECT stage.number_of(given ->> 'key'), given ->> 'result'
                   FROM stage.run(v_page ->> 'rule', v_page ->> 'relation', 'refund', v_keys) AS given
                  WHERE v_keys IS NOT NULL;
END
$$;

-- The world. A charged job has its entry and took its price from 1,000 credits.
CREATE PROCEDURE stage.add_job(p_number integer, p_tool text, p_person text, p_status text, p_age interval, p_cost integer,
                               p_charged boolean DEFAULT true) LANGUAGE plpgsql AS $$
DECLARE
    v_then timestamptz := clock_timestamp() - p_age;
BEGIN
    INSERT INTO public.ai_jobs (id, tool, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, started_at)
    VALUES (stage.job(p_number), p_tool, stage.person(p_person), p_status, p_cost, p_charged, v_then,
            CASE WHEN p_status <> 'pending' THEN v_then END, CASE WHEN p_status NOT IN ('pending', 'queued') THEN v_then END);
    INSERT INTO public.upscaler_credits (user_id, balance, opening) SELECT stage.person(p_person), 1000, 1000
     WHERE NOT EXISTS (SELECT FROM public.upscaler_credits WHERE user_id = stage.person(p_person));
    IF p_charged THEN
        INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount)
        VALUES (p_tool, stage.job(p_number), 'charge', stage.person(p_person), -p_cost);
        UPDATE public.upscaler_credits SET balance = balance - p_cost WHERE user_id = stage.person(p_person);
    END IF;
END
$$;

CREATE PROCEDURE stage.admit(p_number integer, p_tool text, p_account text, p_slot integer) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt, next_check_at)
    SELECT user_id, tool, id, attempt, 'infinity' FROM public.ai_jobs WHERE (tool, id) = (p_tool, stage.job(p_number));
    INSERT INTO watchdog.provider_slots (account, slot, tool, job_id, attempt, state)
    VALUES (p_account, p_slot, p_tool, stage.job(p_number), 0, 'taken');
END
$$;

-- A writer from before admission: the job runs without a row in active_jobs and without a slot.
CREATE PROCEDURE stage.forget_admission(p_number integer) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM watchdog.active_jobs WHERE (tool, job_id) = ('upscaler', stage.job(p_number));
    DELETE FROM watchdog.provider_slots WHERE (tool, job_id) = ('upscaler', stage.job(p_number));
END
$$;

-- A server that charges a job after it was made. It locks as the settlement does: job, ledger, balance.
CREATE FUNCTION stage.charge(p_number integer, p_cost integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_user_id uuid;
BEGIN
    UPDATE public.ai_jobs SET credits_charged = true, user_credit_cost = p_cost
     WHERE (tool, id) = ('upscaler', stage.job(p_number)) AND status IN ('queued', 'starting', 'running') AND NOT credits_charged
    RETURNING user_id INTO v_user_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount)
    VALUES ('upscaler', stage.job(p_number), 'charge', v_user_id, -p_cost);
    UPDATE public.upscaler_credits SET balance = balance - p_cost WHERE user_id = v_user_id;
    RETURN true;
END
$$;

CREATE PROCEDURE stage.make_stale(p_number integer) LANGUAGE sql AS $$
    UPDATE public.ai_jobs SET started_at = clock_timestamp() - interval '30 minutes'
     WHERE (tool, id) = ('upscaler', stage.job(p_number));
$$;

-- The life of a job. A node is named after its session; its tokens, and the one of a job that a spec lets begin with an answer,
-- are hashes of plain words.
CREATE FUNCTION stage.node() RETURNS text LANGUAGE sql STABLE
RETURN substring(current_setting('application_name') from '[^/]*$');
CREATE FUNCTION stage.hash_of(p_token text) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN sha256(convert_to(p_token, 'UTF8'));
CREATE FUNCTION stage.tokens(p_word text, p_count integer) RETURNS bytea[] LANGUAGE sql STABLE
RETURN (SELECT array_agg(stage.hash_of(concat_ws(' ', p_word, number, stage.node())) ORDER BY number) FROM generate_series(1, p_count) AS number);
CREATE FUNCTION stage.payload(p_tool text) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN CASE p_tool WHEN 'upscaler' THEN '{"app": "pro"}' ELSE '{"inputs": {"person": "a.png", "reference": "b.png"}}' END::jsonb;

CREATE PROCEDURE stage.queue(p_number integer, p_tool text, p_person text, p_age interval, p_cost integer) LANGUAGE plpgsql AS $$
BEGIN
    CALL stage.add_job(p_number, p_tool, p_person, 'queued', p_age, p_cost);
    UPDATE public.ai_jobs SET payload = stage.payload(p_tool), api_account = 'arcano_main' WHERE (tool, id) = (p_tool, stage.job(p_number));
    INSERT INTO watchdog.active_jobs (user_id, tool, job_id, queued_at)
    SELECT user_id, tool, id, queued_at FROM public.ai_jobs WHERE (tool, id) = (p_tool, stage.job(p_number));
END
$$;

-- Three who wait, over two tools, two of them of one id, in another order than that of their keys; and so many free slots. One
-- waits on another account longer than they, and for nothing; a third account has slots and nobody who waits.
CREATE PROCEDURE stage.open_queue(p_free_count integer) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watchdog.provider_slots (account, slot) SELECT 'arcano_main', number FROM generate_series(4, 3 + p_free_count) AS number;
    INSERT INTO watchdog.provider_slots (account, slot) VALUES ('another', 1), ('another', 4);
    CALL stage.queue(22, 'upscaler', 'grace', '3 minutes', 20);
    CALL stage.queue(22, 'pose_changer', 'heidi', '2 minutes', 20);
    CALL stage.queue(21, 'upscaler', 'frank', '1 minute', 20);
    UPDATE public.ai_jobs SET attempt = 2 WHERE (tool, id) = ('pose_changer', stage.job(22));
    UPDATE watchdog.active_jobs SET attempt = 2 WHERE (tool, job_id) = ('pose_changer', stage.job(22));
    CALL stage.queue(24, 'upscaler', 'ivan', '5 minutes', 20);
    UPDATE watchdog.active_jobs SET account = 'spare' WHERE job_id = stage.job(24);
END
$$;

-- Jobs as a page sees them, in the order asked: those that wait, one that runs, two of grace's that ended, one of no table, and none.
CREATE FUNCTION stage.look(p_person text) RETURNS TABLE (asked text, tool text, job text, status text, verdict text, checks integer,
                                                         place bigint, queued bigint, free bigint) LANGUAGE sql AS $$
    SELECT asked_table, tool, stage.number_of(job_id::text), status, last_verdict, check_count, position, total_queued, free_slots
      FROM watchdog.look_at_jobs(ARRAY['upscaler_jobs', 'pose_changer_jobs', 'public.upscaler_jobs', 'upscaler_jobs', 'upscaler_jobs',
                                       'upscaler_jobs', 'veste_ai_jobs', 'no_jobs', 'upscaler_jobs'],
                                 ARRAY[stage.job(22), stage.job(22), stage.job(21), stage.job(24), stage.job(1),
                                       stage.job(28), stage.job(22), stage.job(1), stage.job(99)],
                                 CASE WHEN p_person IS NOT NULL THEN stage.person(p_person) END)
$$;

-- A job that was submitted as task-NUMBER with the token token-NUMBER; without an answer yet, it is starting. Its check is due.
CREATE PROCEDURE stage.submit(p_number integer, p_outcome text) LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE
    v_task_id text := CASE p_outcome WHEN 'accepted' THEN 'task-' || p_number END;
BEGIN
    INSERT INTO watchdog.submissions (tool, job_id, attempt, account, token_hash, outcome, answered_at, task_id)
    SELECT tool, id, attempt, 'arcano_main', stage.hash_of('token-' || p_number), p_outcome,
           CASE WHEN p_outcome <> 'open' THEN clock_timestamp() END, v_task_id
      FROM public.ai_jobs WHERE (tool, id) = ('upscaler', stage.job(p_number));
    UPDATE public.ai_jobs SET task_id = v_task_id, api_account = 'arcano_main', payload = stage.payload(tool),
           status = CASE WHEN v_task_id IS NULL AND status = 'running' THEN 'starting' ELSE status END
     WHERE (tool, id) = ('upscaler', stage.job(p_number));
    UPDATE watchdog.provider_slots SET task_id = v_task_id WHERE (tool, job_id) = ('upscaler', stage.job(p_number));
    UPDATE watchdog.active_jobs SET next_check_at = clock_timestamp() WHERE (tool, job_id) = ('upscaler', stage.job(p_number));
END
$$;

-- A job that was cancelled while its task was under way: its slot waits for the provider's word.
CREATE PROCEDURE stage.end_job(p_number integer, p_minutes_left integer) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM watchdog.settle_jobs('upscaler_jobs', ARRAY[stage.job(p_number)], '{"status": "cancelled"}');
    UPDATE watchdog.provider_slots SET deadline_at = clock_timestamp() + p_minutes_left * interval '1 minute'
     WHERE (tool, job_id) = ('upscaler', stage.job(p_number));
END
$$;

-- What a node tells of jobs of the upscaler, all of them in one attempt: a list for one of the functions.
CREATE FUNCTION stage.told(p_attempt integer, p_facts jsonb, VARIADIC p_numbers integer[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN (SELECT jsonb_agg(jsonb_build_object('tool', 'upscaler', 'job_id', stage.job(number), 'attempt', p_attempt,
                                            'words', jsonb_build_object('code', 0)) ||
                         CASE WHEN p_facts ? 'task_id' THEN p_facts || jsonb_build_object('task_id', 'task-' || number) ELSE p_facts END
                         ORDER BY place)
          FROM unnest(p_numbers) WITH ORDINALITY AS given (number, place));

CREATE TABLE stage.remembered (job text PRIMARY KEY, state text NOT NULL);
CREATE TABLE stage.remembered_exams (id uuid PRIMARY KEY, updated_at timestamptz NOT NULL);

-- Job 1 hangs and is fought over. The others stand by and must stay as they are: job 2 is healthy, its slot has a
-- deadline but is no cancelled one; another tool has a job with the same id; job 4 is done; job 5 holds the slot of the
-- same number of another account. Rows are deleted, not truncated, because that is quick; triggers do not see it.
CREATE PROCEDURE stage.reset(p_way text) LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    DELETE FROM stage.way;
    INSERT INTO stage.way VALUES (p_way);
    DELETE FROM watchdog.active_jobs;
    DELETE FROM watchdog.provider_slots;
    DELETE FROM watchdog.submissions;
    DELETE FROM watchdog.orphan_tasks;
    DELETE FROM watchdog.webhook_inbox;
    UPDATE watchdog.runninghub_accounts SET submits_paused_until = NULL, pause_reason = NULL;
    DELETE FROM watchdog.credit_ledger;
    DELETE FROM watchdog.isolated_rows;
    DELETE FROM public.upscaler_credits;
    DELETE FROM public.ai_jobs;
    DELETE FROM public.exams;
    DELETE FROM public.user_roles;
    DELETE FROM public.audit_log;
    DELETE FROM public.tasks;
    DELETE FROM public.wallets;
    DELETE FROM public.payments;
    DELETE FROM stage.remembered;
    DELETE FROM stage.remembered_exams;
    CALL stage.add_job(5, 'upscaler', 'erin', 'running', '1 minute', 10);
    CALL stage.add_job(4, 'upscaler', 'dave', 'completed', '1 hour', 25);
    CALL stage.add_job(2, 'upscaler', 'bob', 'running', '1 minute', 30);
    CALL stage.add_job(1, 'pose_changer', 'carol', 'running', '1 minute', 40);
    CALL stage.add_job(1, 'upscaler', 'alice', 'running', '1 hour', 60);
    CALL stage.admit(1, 'upscaler', 'arcano_main', 1);
    CALL stage.admit(2, 'upscaler', 'arcano_main', 2);
    CALL stage.admit(1, 'pose_changer', 'arcano_main', 3);
    CALL stage.admit(5, 'upscaler', 'spare', 1);
    UPDATE watchdog.provider_slots SET deadline_at = clock_timestamp() - interval '1 minute' WHERE account = 'arcano_main' AND slot = 2;
    INSERT INTO public.user_roles VALUES (stage.person('admin'), 'admin');
    INSERT INTO public.exams (id, user_id, status, updated_at) VALUES
        (stage.job(1), stage.person('alice'), 'analyzing', clock_timestamp() - interval '1 hour'),
        (stage.job(2), stage.person('bob'), 'analyzing', clock_timestamp() - interval '1 minute'),
        (stage.job(3), stage.person('carol'), 'completed', clock_timestamp() - interval '1 hour');
    INSERT INTO public.tasks VALUES
        (1, 'running', 'alice', 60, true, false, clock_timestamp() - interval '1 hour', NULL),
        (2, 'running', 'bob', 30, true, false, clock_timestamp() - interval '1 minute', NULL);
    INSERT INTO public.wallets VALUES ('alice', 940), ('bob', 970);
END
$$;

CREATE VIEW stage.states AS
SELECT job.tool || ' ' || stage.number_of(job.id::text) AS job, job.status,
       job.credits_refunded AS flag,
       (SELECT count(*) FROM watchdog.credit_ledger AS entry
         WHERE (entry.tool, entry.job_id, entry.kind) = (job.tool, job.id, 'refund')) AS refunds,
       (SELECT max(credits.balance) FROM public.upscaler_credits AS credits WHERE credits.user_id = job.user_id) AS balance,
       (SELECT count(*) FROM watchdog.active_jobs AS active WHERE (active.tool, active.job_id) = (job.tool, job.id)) AS active,
       (SELECT string_agg(slot.state || COALESCE(' ' || extract(epoch FROM slot.deadline_at - slot.changed_at)::integer / 60, ''), ', ') FROM watchdog.provider_slots AS slot WHERE (slot.tool, slot.job_id) = (job.tool, job.id)) AS slot
  FROM public.ai_jobs AS job;

CREATE FUNCTION stage.until(p_when timestamptz) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN NOT isfinite(p_when) THEN 'never' WHEN p_when <= clock_timestamp() + interval '5 seconds' THEN 'due'
                ELSE 'in ' || round(extract(epoch FROM p_when - clock_timestamp()) / 60) END;
$$;

-- The same jobs as they live: the place in the queue, the next check, the slot, the attempts at the provider, what outlived them.
CREATE VIEW stage.lives AS
SELECT job.tool || ' ' || stage.number_of(job.id::text) AS job, job.status, job.attempt, job.task_id AS task,
       (SELECT concat_ws(', ', CASE WHEN active.queued_at IS NULL THEN stage.until(active.next_check_at)
                              ELSE 'place ' || (SELECT count(*) FROM watchdog.active_jobs AS ahead
                                              WHERE ahead.account = active.account AND ahead.queued_at <= active.queued_at) END, 'leased by ' || active.lease_owner,
                         CASE WHEN active.rung_at IS NOT NULL THEN 'rung' END, active.last_verdict)
          FROM watchdog.active_jobs AS active WHERE (active.tool, active.job_id) = (job.tool, job.id)) AS active,
       (SELECT concat_ws(' ', slot.account, slot.slot, slot.state, 'attempt', slot.attempt, slot.task_id, stage.until(slot.next_check_at),
                         'leased by ' || slot.lease_owner)
          FROM watchdog.provider_slots AS slot WHERE (slot.tool, slot.job_id) = (job.tool, job.id)) AS slot,
       (SELECT string_agg(concat_ws(' ', sent.attempt, sent.outcome, sent.task_id, 'claimed ' || sent.claimed_task_id,
                                    CASE WHEN sent.task_ended_at IS NOT NULL THEN 'ended' END), ', ' ORDER BY sent.attempt)
          FROM watchdog.submissions AS sent WHERE (sent.tool, sent.job_id) = (job.tool, job.id)) AS submissions,
       (SELECT string_agg(concat_ws(' ', lost.attempt, lost.task_id, COALESCE(lost.end_verdict, stage.until(lost.next_check_at)),
                                    'leased by ' || lost.lease_owner), ', ' ORDER BY lost.attempt)
          FROM watchdog.orphan_tasks AS lost WHERE (lost.tool, lost.job_id) = (job.tool, job.id)) AS orphans,
       COALESCE(job.output_url, 'late: ' || job.late_output_url) AS result,
       (SELECT count(*) FROM watchdog.credit_ledger AS entry WHERE (entry.tool, entry.job_id) = (job.tool, job.id)) AS entries,
       (SELECT max(credits.balance) FROM public.upscaler_credits AS credits WHERE credits.user_id = job.user_id) AS balance
  FROM public.ai_jobs AS job;

-- Called after the setup of a spec: from here on every change is an outcome.
CREATE PROCEDURE stage.remember() LANGUAGE sql AS $$
    INSERT INTO stage.remembered SELECT states.job, states::text FROM stage.states AS states ON CONFLICT DO NOTHING;
    INSERT INTO stage.remembered SELECT 'life of ' || lives.job, lives::text FROM stage.lives AS lives ON CONFLICT DO NOTHING;
    INSERT INTO stage.remembered_exams SELECT id, updated_at FROM public.exams ON CONFLICT DO NOTHING;
$$;

-- All that the audit finds, on a line. The view stage.violations is made from sql/audit.sql.
CREATE FUNCTION stage.audit() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT COALESCE(string_agg(found.law || ': ' || found.record || ', ' || found.detail, '; '), 'clean')
              FROM stage.violations AS found);
END
$$;

-- The jobs that are fought over, and every other one that is not as it was.
CREATE FUNCTION stage.outcome(VARIADIC p_numbers integer[])
RETURNS TABLE (job text, status text, flag boolean, refunds bigint, balance integer, active bigint, slot text, audit text)
LANGUAGE sql AS $$
    SELECT states.*, stage.audit() FROM stage.states AS states
     WHERE states.job IN (SELECT 'upscaler ' || number FROM unnest(p_numbers) AS number)
        OR states::text IS DISTINCT FROM (SELECT remembered.state FROM stage.remembered WHERE remembered.job = states.job)
     ORDER BY states.job DESC;
$$;

CREATE FUNCTION stage.life(VARIADIC p_numbers integer[])
RETURNS TABLE (job text, status text, attempt integer, task text, active text, slot text, submissions text, orphans text, result text,
               entries bigint, balance integer, audit text)
LANGUAGE sql AS $$
    SELECT lives.*, stage.audit() FROM stage.lives AS lives
     WHERE lives.job IN (SELECT 'upscaler ' || number FROM unnest(p_numbers) AS number)
        OR lives::text IS DISTINCT FROM (SELECT remembered.state FROM stage.remembered WHERE remembered.job = 'life of ' || lives.job)
     ORDER BY lives.job;
$$;

CREATE VIEW stage.exams AS
SELECT stage.number_of(exam.id::text) AS exam, exam.status, exam.updated_at <> remembered.updated_at AS touched,
       (SELECT count(*) FROM public.audit_log AS told WHERE told.new_data -> 'ids' ? exam.id::text) AS told,
       (SELECT count(*) FROM watchdog.isolated_rows AS bad WHERE bad.record_id = exam.id::text) AS isolated,
       stage.audit()
  FROM public.exams AS exam LEFT JOIN stage.remembered_exams AS remembered USING (id)
 ORDER BY exam.id;

CREATE VIEW stage.tasks AS
SELECT task.id AS task, task.status, task.refunded,
       (SELECT count(*) FROM public.payments AS payment WHERE payment.user_id = task.user_id) AS payments, wallet.balance
  FROM public.tasks AS task JOIN public.wallets AS wallet USING (user_id) ORDER BY task.id;

GRANT USAGE ON SCHEMA stage TO authenticated;

-- Writes that go around the functions, each in a subtransaction: the constraint that refused it, or that none did.
CREATE TABLE stage.wrong_writes (place integer GENERATED ALWAYS AS IDENTITY, topic text, write text, sql text);
INSERT INTO stage.wrong_writes (topic, write, sql) VALUES
    ('money', 'a second charge', $$INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount) VALUES ('upscaler', stage.job(1), 'charge', stage.person('alice'), -1)$$),
    ('money', 'an entry with the number of another', $$INSERT INTO watchdog.credit_ledger (id, kind, user_id, amount) OVERRIDING SYSTEM VALUE SELECT id, 'grant', user_id, 1 FROM watchdog.credit_ledger LIMIT 1$$),
    ('money', 'an entry of no known kind', $$INSERT INTO watchdog.credit_ledger (kind, user_id, amount) VALUES ('gift', stage.person('alice'), 1)$$),
    ('money', 'a refund of no job', $$INSERT INTO watchdog.credit_ledger (kind, user_id, amount) VALUES ('refund', stage.person('alice'), 1)$$),
    ('money', 'a consumption that gives', $$INSERT INTO watchdog.credit_ledger (kind, user_id, amount) VALUES ('consume', stage.person('alice'), 1)$$),
    ('money', 'a changed entry', $$UPDATE watchdog.credit_ledger SET amount = amount - 1 WHERE job_id = stage.job(2)$$),
    ('money', 'a deleted entry', $$DELETE FROM watchdog.credit_ledger WHERE job_id = stage.job(2)$$),
    ('money', 'a balance below zero', $$UPDATE public.upscaler_credits SET balance = -1 WHERE user_id = stage.person('alice')$$),
    ('money', 'a second balance of a user', $$INSERT INTO public.upscaler_credits (user_id, balance, opening) VALUES (stage.person('alice'), 5, 5)$$),
    ('admission', 'a second active job of a user', $$INSERT INTO watchdog.active_jobs (user_id, tool, job_id) VALUES (stage.person('alice'), 'upscaler', stage.job(4))$$),
    ('admission', 'a job that is active twice', $$INSERT INTO watchdog.active_jobs (user_id, tool, job_id) VALUES (stage.person('dave'), 'upscaler', stage.job(1))$$),
    ('admission', 'an active job that is not there', $$INSERT INTO watchdog.active_jobs (user_id, tool, job_id) VALUES (stage.person('dave'), 'upscaler', stage.job(99))$$),
    ('admission', 'a slot of an account twice', $$INSERT INTO watchdog.provider_slots (account, slot) VALUES ('arcano_main', 1)$$),
    ('admission', 'a slot zero', $$INSERT INTO watchdog.provider_slots (account, slot) VALUES ('arcano_main', 0)$$),
    ('admission', 'a job in two slots', $$UPDATE watchdog.provider_slots SET job_id = stage.job(1) WHERE account = 'arcano_main' AND slot = 2$$),
    ('admission', 'a slot for a job that is not there', $$UPDATE watchdog.provider_slots SET job_id = stage.job(99) WHERE account = 'arcano_main' AND slot = 1$$),
    ('admission', 'a slot in no known state', $$UPDATE watchdog.provider_slots SET state = 'busy' WHERE account = 'arcano_main' AND slot = 1$$),
    ('admission', 'a free slot with a job', $$UPDATE watchdog.provider_slots SET state = 'free', attempt = NULL WHERE account = 'arcano_main' AND slot = 1$$),
    ('admission', 'a free slot with a memory', $$UPDATE watchdog.provider_slots SET state = 'free', tool = NULL, job_id = NULL WHERE account = 'arcano_main' AND slot = 1$$),
    ('admission', 'a taken slot without an attempt', $$UPDATE watchdog.provider_slots SET attempt = NULL WHERE account = 'arcano_main' AND slot = 1$$),
    ('admission', 'a cancelling slot without a deadline', $$UPDATE watchdog.provider_slots SET state = 'cancelling' WHERE account = 'arcano_main' AND slot = 1$$),
    ('jobs', 'a job twice', $$INSERT INTO public.upscaler_jobs (id, user_id) VALUES (stage.job(1), stage.person('alice'))$$),
    ('jobs', 'a job in no known status', $$INSERT INTO public.upscaler_jobs (user_id, status) VALUES (stage.person('alice'), 'lost')$$),
    ('jobs', 'a job with a price below zero', $$UPDATE public.ai_jobs SET user_credit_cost = -1 WHERE id = stage.job(2)$$),
    ('jobs', 'a job with an attempt below zero', $$UPDATE public.ai_jobs SET attempt = -1 WHERE id = stage.job(2)$$),
    ('jobs', 'a completed job that fails', $$UPDATE public.ai_jobs SET status = 'failed' WHERE id = stage.job(4)$$),
    ('jobs', 'a running job that waits again', $$UPDATE public.ai_jobs SET status = 'pending' WHERE id = stage.job(2)$$),
    ('jobs', 'a provider task of two jobs', $$UPDATE public.ai_jobs SET task_id = 'task', api_account = 'arcano_main' WHERE tool = 'upscaler'$$),
    ('jobs', 'an exam twice', $$INSERT INTO public.exams (id, user_id) VALUES (stage.job(1), stage.person('alice'))$$),
    ('jobs', 'an exam in no known status', $$UPDATE public.exams SET status = 'lost'$$);

CREATE FUNCTION stage.attempts(p_topic text) RETURNS TABLE (write text, refused_by text) LANGUAGE plpgsql AS $$
DECLARE
    v_wrong stage.wrong_writes;
BEGIN
    FOR v_wrong IN SELECT * FROM stage.wrong_writes AS wrong WHERE wrong.topic = p_topic ORDER BY wrong.place LOOP
        write := v_wrong.write;
        BEGIN
            EXECUTE v_wrong.sql;
            RAISE EXCEPTION 'NOBODY' USING ERRCODE = 'ZZ000';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS refused_by = CONSTRAINT_NAME;
            refused_by := COALESCE(NULLIF(refused_by, ''), SQLERRM);
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
