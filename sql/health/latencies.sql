-- $1 tenant, NULL: all. Latencies of LLM calls since midnight (UTC), as histograms' bytes, by project for a tenant.
SELECT CASE WHEN $1 IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('project', p.name, 'project_id', p.project_id) END AS labels,
       t.latency
  FROM observa_internal.metric_totals t
  JOIN observa_internal.projects p ON p.tenant_id = t.tenant_id AND p.project_id = t.project_id
 WHERE t.resolution = 'day' AND t.bucket = pg_catalog.date_trunc('day', pg_catalog.now(), 'UTC') AND t.event_type = 'llm_call'
   AND ($1 IS NULL OR t.tenant_id = $1) AND t.latency IS NOT NULL
 ORDER BY 1
