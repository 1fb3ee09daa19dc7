-- What is done with is kept for a day, what failed for a week; what nobody has judged for a day is judged no more.
WITH stale AS (
    UPDATE observa_internal.analysis_jobs j
       SET state = 'skipped', reason = 'nobody judged it within a day', finished_at = pg_catalog.now(), lease = NULL
     WHERE j.tenant_id = observa.current_tenant() AND j.state = 'queued' AND j.created_at < pg_catalog.now() - interval '1 day'
    RETURNING 1
), forgotten AS (
    DELETE FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant()
       AND j.finished_at < pg_catalog.now() - CASE WHEN j.state = 'failed' THEN interval '7 days' ELSE interval '1 day' END
       AND j.job_id IN (SELECT o.job_id FROM observa_internal.analysis_jobs o
                         WHERE o.tenant_id = observa.current_tenant() AND o.finished_at < pg_catalog.now() - interval '1 day'
                         ORDER BY o.finished_at
                         LIMIT 50000)
    RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM stale) + (SELECT pg_catalog.count(*) FROM forgotten)
