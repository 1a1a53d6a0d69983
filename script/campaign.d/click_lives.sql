-- Each user clicks once.
SELECT count(started.outcome)
  FROM generate_series(1, :users) AS n
 CROSS JOIN LATERAL watchdog.create_job('veste_ai_jobs', md5('user ' || n)::uuid, '{"inputs": {"person": "api/a.png", "clothing": "api/b.png"}}', 10) AS made (id)
 CROSS JOIN LATERAL watchdog.start_job('veste_ai_jobs', made.id) AS started;
