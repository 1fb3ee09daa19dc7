-- $10 the unit of a bucket in time zone $11. Steps are shorter than any bucket, so that none is left out.
, buckets AS (
    SELECT DISTINCT date_trunc($10, t.at, $11) AS bucket
      FROM (SELECT generate_series($4, $9 - interval '1 microsecond', CASE $10 WHEN 'minute' THEN interval '1 minute'
                                                                         WHEN 'hour' THEN interval '15 minutes' ELSE interval '12 hours' END)
            UNION ALL SELECT $9 - interval '1 microsecond' WHERE $4 < $9) t (at)
)
SELECT jsonb_build_object('since', $4, 'until', $9, 'rows', coalesce(jsonb_agg(jsonb_build_object(
    'bucket', b.bucket, 'events', coalesce(s.events, 0), 'errors', coalesce(s.errors, 0), 'timeouts', coalesce(s.timeouts, 0),
    'error_rate', (s.errors + s.timeouts) / nullif(s.events, 0)::double precision, 'billable_calls', coalesce(s.billable, 0),
    'input_tokens', coalesce(s.input_tokens, 0), 'output_tokens', coalesce(s.output_tokens, 0), 'total_tokens', coalesce(s.total_tokens, 0),
    'cost_usd', s.cost_usd, 'unpriced_calls', coalesce(s.billable - s.priced, 0),
    'latency_ms_avg', observa.histogram_mean(s.latency), 'latency_ms_p50', l.ms[1], 'latency_ms_p95', l.ms[2], 'latency_ms_p99', l.ms[3],
    'ttft_ms_p95', observa.quantile(s.ttft, 0.95), 'users', coalesce(s.users, 0)) ORDER BY b.bucket), '[]'))
  FROM buckets b
  LEFT JOIN (SELECT date_trunc($10, t.bucket, $11) AS bucket, sum(t.events)::bigint AS events, sum(t.errors)::bigint AS errors,
                    sum(t.timeouts)::bigint AS timeouts, sum(t.billable)::bigint AS billable, sum(t.input_tokens)::bigint AS input_tokens,
                    sum(t.output_tokens)::bigint AS output_tokens, sum(t.total_tokens)::bigint AS total_tokens,
                    sum(t.priced)::bigint AS priced, CASE WHEN sum(t.priced) > 0 THEN sum(t.cost_usd) END AS cost_usd,
                    observa_internal.subtract_histograms(observa_internal.merge_latencies(t.latency), observa_internal.merge_latencies(t.removed_latency)) AS latency,
                    observa_internal.subtract_histograms(observa_internal.merge_latencies(t.ttft), observa_internal.merge_latencies(t.removed_ttft)) AS ttft,
                    observa_internal.count_sketches(t.users) AS users
               FROM total t GROUP BY 1) s ON s.bucket = b.bucket
 CROSS JOIN LATERAL (SELECT observa_internal.quantiles(s.latency, '{0.5,0.95,0.99}') OFFSET 0) l (ms)
