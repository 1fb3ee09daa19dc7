CREATE FUNCTION observa_internal.dashboard_rows(answer jsonb, dimension text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_agg(r.row - 'dimension' ORDER BY r.place), '[]')
              FROM jsonb_array_elements(answer -> 'rows') WITH ORDINALITY AS r ("row", place) WHERE r.row ->> 'dimension' = dimension);
COMMENT ON FUNCTION observa_internal.dashboard_rows(jsonb, text) IS 'The rows of an answer that are by one dimension';

CREATE FUNCTION observa_internal.dashboard_part(document jsonb, VARIADIC keys text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(jsonb_object_agg(m.key, m.value), '{}') FROM jsonb_each(document) m WHERE m.key = ANY (keys));
COMMENT ON FUNCTION observa_internal.dashboard_part(jsonb, text[]) IS 'Some members of an object';

-- Each question is asked once: without OFFSET it would be asked again for each use of its answer.
CREATE FUNCTION observa.dashboard_metrics(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT jsonb_build_object('since', o.answer -> 'since', 'until', o.answer -> 'until', 'total', o.answer - 'since' - 'until',
                              'by_event_type', observa_internal.dashboard_rows(b.answer, 'event_type'),
                              'by_environment', observa_internal.dashboard_rows(b.answer, 'environment'))
      FROM (SELECT observa.dashboard_overview(project, since, until, environment) OFFSET 0) o (answer),
           (SELECT observa_internal.dashboard('breakdown', project, since, until, environment,
                                              dimensions => '{event_type,environment}') OFFSET 0) b (answer);
    END;
COMMENT ON FUNCTION observa.dashboard_metrics(uuid, timestamptz, timestamptz, text) IS 'A time as observa.dashboard_overview tells it, as a whole (total), by_event_type and by_environment

As rows: observa.dashboard_breakdown.';

CREATE FUNCTION observa.dashboard_latency(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL,
        top integer DEFAULT 20) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT observa_internal.dashboard_part(o.answer, 'since', 'until', 'events', 'latency_ms_avg', 'latency_ms_p50', 'latency_ms_p90', 'latency_ms_p95',
                                           'latency_ms_p99', 'latency_ms_max', 'ttft_ms_avg', 'ttft_ms_p50', 'ttft_ms_p95', 'ttft_ms_p99')
           || jsonb_build_object('by_event_type', observa_internal.dashboard_rows(b.answer, 'event_type'),
                                 'by_model', observa_internal.dashboard_rows(b.answer, 'model'), 'by_route', observa_internal.dashboard_rows(b.answer, 'route'),
                                 'by_tool', observa_internal.dashboard_rows(b.answer, 'tool'))
      FROM (SELECT observa_internal.dashboard('latencies', project, since, until, environment, event_type) OFFSET 0) o (answer),
           (SELECT observa_internal.dashboard('breakdown', project, since, until, environment, event_type,
                                              '{event_type,model,route,tool}', top => top) OFFSET 0) b (answer);
    END;
COMMENT ON FUNCTION observa.dashboard_latency(uuid, timestamptz, timestamptz, text, text, integer) IS 'How long events took in milliseconds (latency_ms_..., ttft_ms_...), as a whole, by_event_type, by_model, by_route and by_tool, of each the top ones by events

Percentiles within 0.4 %; NULL: no latency is known. As rows: observa.dashboard_breakdown.';

CREATE FUNCTION observa.dashboard_errors(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL,
        top integer DEFAULT 20) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT observa_internal.dashboard_part(o.answer, 'since', 'until', 'events', 'errors', 'timeouts', 'error_rate')
           || jsonb_build_object('by_event_type', observa_internal.dashboard_rows(b.answer, 'event_type'),
                                 'by_model', observa_internal.dashboard_rows(b.answer, 'model'), 'by_provider', observa_internal.dashboard_rows(b.answer, 'provider'),
                                 'by_route', observa_internal.dashboard_rows(b.answer, 'route'), 'by_tool', observa_internal.dashboard_rows(b.answer, 'tool'),
                                 'by_version', observa_internal.dashboard_rows(b.answer, 'version'), 'issues', i.answer -> 'rows')
      FROM (SELECT observa_internal.dashboard('sums', project, since, until, environment, event_type) OFFSET 0) o (answer),
           (SELECT observa_internal.dashboard('failures', project, since, until, environment, event_type,
                                              '{event_type,model,provider,route,tool,version}', top => top) OFFSET 0) b (answer),
           (SELECT observa_internal.dashboard('issues', project, since, until, environment, top => top) OFFSET 0) i (answer);
    END;
COMMENT ON FUNCTION observa.dashboard_errors(uuid, timestamptz, timestamptz, text, text, integer) IS 'What failed: errors, timeouts and error_rate (0 to 1; NULL: no events) as a whole, by_event_type, by_model, by_provider, by_route, by_tool and by_version, and the issues of failures

Of each the top ones by failures; an issue''s count is of all its time. As rows: observa.dashboard_breakdown, observa.issues.';

CREATE FUNCTION observa.dashboard_costs(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, top integer DEFAULT 20) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT observa_internal.dashboard_part(o.answer, 'since', 'until', 'cost_usd', 'billable_calls', 'unpriced_calls', 'input_tokens', 'output_tokens', 'cached_input_tokens',
                                           'cache_write_tokens', 'reasoning_tokens', 'total_tokens')
           || jsonb_build_object('cost_usd_per_call', (o.answer ->> 'cost_usd')::numeric
                                                      / nullif((o.answer ->> 'billable_calls')::numeric - (o.answer ->> 'unpriced_calls')::numeric, 0),
                                 'by_model', observa_internal.dashboard_rows(b.answer, 'model'), 'by_provider', observa_internal.dashboard_rows(b.answer, 'provider'),
                                 'by_route', observa_internal.dashboard_rows(b.answer, 'route'),
                                 'by_environment', observa_internal.dashboard_rows(b.answer, 'environment'))
      FROM (SELECT observa_internal.dashboard('sums', project, since, until, environment) OFFSET 0) o (answer),
           (SELECT observa_internal.dashboard('costs', project, since, until, environment,
                                              dimensions => '{model,provider,route,environment}', top => top) OFFSET 0) b (answer);
    END;
COMMENT ON FUNCTION observa.dashboard_costs(uuid, timestamptz, timestamptz, text, integer) IS 'What a time cost in USD: cost_usd, cost_usd_per_call and tokens as a whole, by_model, by_provider, by_route and by_environment, of each the dearest

NULL: no call has a price; unpriced_calls are billable ones whose cost is not known, which the sums leave out. As rows: observa.costs_breakdown.';

CREATE FUNCTION observa.comparison_rows(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL,
        previous_since timestamptz DEFAULT NULL, previous_until timestamptz DEFAULT NULL)
    RETURNS TABLE (metric text, current numeric, previous numeric, difference numeric, ratio double precision)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 28
    BEGIN ATOMIC
    SELECT c.key, (c.value #>> '{}')::numeric, (p.value #>> '{}')::numeric, (c.value #>> '{}')::numeric - (p.value #>> '{}')::numeric,
           ((c.value #>> '{}')::numeric / nullif((p.value #>> '{}')::numeric, 0))::double precision
      FROM jsonb_each(observa.dashboard_overview(project, since, until, environment, event_type) - 'since' - 'until') c (key, value)
      JOIN jsonb_each(observa.dashboard_overview(project, coalesce(previous_since, date_trunc('minute', coalesce(previous_until, since)) - (until - since)),
                                                 coalesce(previous_until, date_trunc('minute', since)), environment, event_type)) p (key, value) ON p.key = c.key
     ORDER BY c.key;
    END;
COMMENT ON FUNCTION observa.comparison_rows(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz) IS 'What observa.dashboard_overview tells of two times: as long a time before since, unless previous_since and previous_until are given

ratio is current by previous; NULL, as difference: one of both is not known, or previous is 0.';

CREATE FUNCTION observa.dashboard_comparison(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL,
        previous_since timestamptz DEFAULT NULL, previous_until timestamptz DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT jsonb_build_object('since', since, 'until', until,
                              'previous_since', coalesce(previous_since, date_trunc('minute', coalesce(previous_until, since)) - (until - since)),
                              'previous_until', coalesce(previous_until, date_trunc('minute', since)),
                              'current', jsonb_object_agg(r.metric, r.current), 'previous', jsonb_object_agg(r.metric, r.previous),
                              'difference', jsonb_object_agg(r.metric, r.difference), 'ratio', jsonb_object_agg(r.metric, r.ratio))
      FROM observa.comparison_rows(project, since, until, environment, event_type, previous_since, previous_until) r;
    END;
COMMENT ON FUNCTION observa.dashboard_comparison(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz) IS 'A time and the one before it, or another one: {current, previous, difference, ratio}, each with the keys of observa.dashboard_overview

ratio is current by previous; NULL, as in difference: one of both is not known, or previous is 0. As rows: observa.comparison_rows.';

CREATE FUNCTION observa.dashboard_feedback(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN observa_internal.dashboard('feedback', project, since, until, environment);
COMMENT ON FUNCTION observa.dashboard_feedback(uuid, timestamptz, timestamptz, text) IS 'What end users said: count, likes, dislikes, corrections, like_rate (0 to 1), ratings and rating_avg (1 to 5), and rows of how many said what

like_rate and rating_avg are NULL where there are none. It reads events: those of feedback that retention has let go are not in it, and are without a type where their payload
is gone. As rows: observa.feedback_rows.';

CREATE FUNCTION observa.feedback_rows(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL)
    RETURNS TABLE (type text, outcome text, rating double precision, count bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
    BEGIN ATOMIC
    SELECT r.* FROM jsonb_to_recordset(observa.dashboard_feedback(project, since, until, environment) -> 'rows')
        AS r (type text, outcome text, rating double precision, count bigint);
    END;
COMMENT ON FUNCTION observa.feedback_rows(uuid, timestamptz, timestamptz, text) IS 'How often end users said what; type (like, dislike, rating, correction) is NULL where the payload is gone, outcome and rating where there is none';

CREATE FUNCTION observa.dashboard_alerts(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, top integer DEFAULT 20) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN observa_internal.dashboard('alerts', project, since, until, environment, top => top);
COMMENT ON FUNCTION observa.dashboard_alerts(uuid, timestamptz, timestamptz, text, integer) IS 'Alerts that were raised in a time: raised, by_severity, by_status, by_rule, the newest; and open and open_critical, now

As rows: observa.alerts.';

CREATE FUNCTION observa.costs_overview(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    BEGIN ATOMIC
    SELECT observa_internal.dashboard_part(o.answer, 'since', 'until', 'cost_usd', 'billable_calls', 'unpriced_calls', 'total_tokens')
           || jsonb_build_object('cost_usd_per_day', (o.answer ->> 'cost_usd')::numeric * 86400 / nullif(extract(epoch FROM until - since), 0),
                                 'previous_cost_usd', p.answer -> 'cost_usd',
                                 'cost_ratio', ((o.answer ->> 'cost_usd')::numeric / nullif((p.answer ->> 'cost_usd')::numeric, 0))::double precision,
                                 'by_project', observa_internal.dashboard_rows(b.answer, 'project'),
                                 'by_environment', observa_internal.dashboard_rows(b.answer, 'environment'))
      FROM (SELECT observa_internal.dashboard('sums', project, since, until, environment) OFFSET 0) o (answer),
           (SELECT observa_internal.dashboard('sums', project, date_trunc('minute', since) - (until - since), date_trunc('minute', since), environment) OFFSET 0) p (answer),
           (SELECT observa_internal.dashboard('costs', project, since, until, environment, dimensions => '{project,environment}') OFFSET 0) b (answer);
    END;
COMMENT ON FUNCTION observa.costs_overview(uuid, timestamptz, timestamptz, text) IS 'What a time cost in USD: cost_usd, cost_usd_per_day, previous_cost_usd (of as long a time before) and cost_ratio to it, by_project and by_environment

NULL: no call has a price; unpriced_calls are billable ones whose cost is not known, which the sums leave out. As rows: observa.costs_breakdown.';

REVOKE ALL ON FUNCTION observa.dashboard_metrics(uuid, timestamptz, timestamptz, text), observa.dashboard_latency(uuid, timestamptz, timestamptz, text, text, integer),
    observa.dashboard_errors(uuid, timestamptz, timestamptz, text, text, integer),
    observa.dashboard_costs(uuid, timestamptz, timestamptz, text, integer),
    observa.comparison_rows(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz),
    observa.dashboard_comparison(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz),
    observa.dashboard_feedback(uuid, timestamptz, timestamptz, text), observa.feedback_rows(uuid, timestamptz, timestamptz, text),
    observa.dashboard_alerts(uuid, timestamptz, timestamptz, text, integer), observa.costs_overview(uuid, timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.dashboard_metrics(uuid, timestamptz, timestamptz, text), observa.dashboard_latency(uuid, timestamptz, timestamptz, text, text, integer),
    observa.dashboard_errors(uuid, timestamptz, timestamptz, text, text, integer),
    observa.dashboard_costs(uuid, timestamptz, timestamptz, text, integer),
    observa.comparison_rows(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz),
    observa.dashboard_comparison(uuid, timestamptz, timestamptz, text, text, timestamptz, timestamptz),
    observa.dashboard_feedback(uuid, timestamptz, timestamptz, text), observa.feedback_rows(uuid, timestamptz, timestamptz, text),
    observa.dashboard_alerts(uuid, timestamptz, timestamptz, text, integer), observa.costs_overview(uuid, timestamptz, timestamptz, text) TO observa_read;
