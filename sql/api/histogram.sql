-- What its functions take and give comes before the type itself. A type's functions and an aggregate's support functions are
-- called by PostgreSQL on whoever's behalf: nobody needs a grant on them.
CREATE TYPE observa.histogram;

CREATE FUNCTION observa_internal.histogram_in(cstring) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_in_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_in(cstring) IS 'A histogram from text; what is no histogram is an error (22P02, 22P03)';

CREATE FUNCTION observa_internal.histogram_out(observa.histogram) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_out_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_out(observa.histogram) IS 'A histogram as text: \x and its bytes in hexadecimal';

CREATE FUNCTION observa_internal.histogram_recv(internal) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_recv_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_recv(internal) IS 'A histogram from its bytes; what is no histogram is an error (22P03)';

CREATE FUNCTION observa_internal.histogram_send(observa.histogram) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_send_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_send(observa.histogram) IS 'A histogram''s bytes';

CREATE TYPE observa.histogram (
    INPUT = observa_internal.histogram_in, OUTPUT = observa_internal.histogram_out,
    RECEIVE = observa_internal.histogram_recv, SEND = observa_internal.histogram_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE observa.histogram IS 'Latencies that merge: an HdrHistogram of 0 to 7 days in microseconds with two significant digits

As text it is \x and the bytes of HdrHistogram''s V2 format in hexadecimal, as binary those bytes. Some 50 to 1,500 bytes.';

CREATE FUNCTION observa_internal.histogram_of(bytea) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_of_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_of(bytea) IS 'The histogram of bytes in HdrHistogram''s V2 format; others are an error (22P03)';

-- A column of the type goes with the extension, one of bytes stays.
CREATE CAST (observa.histogram AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (observa.histogram AS bytea) IS 'HdrHistogram''s V2 format, for other programs and for tables that outlive the extension';
CREATE CAST (bytea AS observa.histogram) WITH FUNCTION observa_internal.histogram_of(bytea);
COMMENT ON CAST (bytea AS observa.histogram) IS 'From HdrHistogram''s V2 format; bytes that are no histogram are an error (22P03)';

CREATE FUNCTION observa_internal.histogram_record(internal, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_record_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_record(internal, double precision) IS 'Counts a latency in milliseconds; NULL is none';

CREATE FUNCTION observa_internal.histogram_merge(internal, observa.histogram) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_merge_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_merge(internal, observa.histogram) IS 'Counts a histogram''s latencies; NULL has none';

CREATE FUNCTION observa_internal.histogram_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_combine_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_combine(internal, internal) IS 'What two parallel workers have counted';

CREATE FUNCTION observa_internal.histogram_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_serialize_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_serialize(internal) IS 'What a parallel worker has counted, for its leader';

CREATE FUNCTION observa_internal.histogram_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_deserialize_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_deserialize(bytea, internal) IS 'What a parallel worker has counted, in its leader';

CREATE FUNCTION observa_internal.histogram_final(internal) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_final_wrapper';
COMMENT ON FUNCTION observa_internal.histogram_final(internal) IS 'All that was counted; NULL: nothing';

-- What a state of some seconds takes: where the groups would take more than work_mem, the planner sorts instead of hashing.
CREATE AGGREGATE observa.histogram(milliseconds double precision) (
    SFUNC = observa_internal.histogram_record, STYPE = internal, SSPACE = 17000,
    COMBINEFUNC = observa_internal.histogram_combine, FINALFUNC = observa_internal.histogram_final,
    SERIALFUNC = observa_internal.histogram_serialize, DESERIALFUNC = observa_internal.histogram_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa.histogram(double precision) IS 'A histogram of latencies in milliseconds; NULL: there are none

NULL, negative and infinite values and NaN are no latencies; what is longer than 7 days counts as 7 days.';

CREATE AGGREGATE observa.merge(observa.histogram) (
    SFUNC = observa_internal.histogram_merge, STYPE = internal, SSPACE = 17000,
    COMBINEFUNC = observa_internal.histogram_combine, FINALFUNC = observa_internal.histogram_final,
    SERIALFUNC = observa_internal.histogram_serialize, DESERIALFUNC = observa_internal.histogram_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa.merge(observa.histogram) IS 'The histogram of all latencies in several, in any order; NULL: they have none';

-- Of bytes, as tables have them: casts would read each histogram twice.
CREATE FUNCTION observa_internal.net_latency(internal, bytea, bytea) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'net_latency_wrapper';
COMMENT ON FUNCTION observa_internal.net_latency(internal, bytea, bytea) IS 'Counts a histogram''s latencies, and those of another as taken out; NULL has none';

CREATE FUNCTION observa_internal.net_latencies_final(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'net_latencies_final_wrapper';
COMMENT ON FUNCTION observa_internal.net_latencies_final(internal) IS 'What is left, as a histogram''s bytes; NULL: nothing';

CREATE FUNCTION observa_internal.latency_summary_final(internal) RETURNS double precision[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'latency_summary_final_wrapper';
COMMENT ON FUNCTION observa_internal.latency_summary_final(internal) IS 'What is left, as milliseconds; NULL: nothing';

CREATE AGGREGATE observa_internal.net_latencies(added bytea, removed bytea) (
    SFUNC = observa_internal.net_latency, STYPE = internal, SSPACE = 4000,
    FINALFUNC = observa_internal.net_latencies_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa_internal.net_latencies(bytea, bytea) IS 'The bytes of the histogram of all that was added without what was taken out; NULL: nothing is left

Bytes that are no histogram are an error (22P03).';

CREATE AGGREGATE observa_internal.latency_summary(added bytea, removed bytea) (
    SFUNC = observa_internal.net_latency, STYPE = internal, SSPACE = 4000,
    FINALFUNC = observa_internal.latency_summary_final, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa_internal.latency_summary(bytea, bytea) IS 'Milliseconds of net_latencies: mean, p50, p90, p95, p99, longest; NULL: nothing is left';

CREATE FUNCTION observa.quantile(histogram observa.histogram, quantile double precision) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_quantile_wrapper';
COMMENT ON FUNCTION observa.quantile(observa.histogram, double precision) IS 'The latency in milliseconds that so large a share is not longer than; NULL: there are none

quantile is 0 (the shortest) to 1 (the longest), else it is an error (22023). It differs from percentile_disc over the same
latencies by 0.4 % at most, below 0.256 ms by a microsecond.';

CREATE FUNCTION observa.histogram_count(histogram observa.histogram) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_count_wrapper';
COMMENT ON FUNCTION observa.histogram_count(observa.histogram) IS 'How many latencies a histogram has';

CREATE FUNCTION observa.histogram_mean(histogram observa.histogram) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'histogram_mean_wrapper';
COMMENT ON FUNCTION observa.histogram_mean(observa.histogram) IS 'The mean latency in milliseconds, within 0.4 %; NULL: there are none';

CREATE FUNCTION observa_internal.add_histograms(a observa.histogram, b observa.histogram) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'add_histograms_wrapper';
COMMENT ON FUNCTION observa_internal.add_histograms(observa.histogram, observa.histogram) IS 'The histogram of all latencies in two, for a row that is there already; NULL has none';

CREATE FUNCTION observa_internal.subtract_histograms(a observa.histogram, b observa.histogram) RETURNS observa.histogram
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'subtract_histograms_wrapper';
COMMENT ON FUNCTION observa_internal.subtract_histograms(observa.histogram, observa.histogram) IS 'The histogram without the latencies of another, for a correction; NULL has none';

REVOKE ALL ON FUNCTION observa.histogram(double precision), observa.merge(observa.histogram),
    observa.quantile(observa.histogram, double precision), observa.histogram_count(observa.histogram),
    observa.histogram_mean(observa.histogram), observa_internal.histogram_of(bytea),
    observa_internal.net_latencies(bytea, bytea), observa_internal.latency_summary(bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.histogram(double precision), observa.merge(observa.histogram),
    observa.quantile(observa.histogram, double precision), observa.histogram_count(observa.histogram),
    observa.histogram_mean(observa.histogram), observa_internal.histogram_of(bytea),
    observa_internal.net_latencies(bytea, bytea), observa_internal.latency_summary(bytea, bytea)
    TO observa_ingest, observa_read, observa_admin, observa_owner;
