-- Twelve users with 100 credits each start a job of 40. Where each job stands when its user has clicked:
INSERT INTO public.upscaler_credits (user_id, balance) SELECT md5('user ' || n)::uuid, 100 FROM generate_series(1, 12) AS n;
SELECT n AS "user", left(made.id::text, 8) || '...' AS job, started.outcome AS answer,
       watchdog.queue_position('veste_ai_jobs', made.id) AS position
  FROM generate_series(1, 12) AS n
 CROSS JOIN LATERAL watchdog.create_job('veste_ai_jobs', md5('user ' || n)::uuid,
                                        '{"inputs": {"person": "api/person.png", "clothing": "api/coat.png"}}', 40) AS made (id)
 CROSS JOIN LATERAL watchdog.start_job('veste_ai_jobs', made.id) AS started;
