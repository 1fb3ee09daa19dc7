-- rows: those of user_metrics, in key order.
INSERT INTO observa_internal.user_metrics AS m SELECT * FROM rows
    ON CONFLICT (tenant_id, bucket, project_id, environment, user_id) DO UPDATE
   SET events = m.events + excluded.events,
       errors = m.errors + excluded.errors,
       timeouts = m.timeouts + excluded.timeouts,
       billable = m.billable + excluded.billable,
       priced = m.priced + excluded.priced,
       total_tokens = m.total_tokens + excluded.total_tokens,
       cost_usd = m.cost_usd + excluded.cost_usd
