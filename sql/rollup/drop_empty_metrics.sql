-- rows: of metrics, of which something was taken out. What counts nothing any more goes.
DELETE FROM observa_internal.metrics m USING rows
 WHERE m.tenant_id = rows.tenant_id AND m.resolution = rows.resolution AND m.bucket = rows.bucket AND m.series_id = rows.series_id
   AND m.events = 0
