-- Finished jobs only: rows :from to :rows, spread over all tools, in the order of time.
INSERT INTO public.ai_jobs (tool, id, user_id, status, user_credit_cost, credits_charged, created_at, completed_at)
SELECT (ARRAY['upscaler', 'pose_changer', 'veste_ai', 'video_upscaler'])[n % 4 + 1], md5('job ' || n)::uuid, md5('user ' || n % 10000)::uuid,
       'completed', 60, true, now() - interval '1 hour' - (:rows - n) * interval '1 s', now()
  FROM generate_series(:from, :rows) AS n;
VACUUM ANALYZE public.ai_jobs;
