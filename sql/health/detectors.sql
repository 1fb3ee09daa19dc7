-- $1 tenant, NULL: all.
SELECT pg_catalog.jsonb_build_object('count', pg_catalog.count(*), 'errors', coalesce(pg_catalog.sum(d.errors), 0),
           'disabled', pg_catalog.jsonb_object_agg(d.name, d.last_error) FILTER (WHERE NOT d.enabled),
           'failing', pg_catalog.jsonb_object_agg(d.name, d.last_error) FILTER (WHERE d.enabled AND d.failures > 0))
  FROM observa_internal.detectors d
 WHERE $1 IS NULL OR d.tenant_id = $1
