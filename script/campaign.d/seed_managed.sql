-- What every round on the managed schema starts from: stale charged jobs of all tools, exams stuck in analyzing, a
-- healthy rest that must stay as it is, and two jobs that nobody can settle.
BEGIN;
CREATE SCHEMA campaign;

-- Twenty users who own several jobs each, and two with one bad job.
CREATE FUNCTION campaign.user_id(i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('user ' || i)::uuid $$;
INSERT INTO public.upscaler_credits (user_id, balance) SELECT campaign.user_id(i), 100000 FROM generate_series(1, 20) AS i;

-- Stale: with and without a provider task, by all three statuses. Every seventh was not charged.
INSERT INTO public.ai_jobs (tool, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, started_at, task_id, api_account)
SELECT known.tool, campaign.user_id(1 + (i * 7 + ascii(known.tool)) % 20), (ARRAY['queued', 'starting', 'running'])[1 + i % 3],
       40 + i % 5 * 10, i % 7 <> 0, since, since, CASE WHEN i % 3 <> 0 THEN since END,
       CASE WHEN i % 3 = 2 THEN known.tool || ' task ' || i END, 'arcano_main'
  FROM watchdog.tools AS known, generate_series(1, 48) AS i,
       LATERAL (SELECT now() - interval '1 hour' - i * interval '17 seconds') AS age (since);

-- Healthy: pending, finished, and in work. In the future, so that they do not grow stale while the template is used.
INSERT INTO public.ai_jobs (tool, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, started_at)
SELECT known.tool, campaign.user_id(1 + i % 20), (ARRAY['pending', 'completed', 'queued', 'running'])[1 + i % 4],
       50, i % 4 > 0, now() + interval '1 day', now() + interval '1 day', CASE WHEN i % 4 = 3 THEN now() + interval '1 day' END
  FROM watchdog.tools AS known, generate_series(1, 8) AS i;

INSERT INTO public.exams (user_id, status, updated_at)
SELECT campaign.user_id(1 + i % 20), CASE WHEN i % 10 = 0 THEN 'completed' ELSE 'analyzing' END,
       now() + CASE WHEN i % 10 = 1 THEN interval '1 day' ELSE -interval '1 hour' - i * interval '1 second' END
  FROM generate_series(1, 40) AS i;

-- Nobody can settle these: the refund does not fit into one balance, a trigger holds the other one.
INSERT INTO public.upscaler_credits (user_id, balance) VALUES (campaign.user_id(98), 2147483647), (campaign.user_id(99), 1000);
INSERT INTO public.ai_jobs (tool, user_id, session_id, status, user_credit_cost, credits_charged, created_at, queued_at, started_at)
VALUES ('upscaler', campaign.user_id(98), 'too rich', 'running', 60, true, now() - interval '2 h', now() - interval '2 h', now() - interval '2 h'),
       ('veste_ai', campaign.user_id(99), 'legal hold', 'running', 60, true, now() - interval '62 min', now() - interval '62 min', now() - interval '62 min');
CREATE FUNCTION campaign.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'legal hold'; END $$;
CREATE TRIGGER legal_hold BEFORE UPDATE ON public.ai_jobs FOR EACH ROW WHEN (OLD.session_id = 'legal hold') EXECUTE FUNCTION campaign.hold();

-- The charges. Every eleventh was made by an app that is older than the ledger and left no entry.
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount)
SELECT job.tool, job.id, 'charge', job.user_id, -job.user_credit_cost
  FROM (SELECT job.*, row_number() OVER (ORDER BY job.tool, job.id) AS place FROM public.ai_jobs AS job WHERE job.credits_charged) AS job
 WHERE job.place % 11 <> 0 AND job.session_id IS NULL;
UPDATE public.upscaler_credits AS credits SET balance = credits.balance + entry.amount
  FROM (SELECT user_id, sum(amount) AS amount FROM watchdog.credit_ledger GROUP BY user_id) AS entry
 WHERE entry.user_id = credits.user_id;

-- Admission: three jobs of three users hold the provider's slots, of every other user one job waits. The rest is from before
-- there was an admission.
UPDATE watchdog.provider_slots AS slot
   SET state = 'taken', tool = job.tool, job_id = job.id, attempt = job.attempt, task_id = job.task_id
  FROM (SELECT started.*, row_number() OVER (ORDER BY started.user_id) AS place
          FROM (SELECT DISTINCT ON (job.user_id) job.* FROM public.ai_jobs AS job
                 WHERE job.status IN ('starting', 'running') AND job.started_at < now() AND job.session_id IS NULL
                 ORDER BY job.user_id, job.id) AS started) AS job
 WHERE slot.slot = job.place;
INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt, queued_at)
SELECT DISTINCT ON (job.user_id) job.user_id, job.tool, job.id, job.attempt, CASE job.status WHEN 'queued' THEN job.queued_at END
  FROM public.ai_jobs AS job LEFT JOIN watchdog.provider_slots AS slot ON (slot.tool, slot.job_id) = (job.tool, job.id)
 WHERE slot.job_id IS NOT NULL OR (job.status = 'queued' AND job.session_id IS NULL)
 ORDER BY job.user_id, slot.job_id IS NULL, job.id;

-- What each user has, in hand and in jobs: no fault may change it.
CREATE TABLE campaign.wealth AS
SELECT credits.user_id, credits.balance::bigint + COALESCE((
           SELECT sum(job.user_credit_cost) FROM public.ai_jobs AS job
            WHERE job.user_id = credits.user_id AND job.credits_charged), 0) AS credits
  FROM public.upscaler_credits AS credits;
CREATE TABLE campaign.healthy AS SELECT job.id, job.status FROM public.ai_jobs AS job
 WHERE job.status IN ('pending', 'completed') OR job.created_at > now();
COMMIT;
VACUUM (ANALYZE);
