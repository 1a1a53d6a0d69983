-- Who of the queue starts next: the oldest over all tools, as many as there are free slots. Everything that the provider call
-- needs is committed before it is made: the attempt, the slot that it takes, and the token that its webhook will bear.
-- Locks: admission, free slots, jobs by (tool, id), active_jobs. Free slots are only taken under the admission lock; their own
-- lock keeps those that are seen free from being taken out of service. Nobody who holds a job waits for a free slot.
-- Called again with the same tokens, because the answer to COMMIT was lost, it claims nothing new.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION watchdog.claim_next_jobs(p_account text, p_owner text, p_token_hashes bytea[], p_lease interval)
RETURNS TABLE (tool text, table_name text, job_id uuid, user_id uuid, attempt integer, webhook_path text, app_id text, inputs jsonb,
               problem text, token_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
    SET enable_seqscan = 'off' SET enable_bitmapscan = 'off' SET enable_hashjoin = 'off' SET enable_mergejoin = 'off' SET enable_material = 'off' SET random_page_cost = '0.1' SET jit = 'off'
AS $$
DECLARE
    v_now timestamptz;
    v_wanted_count integer;
    v_tools text[];
    v_ids uuid[];
    v_ids_held uuid[];
    v_attempts integer[];
    v_payloads jsonb[];
    v_slots integer[];
BEGIN
    PERFORM watchdog.lock_admission(p_account);
    v_now := pg_catalog.clock_timestamp();
    RETURN QUERY
    SELECT submission.tool, known.table_name, submission.job_id, job.user_id, submission.attempt, known.webhook_path,
           task.app_id, task.inputs, task.problem, submission.token_hash
      FROM watchdog.submissions AS submission
      JOIN watchdog.tools AS known ON known.tool = submission.tool
     CROSS JOIN LATERAL (SELECT started.user_id, started.payload FROM public.ai_jobs AS started
                          WHERE started.tool = submission.tool AND started.id = submission.job_id LIMIT 1) AS job
     CROSS JOIN LATERAL watchdog.task_of_payload(submission.tool, job.payload) AS task
     WHERE submission.token_hash = ANY (p_token_hashes) AND submission.outcome = 'open'
     ORDER BY pg_catalog.array_position(p_token_hashes, submission.token_hash);
    IF FOUND THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM watchdog.runninghub_accounts AS known
                WHERE known.account = p_account AND known.submits_paused_until > v_now) THEN
        RETURN;
    END IF;
    v_wanted_count := LEAST(pg_catalog.cardinality(p_token_hashes), (
        SELECT pg_catalog.count(*)::integer
          FROM (SELECT FROM watchdog.provider_slots AS slot WHERE slot.account = p_account AND slot.state = 'free' FOR UPDATE) AS free));
    -- Locked in the order of keys, chosen in the order of the queue. A job that was cancelled while its lock was waited for is
    -- gone from the queue by then, and the choice is made anew.
    LOOP
        SELECT pg_catalog.array_agg(head.tool), pg_catalog.array_agg(head.job_id) INTO v_tools, v_ids
          FROM (SELECT active.tool, active.job_id
                  FROM watchdog.active_jobs AS active
                 CROSS JOIN LATERAL (SELECT job.id FROM public.ai_jobs AS job
                                      WHERE job.tool = active.tool AND job.id = active.job_id AND job.status = 'queued' LIMIT 1) AS job
                 WHERE active.account = p_account AND active.queued_at IS NOT NULL
                 ORDER BY active.queued_at, active.tool, active.job_id
                 LIMIT v_wanted_count) AS head;
        EXIT WHEN v_ids IS NULL;
        -- The state is judged after the lock: as a condition of it, it would lead through all that is queued.
        SELECT pg_catalog.array_agg(held.id) FILTER (WHERE held.status = 'queued') INTO v_ids_held
          FROM (SELECT job.id, job.status FROM public.ai_jobs AS job
                  JOIN unnest(v_tools, v_ids) AS head (tool, job_id) ON head.tool = job.tool AND head.job_id = job.id
                 ORDER BY job.tool, job.id FOR UPDATE OF job) AS held;
        EXIT WHEN pg_catalog.cardinality(v_ids_held) = pg_catalog.cardinality(v_ids);
    END LOOP;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;

    v_now := pg_catalog.clock_timestamp();
    WITH started AS (
        UPDATE public.ai_jobs AS job
           SET status = 'starting', started_at = v_now, updated_at = v_now, attempt = job.attempt + 1, api_account = p_account
          FROM unnest(v_tools, v_ids) WITH ORDINALITY AS head (tool, job_id, place)
         WHERE job.tool = head.tool AND job.id = head.job_id
     RETURNING head.place, job.attempt, job.payload)
    SELECT pg_catalog.array_agg(started.attempt ORDER BY started.place), pg_catalog.array_agg(started.payload ORDER BY started.place)
      INTO v_attempts, v_payloads FROM started;
    SELECT pg_catalog.array_agg(free.slot) INTO v_slots
      FROM (SELECT slot.slot FROM watchdog.provider_slots AS slot
             WHERE slot.account = p_account AND slot.state = 'free' ORDER BY slot.slot LIMIT pg_catalog.cardinality(v_ids)) AS free;
    UPDATE watchdog.provider_slots AS slot
       SET state = 'taken', tool = head.tool, job_id = head.job_id, attempt = head.attempt, task_id = NULL, changed_at = v_now,
           deadline_at = v_now + (SELECT known.hard_deadline_after FROM watchdog.tools AS known WHERE known.tool = head.tool)
      FROM unnest(v_tools, v_ids, v_attempts, v_slots) AS head (tool, job_id, attempt, slot)
     WHERE slot.account = p_account AND slot.slot = head.slot AND slot.state = 'free';
    RETURN QUERY
    WITH head AS MATERIALIZED (
        SELECT heads.*, known.table_name, known.webhook_path, known.hard_deadline_after
          FROM unnest(v_tools, v_ids, v_attempts, v_payloads) WITH ORDINALITY AS heads (tool, job_id, attempt, payload, place)
          JOIN watchdog.tools AS known ON known.tool = heads.tool),
    started AS (
        UPDATE watchdog.active_jobs AS active
           SET queued_at = NULL, attempt = head.attempt, lease_owner = p_owner, leased_at = v_now, lease_until = v_now + p_lease,
               next_check_at = v_now + p_lease, deadline_at = v_now + head.hard_deadline_after, rung_at = NULL, seen_at = NULL,
               check_count = 0, last_verdict = NULL, watch = NULL
          FROM head
         WHERE active.tool = head.tool AND active.job_id = head.job_id
     RETURNING head.*, active.user_id),
    submitted AS (
        INSERT INTO watchdog.submissions (tool, job_id, attempt, account, token_hash, submitted_at)
        SELECT started.tool, started.job_id, started.attempt, p_account, p_token_hashes[started.place], v_now FROM started),
    told AS (
        INSERT INTO public.audit_log (action, table_name, record_id, old_data, new_data, actor)
        SELECT 'claim_next_jobs', started.table_name, started.job_id::text,
               '{"status": "queued"}',
               pg_catalog.jsonb_build_object('status', 'starting', 'attempt', started.attempt, 'account', p_account), p_owner
          FROM started)
    SELECT started.tool, started.table_name, started.job_id, started.user_id, started.attempt, started.webhook_path,
           task.app_id, task.inputs, task.problem, p_token_hashes[started.place]
      FROM started CROSS JOIN LATERAL watchdog.task_of_payload(started.tool, started.payload) AS task
     ORDER BY started.place;
END
$$;
COMMENT ON FUNCTION watchdog.claim_next_jobs(text, text, bytea[], interval) IS
    'Moves the oldest queued jobs of an account to starting, at most one a free slot and one a token, each with a slot, a new attempt and its submission.';
REVOKE ALL ON FUNCTION watchdog.claim_next_jobs(text, text, bytea[], interval) FROM PUBLIC, anon, authenticated, service_role;
GRANT EXECUTE ON FUNCTION watchdog.claim_next_jobs(text, text, bytea[], interval) TO service_role;
