-- Rule stale-jobs on public.upscaler_jobs

-- take: $1 now, $2 and $3 the last row of the page before, $4 page size; rows that others hold are left to them
SELECT t."id"::text AS key, t."status"::text AS status,
       t."created_at"::text AS aged_since, CASE WHEN isfinite(t."created_at") THEN floor(extract(epoch FROM t."created_at") * 1000)::bigint END AS aged_since_ms,
       t."task_id"::text AS task_id, t."api_account"::text AS account, NULL AS rescue_count,
       t."credits_charged" AS charged, t."credits_refunded" AS refunded, ceil(COALESCE(t."cost", 0))::bigint AS refund_amount
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at")
  AND (t."task_id" IS NULL OR t."created_at" < $1::timestamptz - interval '720000 milliseconds')
  AND ($2::timestamptz IS NULL OR (t."created_at", t."id") > ($2::timestamptz, $3))
ORDER BY t."created_at", t."id"
LIMIT $4::bigint
FOR UPDATE SKIP LOCKED;

-- find, for a dry run and for a page that made trouble: parameters as above
SELECT t."id"::text AS key, t."status"::text AS status,
       t."created_at"::text AS aged_since, CASE WHEN isfinite(t."created_at") THEN floor(extract(epoch FROM t."created_at") * 1000)::bigint END AS aged_since_ms,
       t."task_id"::text AS task_id, t."api_account"::text AS account, NULL AS rescue_count,
       t."credits_charged" AS charged, t."credits_refunded" AS refunded, ceil(LEAST(GREATEST(COALESCE(t."cost", 0), -1000000000000000), 1000000000000000))::bigint AS refund_amount
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at")
  AND ($2::timestamptz IS NULL OR (t."created_at", t."id") > ($2::timestamptz, $3))
ORDER BY t."created_at", t."id"
LIMIT $4::bigint;

-- lock, for such a page: $1 now, $2 keys of the page, $3 and $4 its least and greatest age column; the guards are checked again
SELECT t."id"::text AS key, t."status"::text AS status,
       t."created_at"::text AS aged_since, CASE WHEN isfinite(t."created_at") THEN floor(extract(epoch FROM t."created_at") * 1000)::bigint END AS aged_since_ms,
       t."task_id"::text AS task_id, t."api_account"::text AS account, NULL AS rescue_count,
       t."credits_charged" AS charged, t."credits_refunded" AS refunded, ceil(COALESCE(t."cost", 0))::bigint AS refund_amount
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at")
  AND (t."task_id" IS NULL OR t."created_at" < $1::timestamptz - interval '720000 milliseconds')
  AND t."id" = ANY ($2)
  AND t."created_at" BETWEEN $3::timestamptz AND $4::timestamptz
ORDER BY t."id"
FOR UPDATE SKIP LOCKED;

-- settle: $1 the locked keys, same transaction
UPDATE "public"."upscaler_jobs" AS t
SET "status" = 'failed',
    "error_message" = 'Créditos estornados.',
    "completed_at" = now(),
    "worker" = NULL,
    "credits_refunded" = CASE WHEN COALESCE(t."credits_charged", false) AND NOT COALESCE(t."credits_refunded", false) AND COALESCE(t."cost", 0) > 0 THEN true ELSE t."credits_refunded" END
WHERE t."id" = ANY ($1)
RETURNING t."id"::text AS key, t."status"::text AS status, 0::bigint AS refunded_amount;

-- refund: $1 the settled keys that were charged and not yet refunded, same transaction
WITH due AS MATERIALIZED (
  SELECT t."id" AS key, t."user_id" AS user_key, t."cost" AS amount
  FROM "public"."upscaler_jobs" AS t
  WHERE t."id" = ANY ($1)
  ORDER BY t."user_id", t."id")
SELECT due.key::text AS key, CASE WHEN pg_typeof(r) = 'void'::regtype THEN 'true' ELSE to_jsonb(r) END AS result
FROM due CROSS JOIN LATERAL "public"."refund_credits"(due.user_key, due.amount, 'Refund: timeout') AS r;

-- suspects, when the provider can be asked: parameters as take
SELECT t."id"::text AS key, t."status"::text AS status,
       t."created_at"::text AS aged_since, CASE WHEN isfinite(t."created_at") THEN floor(extract(epoch FROM t."created_at") * 1000)::bigint END AS aged_since_ms,
       t."task_id"::text AS task_id, t."api_account"::text AS account, NULL AS rescue_count,
       t."credits_charged" AS charged, t."credits_refunded" AS refunded, ceil(LEAST(GREATEST(COALESCE(t."cost", 0), -1000000000000000), 1000000000000000))::bigint AS refund_amount
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at")
  AND t."task_id" IS NOT NULL
  AND ($2::timestamptz IS NULL OR (t."created_at", t."id") > ($2::timestamptz, $3))
ORDER BY t."created_at", t."id"
LIMIT $4::bigint;

-- asked: suspects that it was asked about, locked; parameters as lock
SELECT t."id"::text AS key, t."status"::text AS status,
       t."created_at"::text AS aged_since, CASE WHEN isfinite(t."created_at") THEN floor(extract(epoch FROM t."created_at") * 1000)::bigint END AS aged_since_ms,
       t."task_id"::text AS task_id, t."api_account"::text AS account, NULL AS rescue_count,
       t."credits_charged" AS charged, t."credits_refunded" AS refunded, ceil(COALESCE(t."cost", 0))::bigint AS refund_amount
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at")
  AND t."id" = ANY ($2)
  AND t."created_at" BETWEEN $3::timestamptz AND $4::timestamptz
ORDER BY t."id"
FOR UPDATE SKIP LOCKED;

-- succeed: $1 the locked keys of finished tasks, $2 {key: address of its result}
UPDATE "public"."upscaler_jobs" AS t
SET "status" = 'completed',
    "output_url" = COALESCE(($2::jsonb ->> t."id"::text), t."output_url")
WHERE t."id" = ANY ($1)
RETURNING t."id"::text AS key, t."status"::text AS status, 0::bigint AS refunded_amount;

-- rest: $1 now; what is left behind
SELECT count(*) FILTER (WHERE NOT (t."task_id" IS NOT NULL AND NOT (t."created_at" < $1::timestamptz - interval '720000 milliseconds'))) AS settleable,
       count(*) FILTER (WHERE t."task_id" IS NOT NULL AND NOT (t."created_at" < $1::timestamptz - interval '720000 milliseconds')) AS waiting,
       floor(extract(epoch FROM min(t."created_at")) * 1000)::bigint AS aged_since_ms
FROM "public"."upscaler_jobs" AS t
WHERE t."status" IN ('running', 'queued', 'starting')
  AND t."created_at" < $1::timestamptz - interval '600000 milliseconds'
  AND isfinite(t."created_at");

-- an index that keeps finding quick, if the table is large
CREATE INDEX CONCURRENTLY ON "public"."upscaler_jobs" ("created_at", "id") WHERE "status" IN ('running', 'queued', 'starting');
