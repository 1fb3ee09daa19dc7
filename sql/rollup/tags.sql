-- rows: those of tag_metrics, in key order.
INSERT INTO observa_internal.tag_metrics AS m SELECT * FROM rows
    ON CONFLICT (tenant_id, tag, bucket, project_id, environment, value) DO UPDATE
   SET events = m.events + excluded.events,
       errors = m.errors + excluded.errors,
       timeouts = m.timeouts + excluded.timeouts,
       billable = m.billable + excluded.billable,
       priced = m.priced + excluded.priced,
       total_tokens = m.total_tokens + excluded.total_tokens,
       cost_usd = m.cost_usd + excluded.cost_usd,
       users = observa_internal.add_distinct(m.users::observa.distinct_values, excluded.users::observa.distinct_values)::bytea
