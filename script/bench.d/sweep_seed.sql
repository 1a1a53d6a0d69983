-- Managed jobs for the benchmark of the sweep: most completed, :stale of them queued for an hour; ten jobs a user.
INSERT INTO public.upscaler_jobs (id, user_id, status, user_credit_cost, credits_charged, created_at, queued_at, completed_at)
SELECT md5('job ' || n)::uuid, md5('user ' || n / 10)::uuid, CASE WHEN n <= :stale THEN 'queued' ELSE 'completed' END, 60, true,
       now() - interval '1 hour' - n * interval '1 s', now() - interval '1 hour' - n * interval '1 s',
       CASE WHEN n > :stale THEN now() END
  FROM generate_series(1, :rows) AS n ORDER BY hashint4(n);
INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount)
SELECT tool, id, 'charge', user_id, -user_credit_cost FROM public.ai_jobs ORDER BY created_at;
INSERT INTO public.upscaler_credits (user_id, balance, opening) SELECT DISTINCT user_id, 1000, 0 FROM public.ai_jobs;
VACUUM ANALYZE;
