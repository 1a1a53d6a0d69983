-- Each user has a job that is not started yet: a line "USER JOB" for each.
SELECT md5('user ' || n)::uuid || ' ' || watchdog.create_job('veste_ai_jobs', md5('user ' || n)::uuid, '{"inputs": {"person": "api/a.png", "clothing": "api/b.png"}}', 10)
  FROM generate_series(1, :users) AS n;
