-- Who got credits back: five users and the sum. Every balance is told twice: as it stands, and from the ledger.
WITH paid AS (
    SELECT user_id, before.balance AS before, now.balance AS after, now.opening + ledger.amount AS proved
      FROM demo.balance_before AS before
      JOIN public.upscaler_credits AS now USING (user_id)
      JOIN (SELECT user_id, sum(amount) AS amount FROM watchdog.credit_ledger GROUP BY user_id) AS ledger USING (user_id)
     WHERE now.balance <> before.balance
)
(SELECT left(user_id::text, 8) || '...' AS "user", before, after - before AS "given back", after, proved AS "opening + ledger"
   FROM paid ORDER BY after - before DESC, user_id LIMIT 5)
 UNION ALL
SELECT 'all ' || count(*), sum(before), sum(after - before), sum(after), sum(proved) FROM paid;
