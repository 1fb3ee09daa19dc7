-- $1 trace id, $2 tenant: its first signals, as a JSON array.
SELECT coalesce(json_agg(s ORDER BY s.ts, s.name), '[]')::text
  FROM (SELECT * FROM observa.signals WHERE trace_id = $1 AND tenant_id = $2 ORDER BY ts LIMIT 1000) s
