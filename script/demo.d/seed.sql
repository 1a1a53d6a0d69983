-- A believable past for the demo: 30 days of four tools, 2,000 users, and what hangs at this moment. No chance is
-- involved: the same rows each time, only their times move with the clock.
\set ON_ERROR_STOP on
BEGIN;

CREATE FUNCTION pg_temp.user_of(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('user ' || n)::uuid $$;
CREATE FUNCTION pg_temp.job_of(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('job ' || n)::uuid $$;

-- Four tools, from the busiest to the rarest, and their prices.
CREATE TEMPORARY TABLE tool_of (remainder integer PRIMARY KEY, tool text, price integer);
INSERT INTO tool_of
SELECT n, CASE WHEN n < 10 THEN 'upscaler' WHEN n < 15 THEN 'pose_changer' WHEN n < 18 THEN 'veste_ai' ELSE 'video_upscaler' END,
       CASE WHEN n < 10 THEN 60 WHEN n < 15 THEN 80 WHEN n < 18 THEN 100 ELSE 250 END
  FROM generate_series(0, 19) AS n;

-- 40,000 jobs that ended as they should: 94 % completed, the others failed or cancelled and paid back.
INSERT INTO public.ai_jobs (id, tool, user_id, session_id, status, task_id, api_account, user_credit_cost, credits_charged,
                            credits_refunded, output_url, error_message, attempt, created_at, queued_at, started_at, completed_at, updated_at)
SELECT pg_temp.job_of(n), tool, pg_temp.user_of(1 + n * 7919 % 2000), 'session-' || n % 5000, outcome,
       (2010000000000000000 + n)::text, 'arcano_main', price, true, outcome <> 'completed',
       CASE WHEN outcome = 'completed' THEN 'https://cdn.example/' || tool || '/' || n || '.png' END,
       CASE outcome WHEN 'failed' THEN 'The provider ran out of memory' WHEN 'cancelled' THEN 'Cancelled by the user' END,
       1, began, began, began + interval '4 s', began + took, began + took
  FROM (SELECT n, tool, price,
               CASE WHEN n % 50 = 0 THEN 'cancelled' WHEN n % 25 = 1 THEN 'failed' ELSE 'completed' END AS outcome,
               now() - interval '1 hour' - n * interval '64 s' AS began, (30 + n * 37 % 400) * interval '1 s' AS took
          FROM generate_series(1, 40000) AS n JOIN tool_of ON remainder = n % 20) AS past;

-- What hangs, one job a user: 420 in the queue, 260 starting, 380 running at a provider that never called back. From
-- a quarter of an hour to two days old. Some were never charged; five were paid back before their worker died.
INSERT INTO public.ai_jobs (id, tool, user_id, session_id, status, task_id, api_account, user_credit_cost, credits_charged,
                            credits_refunded, position, attempt, created_at, queued_at, started_at, updated_at)
SELECT pg_temp.job_of(100000 + n), tool, pg_temp.user_of(n), 'session-' || n, state,
       CASE WHEN state = 'running' THEN (2020000000000000000 + n)::text END, CASE WHEN state = 'running' THEN 'arcano_main' END,
       price, n % 17 <> 0, n IN (5, 205, 405, 605, 805), CASE WHEN state = 'queued' THEN n END, 1,
       began - interval '9 s', began - interval '8 s', CASE WHEN state <> 'queued' THEN began END, began
  FROM (SELECT n, tool, price, CASE WHEN n <= 420 THEN 'queued' WHEN n <= 680 THEN 'starting' ELSE 'running' END AS state,
               now() - interval '15 min' - n * n % 2861 * interval '1 min' AS began
          FROM generate_series(1, 1060) AS n JOIN tool_of ON remainder = n % 20) AS stuck;

-- What lives and must not be touched: young jobs, and six that are late but that the provider still has two minutes for.
INSERT INTO public.ai_jobs (id, tool, user_id, session_id, status, task_id, api_account, user_credit_cost, credits_charged,
                            position, attempt, created_at, queued_at, started_at, updated_at)
SELECT pg_temp.job_of(200000 + n), tool, pg_temp.user_of(1100 + n), 'session-' || n, state,
       CASE WHEN state = 'running' THEN (2030000000000000000 + n)::text END, CASE WHEN state = 'running' THEN 'arcano_main' END,
       price, state <> 'pending', CASE WHEN state = 'queued' THEN n END, CASE WHEN state = 'pending' THEN 0 ELSE 1 END,
       began - interval '7 s', CASE WHEN state <> 'pending' THEN began - interval '6 s' END,
       CASE WHEN state IN ('starting', 'running') THEN began END, began
  FROM (SELECT n, tool, price,
               CASE WHEN n <= 6 THEN 'running' WHEN n <= 66 THEN 'queued' WHEN n <= 72 THEN 'starting' WHEN n <= 80 THEN 'running' ELSE 'pending' END AS state,
               now() - CASE WHEN n <= 6 THEN interval '10 min 10 s' ELSE n * 3 * interval '1 s' END AS began
          FROM generate_series(1, 90) AS n JOIN tool_of ON remainder = n % 20) AS alive;

-- Two that cannot be settled: one under a legal hold of the application's own, one whose owner has so many credits
-- that a refund would not fit into the balance.
CREATE FUNCTION public.refuse_change_under_legal_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'legal hold %: this job must stay as it is', OLD.payload ->> 'legal_hold' USING ERRCODE = 'P0001';
END
$$;
CREATE TRIGGER a_legal_hold_forbids_changes BEFORE UPDATE ON public.ai_jobs
    FOR EACH ROW WHEN (OLD.payload ? 'legal_hold') EXECUTE FUNCTION public.refuse_change_under_legal_hold();
INSERT INTO public.ai_jobs (id, tool, user_id, status, payload, user_credit_cost, credits_charged, attempt, created_at, queued_at)
VALUES (pg_temp.job_of(300001), 'upscaler', pg_temp.user_of(1901), 'queued', '{"legal_hold": "2026-0417"}', 60, true, 1,
        now() - interval '3 hours', now() - interval '3 hours'),
       (pg_temp.job_of(300002), 'pose_changer', pg_temp.user_of(1902), 'queued', '{}', 80, true, 1,
        now() - interval '2 hours', now() - interval '2 hours');

-- The money that belongs to all of the above: a charge for each charged job, a refund for each one paid back.
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description, created_at)
SELECT tool, id, 'charge', user_id, -user_credit_cost, 'Charge: ' || tool, created_at
  FROM public.ai_jobs WHERE credits_charged ORDER BY created_at, id;
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount, description, created_at)
SELECT tool, id, 'refund', user_id, user_credit_cost, 'Refund: job ' || status, COALESCE(completed_at, updated_at)
  FROM public.ai_jobs WHERE credits_refunded ORDER BY completed_at, id;
INSERT INTO watchdog.credit_ledger (kind, user_id, amount, description)
VALUES ('grant', pg_temp.user_of(1902), 2000000000, 'A gift with a few zeros too many');
INSERT INTO public.upscaler_credits (user_id, balance, opening)
SELECT pg_temp.user_of(n), CASE WHEN n = 1902 THEN 2147483600 ELSE 40 + n * 131 % 2400 END, 0
  FROM generate_series(1, 2000) AS n;

-- Who is being served now, and who waits. Two of the provider's three slots work; the third is held by a job that died. The
-- other jobs that hang are from before there were slots.
UPDATE watchdog.provider_slots AS slot
   SET state = 'taken', tool = job.tool, job_id = job.id, attempt = job.attempt, task_id = job.task_id, changed_at = job.started_at
  FROM (VALUES (1, 200073), (2, 200074), (3, 100681)) AS held (slot, job_number)
  JOIN public.ai_jobs AS job ON job.id = pg_temp.job_of(held.job_number)
 WHERE slot.account = 'arcano_main' AND slot.slot = held.slot;
INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt, admitted_at, queued_at)
SELECT job.user_id, job.tool, job.id, job.attempt, job.created_at, CASE job.status WHEN 'queued' THEN job.queued_at END
  FROM public.ai_jobs AS job LEFT JOIN watchdog.provider_slots AS slot ON (slot.tool, slot.job_id) = (job.tool, job.id)
 WHERE job.status = 'queued' OR slot.job_id IS NOT NULL;

-- Exams: 3,000 done, 140 that hang in analyzing, 25 that are being analyzed.
INSERT INTO public.exams (id, user_id, status, file_url, created_at, updated_at)
SELECT md5('exam ' || n)::uuid, pg_temp.user_of(1 + n % 2000), CASE WHEN n <= 165 THEN 'analyzing' ELSE 'completed' END,
       'https://cdn.example/exams/' || n || '.pdf', began - interval '20 s', began
  FROM (SELECT n, now() - CASE WHEN n <= 140 THEN interval '8 min' + n * interval '7 min' WHEN n <= 165 THEN (n - 140) * interval '4 s'
                               ELSE n * interval '14 min' END AS began
          FROM generate_series(1, 3165) AS n) AS exam;

-- Only for the demo's own report: what everybody had before the first sweep.
CREATE SCHEMA demo;
CREATE TABLE demo.balance_before AS SELECT user_id, balance FROM public.upscaler_credits;

COMMIT;
ANALYZE;
