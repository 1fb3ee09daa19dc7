-- What the acting tenant says of rules about each event, and has of its own, for $1, a project. In storage of an older
-- library no rule has an expression.
SELECT d.name, d.enabled, d.severity, d.threshold, pg_catalog.to_jsonb(d) ->> 'expression', d.group_by
  FROM observa_internal.detection_rules d
 WHERE (d.project_id IS NULL OR d.project_id = $1)
 ORDER BY d.project_id NULLS FIRST, d.name
