-- Each user clicks once.
SELECT count(started.outcome)
  FROM generate_series(1, :users) AS n
 CROSS JOIN LATERAL (SELECT md5('user ' || n)::uuid) AS clicking (user_id)
 CROSS JOIN LATERAL watchdog.create_job('veste_ai_jobs', clicking.user_id, '{"inputs": {"person": "api/a.png", "clothing": "api/b.png"}}', 10) AS made (id)
 CROSS JOIN LATERAL watchdog.start_job('veste_ai_jobs', made.id) AS started;
