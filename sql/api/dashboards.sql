CREATE FUNCTION observa_internal.dashboard(question text, project uuid, since timestamptz, until timestamptz, environment text, event_type text DEFAULT NULL,
                                           dimensions text[] DEFAULT NULL, top integer DEFAULT NULL) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '32MB'
    AS 'MODULE_PATHNAME', 'dashboard_wrapper';
COMMENT ON FUNCTION observa_internal.dashboard(text, uuid, timestamptz, timestamptz, text, text, text[], integer) IS 'What dashboards ask rollups, of what the caller may read';

CREATE FUNCTION observa.dashboard_overview(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN observa_internal.dashboard('overview', project, since, until, environment, event_type);
COMMENT ON FUNCTION observa.dashboard_overview(uuid, timestamptz, timestamptz, text, text) IS 'What happened in a time: events, failures, tokens, cost_usd, latency_ms and ttft_ms with percentiles, users, scores

Counts are 0 where there is nothing; error_rate, cost_usd, percentiles and scores are NULL where nothing is known. unpriced_calls are
billable calls whose cost is not known, which cost_usd leaves out. Whole minutes: since and until
are those that were counted. As a row: observa.overview_rows.';

CREATE FUNCTION observa.overview_rows(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL)
    RETURNS TABLE (counted_since timestamptz, counted_until timestamptz, events bigint, errors bigint, timeouts bigint, error_rate double precision,
                   llm_calls bigint, billable_calls bigint, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint,
                   cache_write_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint, latency_ms_avg double precision,
                   latency_ms_p50 double precision, latency_ms_p90 double precision, latency_ms_p95 double precision,
                   latency_ms_p99 double precision, latency_ms_max double precision, ttft_ms_avg double precision,
                   ttft_ms_p50 double precision, ttft_ms_p95 double precision, ttft_ms_p99 double precision, users bigint,
                   coherence_avg double precision, toxicity_avg double precision, hallucination_risk_avg double precision)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1
    BEGIN ATOMIC
    SELECT r.* FROM (SELECT observa.dashboard_overview(project, since, until, environment, event_type) AS o) d,
        LATERAL jsonb_to_record(d.o) AS r (since timestamptz, until timestamptz, events bigint, errors bigint, timeouts bigint,
                   error_rate double precision, llm_calls bigint, billable_calls bigint, input_tokens bigint, output_tokens bigint,
                   cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint,
                   latency_ms_avg double precision, latency_ms_p50 double precision, latency_ms_p90 double precision,
                   latency_ms_p95 double precision, latency_ms_p99 double precision, latency_ms_max double precision,
                   ttft_ms_avg double precision, ttft_ms_p50 double precision, ttft_ms_p95 double precision, ttft_ms_p99 double precision,
                   users bigint, coherence_avg double precision, toxicity_avg double precision, hallucination_risk_avg double precision);
    END;
COMMENT ON FUNCTION observa.overview_rows(uuid, timestamptz, timestamptz, text, text) IS 'observa.dashboard_overview as one row';

CREATE FUNCTION observa.dashboard_breakdown(dimension text, project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, event_type text DEFAULT NULL, top integer DEFAULT 100)
    RETURNS TABLE (value text, events bigint, errors bigint, timeouts bigint, error_rate double precision, billable_calls bigint,
                   input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint, latency_ms_avg double precision,
                   latency_ms_p50 double precision, latency_ms_p95 double precision, latency_ms_p99 double precision,
                   ttft_ms_p95 double precision, share_of_events double precision)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
    BEGIN ATOMIC
    SELECT r.* FROM jsonb_to_recordset(observa_internal.dashboard('breakdown', project, since, until, environment, event_type, ARRAY[dimension],
                                                                  top => top) -> 'rows')
        AS r (value text, events bigint, errors bigint, timeouts bigint, error_rate double precision, billable_calls bigint,
              input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint, latency_ms_avg double precision,
              latency_ms_p50 double precision, latency_ms_p95 double precision, latency_ms_p99 double precision,
              ttft_ms_p95 double precision, share_of_events double precision);
    END;
COMMENT ON FUNCTION observa.dashboard_breakdown(text, uuid, timestamptz, timestamptz, text, text, integer) IS 'A time by dimension: model, provider, route, tool, version, environment, event_type, status, project, user or tag:NAME

The top ones by events; a value of NULL is of events without one. By user and tag it is whole hours, without event_type, and tokens by kind and
latencies are NULL. unpriced_calls are billable calls whose cost is not known, which cost_usd leaves out. cost_usd, error_rate and percentiles are NULL where nothing is known.';

CREATE FUNCTION observa.costs_breakdown(dimension text DEFAULT 'model', project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
        until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL, top integer DEFAULT 100)
    RETURNS TABLE (value text, cost_usd numeric, share_of_cost double precision, events bigint, billable_calls bigint, cost_usd_per_call numeric, unpriced_calls bigint,
                   input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint,
                   total_tokens bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
    BEGIN ATOMIC
    SELECT r.value, r.cost_usd, r.share_of_cost, r.events, r.billable_calls, r.cost_usd / nullif(r.billable_calls - r.unpriced_calls, 0), r.unpriced_calls, r.input_tokens,
           r.output_tokens, r.cached_input_tokens, r.cache_write_tokens, r.reasoning_tokens, r.total_tokens
      FROM jsonb_to_recordset(observa_internal.dashboard('costs', project, since, until, environment, NULL, ARRAY[dimension], top => top) -> 'rows')
        AS r (value text, cost_usd numeric, share_of_cost double precision, events bigint, billable_calls bigint, unpriced_calls bigint, input_tokens bigint,
              output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, total_tokens bigint);
    END;
COMMENT ON FUNCTION observa.costs_breakdown(text, uuid, timestamptz, timestamptz, text, integer) IS 'What a time cost by dimension, as observa.dashboard_breakdown knows them: the dearest first

cost_usd is NULL where no call has a price, and leaves out unpriced_calls, billable calls whose cost is not known; share_of_cost is that of what has
one, as cost_usd_per_call is. By user and tag tokens by kind are NULL.';

CREATE TYPE observa_internal.time_bucket AS (bucket_start timestamptz, events bigint, errors bigint, timeouts bigint, error_rate double precision, billable_calls bigint,
                   input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint, latency_ms_avg double precision,
                   latency_ms_p50 double precision, latency_ms_p95 double precision, latency_ms_p99 double precision,
                   ttft_ms_p95 double precision, users bigint);
COMMENT ON TYPE observa_internal.time_bucket IS 'A row of observa.dashboard_time_series';

CREATE FUNCTION observa_internal.time_series(bucket text, project uuid, since timestamptz, until timestamptz, environment text, time_zone text, event_type text)
    RETURNS observa_internal.time_bucket[]
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off SET work_mem = '32MB'
    AS 'MODULE_PATHNAME', 'time_series_wrapper';
COMMENT ON FUNCTION observa_internal.time_series(text, uuid, timestamptz, timestamptz, text, text, text) IS 'The rows of observa.dashboard_time_series, of what the caller may read; NULL: there are none';

CREATE FUNCTION observa.dashboard_time_series(bucket text DEFAULT 'hour', project uuid DEFAULT NULL,
        since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval, until timestamptz DEFAULT pg_catalog.now(), environment text DEFAULT NULL,
        time_zone text DEFAULT 'UTC', event_type text DEFAULT NULL)
    RETURNS TABLE (bucket_start timestamptz, events bigint, errors bigint, timeouts bigint, error_rate double precision, billable_calls bigint,
                   input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, unpriced_calls bigint, latency_ms_avg double precision,
                   latency_ms_p50 double precision, latency_ms_p95 double precision, latency_ms_p99 double precision,
                   ttft_ms_p95 double precision, users bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
    BEGIN ATOMIC
    -- OFFSET 0: to tell how many rows an array has, the planner would ask for it.
    SELECT b.* FROM (SELECT observa_internal.time_series(bucket, project, since, until, environment, time_zone, event_type) OFFSET 0) s (buckets),
                    unnest(s.buckets) b;
    END;
COMMENT ON FUNCTION observa.dashboard_time_series(text, uuid, timestamptz, timestamptz, text, text, text) IS 'A time by the minute, hour, day, week or month of a time zone, up to 10,000 of them; those without events have a row, too

bucket_start is when the bucket begins, be it before since: the first and the last one have what lies between since and until alone. A day has 23 or 25
hours where the clock is changed. Counts are 0, percentiles and cost_usd NULL where nothing is known. cost_usd leaves out unpriced_calls.';

REVOKE ALL ON FUNCTION observa.dashboard_overview(uuid, timestamptz, timestamptz, text, text), observa.overview_rows(uuid, timestamptz, timestamptz, text, text),
    observa.dashboard_breakdown(text, uuid, timestamptz, timestamptz, text, text, integer),
    observa.costs_breakdown(text, uuid, timestamptz, timestamptz, text, integer),
    observa.dashboard_time_series(text, uuid, timestamptz, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.dashboard_overview(uuid, timestamptz, timestamptz, text, text), observa.overview_rows(uuid, timestamptz, timestamptz, text, text),
    observa.dashboard_breakdown(text, uuid, timestamptz, timestamptz, text, text, integer),
    observa.costs_breakdown(text, uuid, timestamptz, timestamptz, text, integer),
    observa.dashboard_time_series(text, uuid, timestamptz, timestamptz, text, text, text) TO observa_read;
