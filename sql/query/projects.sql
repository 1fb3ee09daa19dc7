-- The projects of the acting tenant, the first one made first.
SELECT project_id, name, environment, scrub_emails, quality_scores, events_per_minute, monthly_events, judge_sample_rate, metric_tags, stopped_until
  FROM observa_internal.projects
 WHERE tenant_id = observa.current_tenant()
 ORDER BY project_id
