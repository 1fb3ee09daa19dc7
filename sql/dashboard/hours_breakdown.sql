-- $9 how many, the largest, by 'cost', 'failures' or 'events' ($10). Tokens are sums of both ways, and latencies are not kept by users and tags.
, sums AS MATERIALIZED (
    SELECT p.value, sum(p.events)::bigint AS events, sum(p.errors)::bigint AS errors, sum(p.timeouts)::bigint AS timeouts,
           sum(p.billable)::bigint AS billable, sum(p.priced)::bigint AS priced, sum(p.total_tokens)::bigint AS total_tokens,
           CASE WHEN sum(p.priced) > 0 THEN sum(p.cost_usd) END AS cost_usd
      FROM part p GROUP BY p.value HAVING sum(p.events) <> 0
), whole AS (
    SELECT sum(s.events) AS events, sum(s.cost_usd) AS cost_usd FROM sums s
), ranked AS (
    SELECT s.*, CASE $10 WHEN 'cost' THEN s.cost_usd WHEN 'failures' THEN s.errors + s.timeouts END AS wanted
      FROM sums s
     ORDER BY wanted DESC NULLS LAST, s.events DESC, s.value
     LIMIT $9
)
SELECT jsonb_build_object('since', $4, 'until', $5, 'rows', coalesce(jsonb_agg(jsonb_build_object(
    'dimension', $8[1], 'value', r.value, 'events', r.events, 'errors', r.errors, 'timeouts', r.timeouts,
    'error_rate', (r.errors + r.timeouts) / nullif(r.events, 0)::double precision, 'billable_calls', r.billable,
    'total_tokens', r.total_tokens, 'cost_usd', r.cost_usd, 'unpriced_calls', r.billable - r.priced,
    'share_of_events', r.events / nullif(w.events, 0)::double precision,
    'share_of_cost', (r.cost_usd / nullif(w.cost_usd, 0))::double precision) ORDER BY r.wanted DESC NULLS LAST, r.events DESC, r.value), '[]'))
  FROM ranked r CROSS JOIN whole w
