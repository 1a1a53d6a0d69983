-- Managed jobs for the benchmark: :rows of them, one of ten stuck in the queue for an hour or more, the others completed,
-- charged each, made in the order of time, spread over all tools; a user has a hundred.
CREATE TEMP TABLE tool_number AS SELECT row_number() OVER (ORDER BY tool) - 1 AS number, tool FROM watchdog.tools;
INSERT INTO public.ai_jobs (tool, id, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, completed_at)
SELECT tool_number.tool, md5('job ' || n)::uuid, md5('user ' || (n + n / 10 * 7919) % (:rows / 100))::uuid,
       CASE WHEN n % (:rows / :stale) = 0 THEN 'queued' ELSE 'completed' END, 60, true,
       now() - interval '1 hour' - (:rows - n) * interval '1 s', now() - interval '1 hour' - (:rows - n) * interval '1 s',
       CASE WHEN n % (:rows / :stale) > 0 THEN now() END
  FROM generate_series(1, :rows) AS n JOIN tool_number ON tool_number.number = n / (:rows / :stale) % 4
 ORDER BY n;
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount)
SELECT tool, id, 'charge', user_id, -user_credit_cost FROM public.ai_jobs ORDER BY created_at;
INSERT INTO public.upscaler_credits (user_id, balance, opening) SELECT DISTINCT user_id, 100000, 0 FROM public.ai_jobs;
VACUUM ANALYZE;
