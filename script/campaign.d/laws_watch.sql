-- The laws of laws_managed.sql, over the tables of seed_watch.sql.
SELECT 'violation', format('%s had %s credits in hand and in work, now %s', wealth.owner, wealth.credits, own.credits)
  FROM campaign.wealth AS wealth
  JOIN LATERAL (
      SELECT wallet.credits + COALESCE((SELECT sum(price) FROM campaign.work WHERE work.owner = wallet.owner AND paid AND state <> 'lost'), 0) AS credits
        FROM public.wallets AS wallet WHERE wallet.owner = wealth.owner) AS own ON true
 WHERE own.credits <> wealth.credits;

SELECT 'violation', format('%s rows are marked as paid back, %s payments were made', rows.count, moves.count)
  FROM (SELECT count(*) FROM campaign.work WHERE paid_back) AS rows, (SELECT count(*) FROM public.wallet_moves) AS moves
 WHERE rows.count <> moves.count;

WITH evidence AS (
    SELECT entry.table_name, jsonb_array_elements_text(entry.new_data -> 'ids') AS id FROM watchdog.audit_log AS entry),
settled AS (
    SELECT table_name, number::text AS id FROM campaign.work WHERE state = 'lost')
SELECT 'violation', format('row %s of %s: settled %s times, in %s audit rows', id, table_name, settled.times, evidence.times)
  FROM (SELECT table_name, id, count(*) AS times FROM evidence GROUP BY 1, 2) AS evidence
  FULL JOIN (SELECT table_name, id, count(*) AS times FROM settled GROUP BY 1, 2) AS settled USING (table_name, id)
 WHERE settled.times IS DISTINCT FROM evidence.times
 LIMIT 20;

SELECT 'violation', format('row %s of %s was isolated, though it can be settled: %s', bad.record_id, bad.table_name, bad.reason)
  FROM watchdog.isolated_rows AS bad
 WHERE NOT EXISTS (SELECT FROM public.orders WHERE number::text = bad.record_id AND (owner = 'blocked' OR note IS NOT NULL));

SELECT 'violation', format('healthy, but changed: order %s, now %s', number, state) FROM public.orders WHERE touched_at > now() AND state = 'lost';

SELECT 'violation', format('stale, and left behind: row %s of %s', number, table_name) FROM campaign.work
 WHERE :'whole' AND state = 'working' AND touched_at < now() AND note IS NULL AND owner <> 'blocked' LIMIT 20;

SELECT 'settled', count(*) FROM campaign.work WHERE state = 'lost';
SELECT 'refunded', COALESCE(sum(credits), 0) FROM public.wallet_moves;
SELECT 'runs', count(*) FILTER (WHERE outcome = 'running'), count(*) FILTER (WHERE outcome <> 'running') FROM watchdog.sweep_runs;
