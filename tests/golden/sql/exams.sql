-- Rule stuck-exams on public.exams

-- take: $1 now, $2 and $3 the last row of the page before, $4 page size; rows that others hold are left to them
SELECT t."id"::text AS key, t."status"::text AS status,
       t."updated_at"::text AS aged_since, CASE WHEN isfinite(t."updated_at") THEN floor(extract(epoch FROM t."updated_at") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND t."updated_at" < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(t."updated_at")
  AND ($2::timestamptz IS NULL OR (t."updated_at", t."id") > ($2::timestamptz, $3))
ORDER BY t."updated_at", t."id"
LIMIT $4::bigint
FOR UPDATE SKIP LOCKED;

-- find, for a dry run and for a page that made trouble: parameters as above
SELECT t."id"::text AS key, t."status"::text AS status,
       t."updated_at"::text AS aged_since, CASE WHEN isfinite(t."updated_at") THEN floor(extract(epoch FROM t."updated_at") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND t."updated_at" < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(t."updated_at")
  AND ($2::timestamptz IS NULL OR (t."updated_at", t."id") > ($2::timestamptz, $3))
ORDER BY t."updated_at", t."id"
LIMIT $4::bigint;

-- lock, for such a page: $1 now, $2 keys of the page, $3 and $4 its least and greatest age column; the guards are checked again
SELECT t."id"::text AS key, t."status"::text AS status,
       t."updated_at"::text AS aged_since, CASE WHEN isfinite(t."updated_at") THEN floor(extract(epoch FROM t."updated_at") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND t."updated_at" < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(t."updated_at")
  AND t."id" = ANY ($2)
  AND t."updated_at" BETWEEN $3::timestamptz AND $4::timestamptz
ORDER BY t."id"
FOR UPDATE SKIP LOCKED;

-- settle: $1 the locked keys, same transaction
UPDATE "public"."exams" AS t
SET "status" = 'pending',
    "updated_at" = now()
WHERE t."id" = ANY ($1)
RETURNING t."id"::text AS key, t."status"::text AS status, 0::bigint AS refunded_amount;

-- rest: $1 now; what is left behind
SELECT count(*) FILTER (WHERE NOT (false)) AS settleable,
       count(*) FILTER (WHERE false) AS waiting,
       floor(extract(epoch FROM min(t."updated_at")) * 1000)::bigint AS aged_since_ms
FROM "public"."exams" AS t
WHERE t."status" IN ('analyzing')
  AND t."updated_at" < $1::timestamptz - interval '300000 milliseconds'
  AND isfinite(t."updated_at");

-- an index that keeps finding quick, if the table is large
CREATE INDEX CONCURRENTLY ON "public"."exams" ("updated_at", "id") WHERE "status" IN ('analyzing');
