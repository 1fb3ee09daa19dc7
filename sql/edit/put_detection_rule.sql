-- $1: the new row of the view, $2: whether it is a rule of the tenant's own over windows, $3: or one about each event. The tenant is the acting one. Of a built-in rule stays what it
-- measures: the library's, whatever the next one's is.
INSERT INTO observa_internal.detection_rules (tenant_id, project_id, name, enabled, severity, threshold, metric, filter, group_by, window_minutes,
       direction, warn_threshold, min_samples, no_data, for_minutes, recover_threshold, renotify_minutes, resolve_minutes, baseline, floor,
       description, expression)
SELECT observa.current_tenant(), (n.row ->> 'project_id')::uuid, n.row ->> 'name',
       coalesce((n.row ->> 'enabled')::boolean, true), coalesce(n.row ->> 'severity', CASE WHEN $2 OR $3 THEN 'medium' END),
       (n.row ->> 'threshold')::double precision,
       CASE WHEN $2 THEN n.row ->> 'metric' END,
       CASE WHEN $2 THEN nullif(n.row -> 'filter', 'null') END,
       CASE WHEN ($2 OR $3) AND pg_catalog.jsonb_typeof(n.row -> 'group_by') = 'array'
            THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(n.row -> 'group_by')) END,
       (n.row ->> 'window_minutes')::integer,
       CASE WHEN $2 THEN coalesce(n.row ->> 'direction', 'above') END,
       (n.row ->> 'warn_threshold')::double precision, coalesce((n.row ->> 'min_samples')::bigint, CASE WHEN $2 THEN 0 END),
       coalesce(n.row ->> 'no_data', CASE WHEN $2 THEN 'ok' END),
       coalesce((n.row ->> 'for_minutes')::integer, CASE WHEN $2 THEN 0 END), (n.row ->> 'recover_threshold')::double precision,
       (n.row ->> 'renotify_minutes')::integer, coalesce((n.row ->> 'resolve_minutes')::integer, CASE WHEN $2 THEN 5 END),
       CASE WHEN $2 THEN n.row ->> 'baseline' END, (n.row ->> 'floor')::double precision,
       CASE WHEN $2 OR $3 THEN n.row ->> 'description' END, CASE WHEN $3 THEN n.row ->> 'expression' END
  FROM (SELECT $1::jsonb AS row) n
    ON CONFLICT (tenant_id, project_id, name) DO UPDATE
   SET enabled = excluded.enabled, severity = excluded.severity, threshold = excluded.threshold, metric = excluded.metric,
       filter = excluded.filter, group_by = excluded.group_by, window_minutes = excluded.window_minutes, direction = excluded.direction,
       warn_threshold = excluded.warn_threshold, min_samples = excluded.min_samples, no_data = excluded.no_data,
       for_minutes = excluded.for_minutes, recover_threshold = excluded.recover_threshold, renotify_minutes = excluded.renotify_minutes,
       resolve_minutes = excluded.resolve_minutes, baseline = excluded.baseline, floor = excluded.floor, description = excluded.description,
       expression = excluded.expression,
       changed_at = pg_catalog.now()
