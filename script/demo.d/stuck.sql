-- What waits or works at this moment, and how much of it is older than its tool's patience.
SELECT 'job, ' || job.status AS state, count(*) AS "all", count(*) FILTER (WHERE age > patience) AS stuck,
       to_char(max(age) FILTER (WHERE age > patience), 'FMDD "d" HH24 "h" MI "min"') AS "oldest stuck",
       COALESCE(sum(job.user_credit_cost) FILTER (WHERE age > patience AND job.credits_charged AND NOT job.credits_refunded), 0)
           AS "credits held"
  FROM public.ai_jobs AS job
  JOIN watchdog.tools AS known USING (tool)
 CROSS JOIN LATERAL (SELECT now() - COALESCE(job.started_at, job.queued_at, job.created_at) AS age,
                            CASE WHEN job.task_id IS NULL THEN known.stale_after ELSE known.hard_deadline_after END AS patience) AS waiting
 WHERE job.status IN ('queued', 'starting', 'running')
 GROUP BY job.status
 UNION ALL
SELECT 'exam, ' || status, count(*), count(*) FILTER (WHERE age > interval '5 min'),
       to_char(max(age) FILTER (WHERE age > interval '5 min'), 'FMDD "d" HH24 "h" MI "min"'), 0
  FROM (SELECT status, now() - updated_at AS age FROM public.exams WHERE status = 'analyzing') AS exam GROUP BY status
 ORDER BY 1;
