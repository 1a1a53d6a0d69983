-- What must always be true of the managed schema, one query a law: each row that it gives is a violation (record, detail).
-- `jobwatchdog audit` runs them all in one REPEATABLE READ READ ONLY transaction; nothing here repairs anything.

--! law: a charged job that failed or was cancelled has a refund
SELECT job.tool || ' ' || job.id AS record, job.status || ', charged ' || coalesce(-charge.amount, job.user_credit_cost) AS detail
  FROM public.ai_jobs AS job
  LEFT JOIN watchdog.credit_ledger AS charge ON (charge.tool, charge.job_id, charge.kind) = (job.tool, job.id, 'charge')
  LEFT JOIN watchdog.credit_ledger AS refund ON (refund.tool, refund.job_id, refund.kind) = (job.tool, job.id, 'refund')
 WHERE job.status IN ('failed', 'cancelled')
   AND (charge.id IS NOT NULL OR job.credits_charged)
   AND coalesce(-charge.amount, job.user_credit_cost) > 0
   AND refund.id IS NULL;

--! law: a refund equals its charge
SELECT refund.tool || ' ' || refund.job_id AS record,
       'refunded ' || refund.amount || ', charged ' || coalesce((-charge.amount)::text, job.user_credit_cost::text, 'nothing') AS detail
  FROM watchdog.credit_ledger AS refund
  LEFT JOIN watchdog.credit_ledger AS charge ON (charge.tool, charge.job_id, charge.kind) = (refund.tool, refund.job_id, 'charge')
  LEFT JOIN public.ai_jobs AS job ON (job.tool, job.id) = (refund.tool, refund.job_id)
 WHERE refund.kind = 'refund'
   AND refund.amount IS DISTINCT FROM coalesce(-charge.amount, CASE WHEN job.credits_charged THEN job.user_credit_cost END);

--! law: only a job that failed or was cancelled has a refund
SELECT refund.tool || ' ' || refund.job_id AS record, 'refunded ' || refund.amount || ', status ' || coalesce(job.status, 'gone') AS detail
  FROM watchdog.credit_ledger AS refund
  LEFT JOIN public.ai_jobs AS job ON (job.tool, job.id) = (refund.tool, refund.job_id)
 WHERE refund.kind = 'refund' AND coalesce(job.status, 'gone') NOT IN ('failed', 'cancelled');

--! law: a refund goes to the user who was charged
SELECT refund.tool || ' ' || refund.job_id AS record,
       'refunded to ' || refund.user_id || ', charged to ' || coalesce(charge.user_id, job.user_id) AS detail
  FROM watchdog.credit_ledger AS refund
  LEFT JOIN watchdog.credit_ledger AS charge ON (charge.tool, charge.job_id, charge.kind) = (refund.tool, refund.job_id, 'charge')
  LEFT JOIN public.ai_jobs AS job ON (job.tool, job.id) = (refund.tool, refund.job_id)
 WHERE refund.kind = 'refund' AND refund.user_id <> coalesce(charge.user_id, job.user_id);

--! law: the refunded flag of a job and the ledger agree
SELECT job.tool || ' ' || job.id AS record, CASE WHEN job.credits_refunded THEN 'flag without an entry' ELSE 'entry without the flag' END AS detail
  FROM public.ai_jobs AS job
  FULL JOIN (SELECT entry.tool, entry.job_id FROM watchdog.credit_ledger AS entry WHERE entry.kind = 'refund') AS refund
    ON (refund.tool, refund.job_id) = (job.tool, job.id)
 WHERE job.id IS NOT NULL AND job.credits_refunded <> (refund.job_id IS NOT NULL);

--! law: a balance is its opening plus the ledger
SELECT coalesce(credits.user_id, sums.user_id)::text AS record,
       'balance ' || coalesce(credits.balance::text, 'missing') || ', opening + ledger ' || coalesce(credits.opening, 0) + coalesce(sums.amount, 0) AS detail
  FROM public.upscaler_credits AS credits
  FULL JOIN (SELECT entry.user_id, sum(entry.amount) AS amount FROM watchdog.credit_ledger AS entry GROUP BY entry.user_id) AS sums
    ON sums.user_id = credits.user_id
 WHERE credits.balance IS DISTINCT FROM coalesce(credits.opening, 0) + coalesce(sums.amount, 0);

--! law: an admitted job is active and of the same user and attempt
SELECT active.tool || ' ' || active.job_id AS record, 'admitted for user ' || active.user_id || ', status ' || coalesce(job.status, 'gone') AS detail
  FROM watchdog.active_jobs AS active
  LEFT JOIN public.ai_jobs AS job ON (job.tool, job.id) = (active.tool, active.job_id)
 WHERE job.id IS NULL OR job.status NOT IN ('queued', 'starting', 'running')
    OR (job.user_id, job.attempt) IS DISTINCT FROM (active.user_id, active.attempt);

--! law: a taken slot holds a job that starts or runs
SELECT slot.account || ' ' || slot.slot AS record, slot.tool || ' ' || slot.job_id || ', status ' || coalesce(job.status, 'gone') AS detail
  FROM watchdog.provider_slots AS slot
  LEFT JOIN public.ai_jobs AS job ON (job.tool, job.id) = (slot.tool, slot.job_id)
 WHERE slot.state = 'taken' AND (job.id IS NULL OR job.status NOT IN ('starting', 'running') OR job.attempt IS DISTINCT FROM slot.attempt);

--! law: a job waits in the queue or holds a slot
SELECT active.tool || ' ' || active.job_id AS record,
       'status ' || job.status || ', ' || CASE WHEN active.queued_at IS NULL THEN 'no place in the queue' ELSE 'a place in the queue' END
       || ', ' || CASE WHEN slot.job_id IS NULL THEN 'no slot' ELSE 'slot ' || slot.account || ' ' || slot.slot END AS detail
  FROM watchdog.active_jobs AS active
  JOIN public.ai_jobs AS job ON (job.tool, job.id) = (active.tool, active.job_id)
  LEFT JOIN watchdog.provider_slots AS slot ON (slot.tool, slot.job_id) = (active.tool, active.job_id)
 WHERE (job.status = 'queued') <> (active.queued_at IS NOT NULL)
    OR (job.status IN ('starting', 'running')) <> (slot.job_id IS NOT NULL);

--! law: a task that outlives its job is chased until its end is confirmed
SELECT submission.tool || ' ' || submission.job_id AS record,
       'attempt ' || submission.attempt || ', task ' || coalesce(submission.task_id, 'unknown') || ', job ' || job.status AS detail
  FROM watchdog.submissions AS submission
  JOIN public.ai_jobs AS job ON (job.tool, job.id) = (submission.tool, submission.job_id)
  LEFT JOIN watchdog.provider_slots AS slot
    ON (slot.tool, slot.job_id, slot.attempt) = (submission.tool, submission.job_id, submission.attempt)
  LEFT JOIN watchdog.orphan_tasks AS orphan
    ON (orphan.tool, orphan.job_id, orphan.attempt) = (submission.tool, submission.job_id, submission.attempt)
 WHERE job.status IN ('failed', 'cancelled') AND submission.outcome IN ('open', 'unknown', 'accepted')
   AND submission.task_ended_at IS NULL AND slot.job_id IS NULL AND orphan.job_id IS NULL;

--! law: a slot is not held for a cancelled job after its deadline
SELECT slot.account || ' ' || slot.slot AS record, slot.tool || ' ' || slot.job_id || ', deadline ' || slot.deadline_at AS detail
  FROM watchdog.provider_slots AS slot
 WHERE slot.state = 'cancelling' AND (slot.deadline_at IS NULL OR slot.deadline_at < clock_timestamp() - interval '15 minutes');

--! law: a job is still what the evidence says it ended as, and ended once
WITH ended AS (
    SELECT audit.table_name, id.value AS id, audit.new_data ->> 'status' AS status
      FROM public.audit_log AS audit CROSS JOIN LATERAL jsonb_array_elements_text(audit.new_data -> 'ids') AS id
     WHERE audit.action = 'sweep' AND audit.new_data ->> 'status' IN ('completed', 'failed', 'cancelled')
     UNION ALL
    SELECT one_table.value ->> 'table_name', id.value, 'failed'
      FROM public.audit_log AS audit CROSS JOIN LATERAL jsonb_array_elements(audit.new_data -> 'tables') AS one_table
     CROSS JOIN LATERAL jsonb_array_elements_text(one_table.value -> 'ids') AS id
     WHERE audit.action = 'cleanup_all_stale_ai_jobs'
     UNION ALL
    SELECT audit.table_name, audit.record_id, audit.new_data ->> 'status'
      FROM public.audit_log AS audit
     WHERE audit.action IN ('user_cancel_ai_job', 'admin_cancel_job', 'settle_attempts')
        OR (audit.action = 'submission' AND audit.new_data ->> 'status' = 'failed'))
SELECT job.tool || ' ' || job.id AS record,
       'status ' || job.status || ', by the evidence ' || string_agg(ended.status, ' and ') AS detail
  FROM ended
  JOIN watchdog.tools AS known ON ended.table_name IN (known.table_name, 'public.' || known.table_name)
  JOIN public.ai_jobs AS job ON job.tool = known.tool AND job.id = ended.id::uuid
 GROUP BY job.tool, job.id, job.status
HAVING count(*) > 1 OR min(ended.status) <> job.status;
