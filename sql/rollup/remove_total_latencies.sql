-- rows: of metric_totals, with what is taken out of their histograms.
UPDATE observa_internal.metric_totals m
   SET latency = observa_internal.subtract_histograms(m.latency::observa.histogram, rows.latency::observa.histogram)::bytea,
       ttft = observa_internal.subtract_histograms(m.ttft::observa.histogram, rows.ttft::observa.histogram)::bytea
  FROM rows
 WHERE m.tenant_id = rows.tenant_id AND m.resolution = rows.resolution AND m.bucket = rows.bucket
   AND m.project_id = rows.project_id AND m.environment = rows.environment AND m.event_type = rows.event_type
