-- rows: of metric_totals, of which something was taken out. What counts nothing any more goes.
DELETE FROM observa_internal.metric_totals m USING rows
 WHERE m.tenant_id = rows.tenant_id AND m.resolution = rows.resolution AND m.bucket = rows.bucket
   AND m.project_id = rows.project_id AND m.environment = rows.environment AND m.event_type = rows.event_type
   AND m.events = 0
