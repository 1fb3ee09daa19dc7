-- rows: of user_metrics, of which something was taken out. Who counts nothing any more goes: forgotten users among them.
WITH days AS (
    DELETE FROM observa_internal.user_metric_days m USING rows
     WHERE m.tenant_id = rows.tenant_id AND m.bucket = pg_catalog.date_trunc('day', rows.bucket, 'UTC') AND m.project_id = rows.project_id
       AND m.environment = rows.environment AND m.user_id = rows.user_id AND m.events <= 0
)
DELETE FROM observa_internal.user_metrics m USING rows
 WHERE m.tenant_id = rows.tenant_id AND m.bucket = rows.bucket AND m.project_id = rows.project_id
   AND m.environment = rows.environment AND m.user_id = rows.user_id AND m.events <= 0
