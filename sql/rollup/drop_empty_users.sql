-- rows: of user_metrics, of which something was taken out. Who counts nothing any more goes: forgotten users among them.
DELETE FROM observa_internal.user_metrics m USING rows
 WHERE m.tenant_id = rows.tenant_id AND m.bucket = rows.bucket AND m.project_id = rows.project_id
   AND m.environment = rows.environment AND m.user_id = rows.user_id AND m.events <= 0
