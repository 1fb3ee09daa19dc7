-- rows: those of user_metrics, in key order.
WITH hours AS (
    INSERT INTO observa_internal.user_metrics AS m SELECT * FROM rows
        ON CONFLICT (tenant_id, bucket, project_id, environment, user_id) DO UPDATE
       SET events = m.events + excluded.events,
           errors = m.errors + excluded.errors,
           timeouts = m.timeouts + excluded.timeouts,
           billable = m.billable + excluded.billable,
           priced = m.priced + excluded.priced,
           total_tokens = m.total_tokens + excluded.total_tokens,
           cost_usd = m.cost_usd + excluded.cost_usd
)
INSERT INTO observa_internal.user_metric_days AS m (tenant_id, bucket, project_id, environment, user_id, events, errors, timeouts, billable, priced,
       total_tokens, cost_usd)
SELECT r.tenant_id, pg_catalog.date_trunc('day', r.bucket, 'UTC') AS bucket, r.project_id, r.environment, r.user_id, pg_catalog.sum(r.events),
       pg_catalog.sum(r.errors), pg_catalog.sum(r.timeouts), pg_catalog.sum(r.billable), pg_catalog.sum(r.priced), pg_catalog.sum(r.total_tokens),
       pg_catalog.sum(r.cost_usd)
  FROM rows r
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (tenant_id, bucket, project_id, environment, user_id) DO UPDATE
   SET events = m.events + excluded.events,
       errors = m.errors + excluded.errors,
       timeouts = m.timeouts + excluded.timeouts,
       billable = m.billable + excluded.billable,
       priced = m.priced + excluded.priced,
       total_tokens = m.total_tokens + excluded.total_tokens,
       cost_usd = m.cost_usd + excluded.cost_usd
