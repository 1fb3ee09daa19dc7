GRANT SELECT ON observa.events, observa.rejected_events, observa.llm_requests, observa.traces, observa.conversations,
    observa.sessions, observa.users, observa.messages, observa.signals, observa.issues, observa.alerts, observa.alert_events, observa.muted_rules,
    observa.answer_days, observa.feedback, observa.service_reports, observa.service_health,
    observa.projects, observa.api_keys, observa.detection_rules, observa.budgets, observa.model_prices, observa.logs, observa.usage,
    observa.metrics_minute, observa.metrics_hour, observa.metrics_day, observa.metrics_week, observa.metrics_total_minute,
    observa.metrics_total_hour, observa.metrics_total_day, observa.metrics_total_week, observa.metrics_user_hour, observa.metrics_tag_hour,
    observa.metrics_snapshots, observa.cost_tracking, observa.workers, observa.analysis_jobs, observa.analysis_results,
    observa.analysis_spend, observa.evaluators, observa.embeddings TO observa_read;
GRANT SELECT ON observa.audit_log, observa.workers, observa.webhooks, observa.notifications TO observa_admin;
GRANT SELECT, UPDATE (full_name, avatar_url, company, preferences) ON observa.user_profiles TO observa_read;
GRANT INSERT ON observa.llm_requests, observa.logs TO observa_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON observa.detection_rules, observa.model_prices, observa.evaluators, observa.budgets TO observa_admin;
