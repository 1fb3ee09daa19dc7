-- One SELECT, which the planner puts into the caller's query: rows come one by one, from the index of the newest traces.
CREATE OR REPLACE FUNCTION observa.export_traces(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), format text DEFAULT NULL, top integer DEFAULT 10000) RETURNS SETOF observa.export_lines
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10000
    BEGIN ATOMIC
    SELECT 'trace_id,project_id,name,started_at,ended_at,latency_ms,status,models,event_count,input_tokens,output_tokens,cost_usd,signal_count,user_id,'
           'session_id,conversation_id' AS line
     WHERE observa_internal.export_format(format) = 'csv'
    UNION ALL
    (SELECT CASE observa_internal.export_format(format) WHEN 'csv' THEN concat_ws(',',
                observa_internal.csv_cell(t.trace_id), t.project_id::text, coalesce(observa_internal.csv_cell(t.name), ''),
                to_json(t.started_at) #>> '{}', to_json(t.ended_at) #>> '{}', coalesce(t.latency_ms::text, ''),
                coalesce(observa_internal.csv_cell(t.status), ''), coalesce(observa_internal.csv_cell(array_to_string(t.models, ' ')), ''),
                coalesce(t.event_count::text, ''), coalesce(t.input_tokens::text, ''), coalesce(t.output_tokens::text, ''), coalesce(t.cost_usd::text, ''),
                coalesce(t.signal_count::text, ''), coalesce(observa_internal.csv_cell(t.user_id), ''), coalesce(observa_internal.csv_cell(t.session_id), ''),
                coalesce(observa_internal.csv_cell(t.conversation_id), ''))
            ELSE json_build_object('trace_id', t.trace_id, 'project_id', t.project_id, 'name', t.name, 'started_at', t.started_at, 'ended_at', t.ended_at,
                'latency_ms', t.latency_ms, 'status', t.status, 'models', t.models, 'event_count', t.event_count, 'input_tokens', t.input_tokens,
                'output_tokens', t.output_tokens, 'cost_usd', t.cost_usd, 'signal_count', t.signal_count, 'user_id', t.user_id,
                'session_id', t.session_id, 'conversation_id', t.conversation_id)::text END AS line
       FROM observa.traces t
      WHERE t.started_at >= since AND t.started_at < until AND (project IS NULL OR t.project_id = project)
      ORDER BY t.started_at DESC
      LIMIT observa_internal.export_limit(top, since, until));
    END;
COMMENT ON FUNCTION observa.export_traces(uuid, timestamptz, timestamptz, text, integer) IS 'Traces that began in a time, the newest first, a line each: format is ndjson or csv, whose first line has the names

format of NULL is what the HTTP request''s Accept says (text/csv, application/x-ndjson), else ndjson. top: how many; NULL: all. In CSV texts are in quotes; one that
a spreadsheet would take for a formula begins with an apostrophe. As JSON values latency_ms is milliseconds, cost_usd USD, NULL where not known.';
REVOKE ALL ON FUNCTION observa.export_traces(uuid, timestamptz, timestamptz, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.export_traces(uuid, timestamptz, timestamptz, text, integer) TO observa_read;
