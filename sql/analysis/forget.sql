-- What is done with is kept for a day, what failed for a week; what nobody has judged for a day is judged no more, and can be asked for anew.
WITH stale AS (
    UPDATE observa_internal.analysis_jobs j
       SET state = 'skipped', reason = 'nobody judged it within a day', finished_at = pg_catalog.now(), lease = NULL,
           dedup_key = CASE WHEN j.priority < 2 THEN j.dedup_key END
     WHERE j.tenant_id = observa.current_tenant() AND j.created_at < pg_catalog.now() - interval '1 day'
       AND (j.state = 'queued' OR j.state = 'leased' AND j.run_after < pg_catalog.now() - interval '1 hour')
    RETURNING 1
), forgotten AS (
    DELETE FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant()
       AND j.job_id IN (SELECT o.job_id FROM observa_internal.analysis_jobs o
                         WHERE o.tenant_id = observa.current_tenant()
                           AND o.finished_at < pg_catalog.now()
                               - CASE WHEN o.state = 'failed' THEN interval '7 days' ELSE interval '1 day' END
                         LIMIT 50000)
    RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM stale) + (SELECT pg_catalog.count(*) FROM forgotten)
