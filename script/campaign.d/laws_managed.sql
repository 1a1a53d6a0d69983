-- What `jobwatchdog audit` cannot know: a line "violation|WHAT" for each breach, and the counts of what the database
-- gained. With `whole` = true the work must be finished too.
-- Credits move by settling, and by what the ledger says of consumptions and grants; a job that is not settled holds its charge.
SELECT 'violation', format('user %s had %s credits in hand and in jobs, now %s', wealth.user_id, wealth.credits, own.credits)
  FROM campaign.wealth AS wealth
  JOIN LATERAL (
      SELECT credits.balance::bigint
             - COALESCE((SELECT sum(entry.amount) FROM watchdog.credit_ledger AS entry
                          WHERE entry.user_id = credits.user_id AND entry.kind IN ('consume', 'grant')), 0)
             + COALESCE((SELECT sum(job.user_credit_cost) FROM public.ai_jobs AS job
                          WHERE job.user_id = credits.user_id AND job.credits_charged AND job.status NOT IN ('failed', 'cancelled')), 0) AS credits
        FROM public.upscaler_credits AS credits WHERE credits.user_id = wealth.user_id) AS own ON true
 WHERE own.credits <> wealth.credits;

-- Evidence: each settled row stands in exactly one audit row, and no other row in any.
WITH evidence AS (
    SELECT jsonb_array_elements_text(entry.new_data -> 'ids') AS id FROM public.audit_log AS entry
     WHERE entry.action IN ('sweep', 'cleanup_stuck_analyzing_exams')
     UNION ALL
    SELECT jsonb_array_elements_text(part -> 'ids') FROM public.audit_log AS entry, jsonb_array_elements(entry.new_data -> 'tables') AS part
     WHERE entry.action = 'cleanup_all_stale_ai_jobs'
     UNION ALL
    SELECT entry.record_id FROM public.audit_log AS entry WHERE entry.action IN ('user_cancel_ai_job', 'admin_cancel_job')),
settled AS (
    SELECT job.id::text AS id FROM public.ai_jobs AS job WHERE job.status IN ('failed', 'cancelled')
     UNION ALL
    SELECT exam.id::text FROM public.exams AS exam WHERE exam.status = 'pending')
SELECT 'violation', format('row %s: settled %s times, in %s audit rows', id, settled.times, evidence.times)
  FROM (SELECT id, count(*) AS times FROM evidence GROUP BY id) AS evidence
  FULL JOIN (SELECT id, count(*) AS times FROM settled GROUP BY id) AS settled USING (id)
 WHERE settled.times IS DISTINCT FROM evidence.times OR settled.times <> 1
 LIMIT 20;

SELECT 'violation', format('job %s was healthy and %s, now %s', job.id, healthy.status, job.status)
  FROM campaign.healthy AS healthy JOIN public.ai_jobs AS job USING (id)
 WHERE job.status <> healthy.status AND NOT (job.status = 'cancelled' AND healthy.status <> 'completed');

SELECT 'violation', format('row %s of %s was isolated, though it can be settled: %s', bad.record_id, bad.table_name, bad.reason)
  FROM watchdog.isolated_rows AS bad
 WHERE NOT EXISTS (SELECT FROM public.ai_jobs AS job WHERE job.id::text = bad.record_id AND job.session_id IS NOT NULL);

SELECT 'violation', 'stale, and left behind: ' || stale.id
  FROM (SELECT job.id FROM public.ai_jobs AS job
         WHERE job.session_id IS NULL AND job.status IN ('queued', 'starting', 'running') AND job.created_at < now()
         UNION ALL
        SELECT exam.id FROM public.exams AS exam WHERE exam.status = 'analyzing' AND exam.updated_at < now()) AS stale
 WHERE :'whole' LIMIT 20;

SELECT 'settled', (SELECT count(*) FROM public.ai_jobs WHERE status IN ('failed', 'cancelled')) + (SELECT count(*) FROM public.exams WHERE status = 'pending');
SELECT 'refunded', COALESCE(sum(amount), 0) FROM watchdog.credit_ledger WHERE kind = 'refund';
SELECT 'runs', count(*) FILTER (WHERE outcome = 'running'), count(*) FILTER (WHERE outcome <> 'running') FROM watchdog.sweep_runs;
