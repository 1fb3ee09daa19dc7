-- As the type of histograms (sql/api/histogram.sql). The name is no word of SQL, as distinct alone would be.
CREATE TYPE observa.distinct_values;

CREATE FUNCTION observa_internal.distinct_in(cstring) RETURNS observa.distinct_values
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_in_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_in(cstring) IS 'A sketch from text; what is no sketch is an error (22P02, 22P03)';

CREATE FUNCTION observa_internal.distinct_out(observa.distinct_values) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_out_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_out(observa.distinct_values) IS 'A sketch as text: \x and its bytes in hexadecimal';

CREATE FUNCTION observa_internal.distinct_recv(internal) RETURNS observa.distinct_values
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_recv_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_recv(internal) IS 'A sketch from its bytes; what is no sketch is an error (22P03)';

CREATE FUNCTION observa_internal.distinct_send(observa.distinct_values) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_send_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_send(observa.distinct_values) IS 'A sketch''s bytes';

CREATE TYPE observa.distinct_values (
    INPUT = observa_internal.distinct_in, OUTPUT = observa_internal.distinct_out,
    RECEIVE = observa_internal.distinct_recv, SEND = observa_internal.distinct_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE observa.distinct_values IS 'About how many different texts there were, mergeable: a HyperLogLog of 2^14 registers, without the texts

As text it is \x and the bytes of Apache DataSketches'' format in hexadecimal, as binary those bytes: 12 and 4 for each text up to
some 1,500, else 16 kB. The standard error is 0.8 %, of few texts next to none.';

CREATE FUNCTION observa_internal.distinct_of(bytea) RETURNS observa.distinct_values
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_of_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_of(bytea) IS 'The sketch of bytes in the format of Apache DataSketches; others are an error (22P03)';

-- A column of the type goes with the extension, one of bytes stays.
CREATE CAST (observa.distinct_values AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (observa.distinct_values AS bytea) IS 'The format of Apache DataSketches, for other programs and for tables that outlive the extension';
CREATE CAST (bytea AS observa.distinct_values) WITH FUNCTION observa_internal.distinct_of(bytea);
COMMENT ON CAST (bytea AS observa.distinct_values) IS 'From the format of Apache DataSketches; bytes that are no such sketch are an error (22P03)';

CREATE FUNCTION observa_internal.distinct_record(internal, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_record_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_record(internal, text) IS 'Counts a text; NULL is none';

CREATE FUNCTION observa_internal.distinct_merge(internal, observa.distinct_values) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_merge_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_merge(internal, observa.distinct_values) IS 'Counts a sketch''s texts; NULL has none';

CREATE FUNCTION observa_internal.distinct_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_combine_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_combine(internal, internal) IS 'What two parallel workers have counted';

CREATE FUNCTION observa_internal.distinct_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_serialize_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_serialize(internal) IS 'What a parallel worker has counted, for its leader';

CREATE FUNCTION observa_internal.distinct_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_deserialize_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_deserialize(bytea, internal) IS 'What a parallel worker has counted, in its leader';

CREATE FUNCTION observa_internal.distinct_final(internal) RETURNS observa.distinct_values
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_final_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_final(internal) IS 'All that was counted; NULL: nothing';

CREATE AGGREGATE observa.distinct_values(value text) (
    SFUNC = observa_internal.distinct_record, STYPE = internal, SSPACE = 17000,
    COMBINEFUNC = observa_internal.distinct_combine, FINALFUNC = observa_internal.distinct_final,
    SERIALFUNC = observa_internal.distinct_serialize, DESERIALFUNC = observa_internal.distinct_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa.distinct_values(text) IS 'A sketch of different texts; NULL: there are none

A text counts once however often it comes, NULL does not.';

CREATE AGGREGATE observa.merge(observa.distinct_values) (
    SFUNC = observa_internal.distinct_merge, STYPE = internal, SSPACE = 17000,
    COMBINEFUNC = observa_internal.distinct_combine, FINALFUNC = observa_internal.distinct_final,
    SERIALFUNC = observa_internal.distinct_serialize, DESERIALFUNC = observa_internal.distinct_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa.merge(observa.distinct_values) IS 'The sketch of all texts in several, each counted once, in any order; NULL: they have none';

-- Casts would read each sketch twice.
CREATE FUNCTION observa_internal.merge_sketch(internal, bytea) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_merge_wrapper';
COMMENT ON FUNCTION observa_internal.merge_sketch(internal, bytea) IS 'Counts the texts of a sketch''s bytes; NULL has none';

CREATE FUNCTION observa_internal.distinct_final_count(internal) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_final_count_wrapper';
COMMENT ON FUNCTION observa_internal.distinct_final_count(internal) IS 'How many texts were counted; 0: none';

CREATE AGGREGATE observa_internal.count_sketches(bytea) (
    SFUNC = observa_internal.merge_sketch, STYPE = internal, SSPACE = 4000,
    COMBINEFUNC = observa_internal.distinct_combine, FINALFUNC = observa_internal.distinct_final_count,
    SERIALFUNC = observa_internal.distinct_serialize, DESERIALFUNC = observa_internal.distinct_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE observa_internal.count_sketches(bytea) IS 'What observa.distinct_count says of the merged sketches, as tables have them, 0 of none; bytes that are none are an error (22P03)';

CREATE FUNCTION observa.distinct_count("values" observa.distinct_values) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distinct_count_wrapper';
COMMENT ON FUNCTION observa.distinct_count(observa.distinct_values) IS 'About how many different texts are in a sketch: within 2.4 % in 997 of 1,000 cases; NULL: of no sketch';

CREATE FUNCTION observa_internal.add_distinct(a observa.distinct_values, b observa.distinct_values) RETURNS observa.distinct_values
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'add_distinct_wrapper';
COMMENT ON FUNCTION observa_internal.add_distinct(observa.distinct_values, observa.distinct_values) IS 'The sketch of all texts in two, for a row that is there already; NULL has none';

REVOKE ALL ON FUNCTION observa.distinct_values(text), observa.merge(observa.distinct_values),
    observa.distinct_count(observa.distinct_values), observa_internal.distinct_of(bytea), observa_internal.count_sketches(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.distinct_values(text), observa.merge(observa.distinct_values),
    observa.distinct_count(observa.distinct_values), observa_internal.distinct_of(bytea), observa_internal.count_sketches(bytea)
    TO observa_ingest, observa_read, observa_admin, observa_owner;
