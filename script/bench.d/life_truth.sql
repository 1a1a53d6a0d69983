-- From the end of a task, as the provider tells it in the file TASKS, to the end of its job: jobs, median, p99, most, and how
-- many jobs were ended by the hard deadline because nobody could know of their task.
\set tasks `cat "$TASKS"`
WITH tasks AS (
    SELECT task.value ->> 'task_id' AS task_id, (task.value ->> 'ends_at' || '+00')::timestamptz AS ended_at,
           (task.value ->> 'forgotten')::boolean AS was_forgotten
      FROM jsonb_array_elements(:'tasks'::jsonb -> 'tasks') AS task (value)),
known AS (
    SELECT extract(epoch FROM job.completed_at - tasks.ended_at) AS hidden_s
      FROM public.ai_jobs AS job JOIN tasks ON tasks.task_id = job.task_id
     WHERE tasks.ended_at <= job.completed_at AND NOT tasks.was_forgotten)
SELECT count(*) || '|' || round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hidden_s)::numeric, 1) || '|' ||
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY hidden_s)::numeric, 1) || '|' || round(max(hidden_s)::numeric, 1) || '|' ||
       (SELECT count(*) FROM public.ai_jobs) - count(*)
  FROM known;
