-- A user's own jobs, balances and row-wise refund function, as many applications have them: one of ten jobs is stuck.
CREATE TABLE balances (user_id uuid PRIMARY KEY, balance int NOT NULL);
CREATE TABLE movements (id bigserial PRIMARY KEY, user_id uuid NOT NULL, amount int NOT NULL, reason text, at timestamptz DEFAULT now());
CREATE TABLE jobs (id uuid PRIMARY KEY, user_id uuid NOT NULL, status text NOT NULL, cost int NOT NULL, charged boolean NOT NULL,
                   refunded boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL, completed_at timestamptz, error_message text);
CREATE FUNCTION refund_credits(_user uuid, _amount int, _reason text) RETURNS TABLE (success boolean, new_balance int) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE balances SET balance = balance + _amount WHERE user_id = _user RETURNING balance INTO new_balance;
    success := FOUND;
    INSERT INTO movements (user_id, amount, reason) VALUES (_user, _amount, _reason);
    RETURN NEXT;
END
$$;
INSERT INTO jobs SELECT md5('job ' || n)::uuid, md5('user ' || (n + n / 10 * 7919) % (:rows / 100))::uuid,
                        CASE WHEN n % (:rows / :stale) = 0 THEN 'running' ELSE 'completed' END, 60, true, false,
                        now() - interval '1 hour' - (:rows - n) * interval '1 s'
  FROM generate_series(1, :rows) AS n ORDER BY n;
INSERT INTO balances SELECT DISTINCT user_id, 1000 FROM jobs;
CREATE INDEX ON jobs (created_at, id) WHERE status = 'running';
VACUUM ANALYZE;
