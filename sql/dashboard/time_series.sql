-- $7 when buckets begin, in order, the first with what is from $4 on.
SELECT array_agg(ROW(b.bucket, coalesce(s.events, 0), coalesce(s.errors, 0), coalesce(s.timeouts, 0),
                     (s.errors + s.timeouts) / nullif(s.events, 0)::double precision, coalesce(s.billable, 0), coalesce(s.input_tokens, 0),
                     coalesce(s.output_tokens, 0), coalesce(s.total_tokens, 0), s.cost_usd, coalesce(s.billable - s.priced, 0), s.latency[1], s.latency[2],
                     s.latency[4], s.latency[5], s.ttft[4], coalesce(s.users, 0))::observa_internal.time_bucket ORDER BY b.bucket)
  FROM unnest($7) WITH ORDINALITY b (bucket, place)
  LEFT JOIN (SELECT greatest(width_bucket(t.bucket, $7), 1) AS place, sum(t.events)::bigint AS events, sum(t.errors)::bigint AS errors,
                    sum(t.timeouts)::bigint AS timeouts, sum(t.billable)::bigint AS billable, sum(t.input_tokens)::bigint AS input_tokens,
                    sum(t.output_tokens)::bigint AS output_tokens, sum(t.total_tokens)::bigint AS total_tokens,
                    sum(t.priced)::bigint AS priced, CASE WHEN sum(t.priced) > 0 THEN sum(t.cost_usd) END AS cost_usd,
                    observa_internal.latency_summary(t.latency, t.removed_latency) AS latency,
                    observa_internal.latency_summary(t.ttft, t.removed_ttft) AS ttft,
                    observa_internal.count_sketches(t.users) AS users
               FROM total t GROUP BY 1) s ON s.place = b.place
