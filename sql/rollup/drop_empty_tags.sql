-- rows: of tag_metrics, of which something was taken out. What counts nothing any more goes.
DELETE FROM observa_internal.tag_metrics m USING rows
 WHERE m.tenant_id = rows.tenant_id AND m.tag = rows.tag AND m.bucket = rows.bucket AND m.project_id = rows.project_id
   AND m.environment = rows.environment AND m.value = rows.value AND m.events <= 0
