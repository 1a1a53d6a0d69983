-- What `jobwatchdog audit` cannot know, because only the provider does: a line "violation|WHAT" for each breach. TASKS is the
-- file with its own list. With `whole` = true all work must be finished too.
\set tasks `cat "$TASKS"`
CREATE TEMPORARY TABLE task AS
SELECT told ->> 'task_id' AS task_id, told ->> 'state' AS state FROM jsonb_array_elements(:'tasks'::jsonb -> 'tasks') AS told;

SELECT 'violation|' || format('the provider made %s tasks for %s submits: one was sent twice', (SELECT count(*) FROM task), (SELECT count(*) FROM watchdog.submissions))
 WHERE (SELECT count(*) FROM task) > (SELECT count(*) FROM watchdog.submissions);

-- It has room for three and refuses a fourth.
SELECT 'violation|' || format('job %s was submitted when three tasks ran already', job_id) FROM watchdog.submissions WHERE outcome = 'no_capacity';

SELECT 'violation|' || format('job %s is completed, and its task %s is %s', job.id, job.task_id, COALESCE(task.state, 'unknown there'))
  FROM public.ai_jobs AS job LEFT JOIN task ON task.task_id = job.task_id
 WHERE :whole AND job.status = 'completed' AND task.state IS DISTINCT FROM 'SUCCESS';

SELECT 'violation|' || format('the result of task %s was lost: job %s is %s without it', job.task_id, job.id, job.status)
  FROM public.ai_jobs AS job JOIN task ON task.task_id = job.task_id
 WHERE :whole AND job.status IN ('failed', 'cancelled') AND task.state = 'SUCCESS' AND job.late_output_url IS NULL;

SELECT 'violation|' || format('user %s has %s credits, and %s jobs were done for it', credits.user_id, credits.balance, done.jobs)
  FROM public.upscaler_credits AS credits
 CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM public.ai_jobs AS job WHERE job.user_id = credits.user_id AND job.status = 'completed') AS done
 WHERE :whole AND credits.balance <> 100 - 10 * done.jobs;

SELECT 'violation|' || format('a user has %s charged jobs after one click', count(*))
  FROM public.ai_jobs WHERE credits_charged GROUP BY user_id HAVING count(*) > 1;
