-- rows: of metrics, with what is taken out of their histograms.
UPDATE observa_internal.metrics m
   SET latency = observa_internal.subtract_histograms(m.latency::observa.histogram, rows.latency::observa.histogram)::bytea,
       ttft = observa_internal.subtract_histograms(m.ttft::observa.histogram, rows.ttft::observa.histogram)::bytea
  FROM rows
 WHERE m.tenant_id = rows.tenant_id AND m.resolution = rows.resolution AND m.bucket = rows.bucket AND m.series_id = rows.series_id
