-- $1: a tenant; from the key after ($2, $4) to the time $3.
SELECT ts, event_id, project_id, provider, model, response_model, input_tokens, output_tokens, total_tokens,
       cached_input_tokens, cache_write_tokens, reasoning_tokens, pg_catalog.trim_scale(cost_usd)::text,
       reported_cost_usd IS NOT NULL, cost_source,
       (SELECT p.attributes -> 'observa_usage' FROM observa_internal.event_payloads p
         WHERE p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id)
  FROM observa_internal.events e
 WHERE tenant_id = $1 AND ts >= $2 AND ts < $3 AND (ts > $2 OR event_id > $4) AND billable
 ORDER BY ts, event_id
 LIMIT $5
