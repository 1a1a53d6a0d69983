-- Rule hostile on "we""ird; DROP TABLE x; --"."Exames Lab\ 'á'"

-- take: $1 now, $2 and $3 the last row of the page before, $4 page size; rows that others hold are left to them
SELECT t."id""; DROP TABLE x; --"::text AS key, t."st'at""us"::text AS status,
       t."when"" < now(); --"::text AS aged_since, CASE WHEN isfinite(t."when"" < now(); --") THEN floor(extract(epoch FROM t."when"" < now(); --") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" AS t
WHERE t."st'at""us" IN ('a''; DROP TABLE x; --', E'b\\''; DROP TABLE x; --', '$1', '$$')
  AND t."when"" < now(); --" < $1::timestamptz - interval '60000 milliseconds'
  AND isfinite(t."when"" < now(); --")
  AND ($2::timestamptz IS NULL OR (t."when"" < now(); --", t."id""; DROP TABLE x; --") > ($2::timestamptz, $3))
ORDER BY t."when"" < now(); --", t."id""; DROP TABLE x; --"
LIMIT $4::bigint
FOR UPDATE SKIP LOCKED;

-- find, for a dry run and for a page that made trouble: parameters as above
SELECT t."id""; DROP TABLE x; --"::text AS key, t."st'at""us"::text AS status,
       t."when"" < now(); --"::text AS aged_since, CASE WHEN isfinite(t."when"" < now(); --") THEN floor(extract(epoch FROM t."when"" < now(); --") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" AS t
WHERE t."st'at""us" IN ('a''; DROP TABLE x; --', E'b\\''; DROP TABLE x; --', '$1', '$$')
  AND t."when"" < now(); --" < $1::timestamptz - interval '60000 milliseconds'
  AND isfinite(t."when"" < now(); --")
  AND ($2::timestamptz IS NULL OR (t."when"" < now(); --", t."id""; DROP TABLE x; --") > ($2::timestamptz, $3))
ORDER BY t."when"" < now(); --", t."id""; DROP TABLE x; --"
LIMIT $4::bigint;

-- lock, for such a page: $1 now, $2 keys of the page, $3 and $4 its least and greatest age column; the guards are checked again
SELECT t."id""; DROP TABLE x; --"::text AS key, t."st'at""us"::text AS status,
       t."when"" < now(); --"::text AS aged_since, CASE WHEN isfinite(t."when"" < now(); --") THEN floor(extract(epoch FROM t."when"" < now(); --") * 1000)::bigint END AS aged_since_ms,
       NULL AS task_id, NULL AS account, NULL AS rescue_count,
       NULL AS charged, NULL AS refunded, NULL AS refund_amount
FROM "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" AS t
WHERE t."st'at""us" IN ('a''; DROP TABLE x; --', E'b\\''; DROP TABLE x; --', '$1', '$$')
  AND t."when"" < now(); --" < $1::timestamptz - interval '60000 milliseconds'
  AND isfinite(t."when"" < now(); --")
  AND t."id""; DROP TABLE x; --" = ANY ($2)
  AND t."when"" < now(); --" BETWEEN $3::timestamptz AND $4::timestamptz
ORDER BY t."id""; DROP TABLE x; --"
FOR UPDATE SKIP LOCKED;

-- settle: $1 the locked keys, same transaction
UPDATE "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" AS t
SET "st'at""us" = '''; DROP TABLE x; --',
    "no""te" = E'\\''; SELECT '''
WHERE t."id""; DROP TABLE x; --" = ANY ($1)
RETURNING t."id""; DROP TABLE x; --"::text AS key, t."st'at""us"::text AS status, 0::bigint AS refunded_amount;

-- rest: $1 now; what is left behind
SELECT count(*) FILTER (WHERE NOT (false)) AS settleable,
       count(*) FILTER (WHERE false) AS waiting,
       floor(extract(epoch FROM min(t."when"" < now(); --")) * 1000)::bigint AS aged_since_ms
FROM "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" AS t
WHERE t."st'at""us" IN ('a''; DROP TABLE x; --', E'b\\''; DROP TABLE x; --', '$1', '$$')
  AND t."when"" < now(); --" < $1::timestamptz - interval '60000 milliseconds'
  AND isfinite(t."when"" < now(); --");

-- an index that keeps finding quick, if the table is large
CREATE INDEX CONCURRENTLY ON "we""ird; DROP TABLE x; --"."Exames
Lab\ 'á'" ("when"" < now(); --", "id""; DROP TABLE x; --") WHERE "st'at""us" IN ('a''; DROP TABLE x; --', E'b\\''; DROP TABLE x; --', '$1', '$$');
