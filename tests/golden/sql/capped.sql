-- Rule capped on public.exams

-- take: $1 now, $2 and $3 the last row of the page before, $4 page size; rows that others hold are left to them
SELECT t."id"::text AS key, t."status"::text AS status,
       COALESCE(t."started_at", t."created_at")::text AS aged_since, CASE WHEN isfinite(COALESCE(t."started_at", t."created_at")) THEN floor(extract(epoch FROM COALESCE(t."started_at", t."created_at")) * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, COALESCE(t."rescues", 0)::bigint AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND COALESCE(t."started_at", t."created_at") < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(COALESCE(t."started_at", t."created_at"))
  AND COALESCE(t."rescues", 0) < 3
  AND ($2::timestamptz IS NULL OR (COALESCE(t."started_at", t."created_at"), t."id") > ($2::timestamptz, $3))
ORDER BY COALESCE(t."started_at", t."created_at"), t."id"
LIMIT $4::bigint
FOR UPDATE SKIP LOCKED;

-- find, for a dry run and for a page that made trouble: parameters as above
SELECT t."id"::text AS key, t."status"::text AS status,
       COALESCE(t."started_at", t."created_at")::text AS aged_since, CASE WHEN isfinite(COALESCE(t."started_at", t."created_at")) THEN floor(extract(epoch FROM COALESCE(t."started_at", t."created_at")) * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, COALESCE(t."rescues", 0)::bigint AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND COALESCE(t."started_at", t."created_at") < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(COALESCE(t."started_at", t."created_at"))
  AND COALESCE(t."rescues", 0) < 3
  AND ($2::timestamptz IS NULL OR (COALESCE(t."started_at", t."created_at"), t."id") > ($2::timestamptz, $3))
ORDER BY COALESCE(t."started_at", t."created_at"), t."id"
LIMIT $4::bigint;

-- lock, for such a page: $1 now, $2 keys of the page, $3 and $4 its least and greatest age column; the guards are checked again
SELECT t."id"::text AS key, t."status"::text AS status,
       COALESCE(t."started_at", t."created_at")::text AS aged_since, CASE WHEN isfinite(COALESCE(t."started_at", t."created_at")) THEN floor(extract(epoch FROM COALESCE(t."started_at", t."created_at")) * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, COALESCE(t."rescues", 0)::bigint AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND COALESCE(t."started_at", t."created_at") < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(COALESCE(t."started_at", t."created_at"))
  AND COALESCE(t."rescues", 0) < 3
  AND t."id" = ANY ($2)
  AND COALESCE(t."started_at", t."created_at") BETWEEN $3::timestamptz AND $4::timestamptz
ORDER BY t."id"
FOR UPDATE SKIP LOCKED;

-- settle: $1 the locked keys, same transaction
UPDATE "public"."exams" AS t
SET "status" = 'pending',
    "updated_at" = now(),
    "rescues" = COALESCE(t."rescues", 0) + 1
WHERE t."id" = ANY ($1)
RETURNING t."id"::text AS key, t."status"::text AS status, 0::bigint AS refunded_amount;

-- rest: $1 now; what is left behind
SELECT count(*) FILTER (WHERE NOT (false)) AS settleable,
       count(*) FILTER (WHERE false) AS waiting,
       floor(extract(epoch FROM min(COALESCE(t."started_at", t."created_at"))) * 1000)::bigint AS aged_since_ms
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND COALESCE(t."started_at", t."created_at") < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(COALESCE(t."started_at", t."created_at"))
  AND COALESCE(t."rescues", 0) < 3;

-- exhausted: $1 now; reported, never touched
SELECT t."id"::text AS key, count(*) OVER () AS total
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND COALESCE(t."started_at", t."created_at") < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(COALESCE(t."started_at", t."created_at"))
  AND COALESCE(t."rescues", 0) >= 3
ORDER BY COALESCE(t."started_at", t."created_at") LIMIT 100;

-- an index that keeps finding quick, if the table is large
CREATE INDEX CONCURRENTLY ON "public"."exams" ((COALESCE("started_at", "created_at")), "id") WHERE "status" IN ('analyzing');
