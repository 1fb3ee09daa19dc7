-- $1, $2: keys of analysis_jobs, $3, $4: the first and the last time of them. All of it tells of what they said.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.analysis_jobs r
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
        ON r.ts = found.ts AND r.job_id = found.id::uuid
     WHERE r.tenant_id = observa.current_tenant() AND r.ts BETWEEN $3 AND $4
     ORDER BY r.job_id
       FOR UPDATE OF r
)
DELETE FROM observa_internal.analysis_jobs r
 USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
 WHERE r.tenant_id = observa.current_tenant() AND r.ts = found.ts AND r.job_id = found.id::uuid
   AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING r.job_id
