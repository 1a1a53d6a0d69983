-- :jobs users each start a job, and there are as many slots.
INSERT INTO watchdog.provider_slots (account, slot) SELECT 'arcano_main', n FROM generate_series(1, :jobs) AS n ON CONFLICT DO NOTHING;
INSERT INTO public.upscaler_credits (user_id, balance) SELECT md5('user ' || n)::uuid, 1000 FROM generate_series(1, :jobs) AS n;
SELECT count(started.outcome)
  FROM generate_series(1, :jobs) AS n
 CROSS JOIN LATERAL watchdog.create_job('upscaler_jobs', md5('user ' || n)::uuid, '{"app": "pro"}', 10) AS made (id)
 CROSS JOIN LATERAL watchdog.start_job('upscaler_jobs', made.id) AS started
HAVING count(started.outcome) <> :jobs;
VACUUM ANALYZE watchdog.active_jobs, watchdog.provider_slots, public.ai_jobs;
