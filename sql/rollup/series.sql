-- rows: those of metric_series, in key order.
INSERT INTO observa_internal.metric_series (tenant_id, series_id, project_id, environment, event_type, status, provider, model, route,
       tool_name, version)
SELECT tenant_id, series_id, project_id, environment, event_type, status, provider, model, route, tool_name, version FROM rows
    ON CONFLICT (tenant_id, series_id) DO NOTHING
