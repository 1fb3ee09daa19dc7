-- PostgREST answers with a media type where what it serves has an aggregate or a function that returns a domain of that name.
CREATE DOMAIN observa."text/csv" AS text;
COMMENT ON DOMAIN observa."text/csv" IS 'CSV, as PostgREST answers with it';
CREATE DOMAIN observa."application/x-ndjson" AS text;
COMMENT ON DOMAIN observa."application/x-ndjson" IS 'A JSON value a line, as PostgREST answers with it';

-- The row of a set of lines: PostgREST finds aggregates by the view whose rows a function returns.
CREATE VIEW observa.export_lines WITH (security_invoker = true) AS SELECT NULL::text AS line WHERE false;
COMMENT ON VIEW observa.export_lines IS 'What exports return; the view itself is empty';
COMMENT ON COLUMN observa.export_lines.line IS 'A line, without its end';

CREATE FUNCTION observa_internal.add_line(internal, observa.export_lines) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'add_line_wrapper';
COMMENT ON FUNCTION observa_internal.add_line(internal, observa.export_lines) IS 'One more line';
CREATE FUNCTION observa_internal.lines_csv(internal) RETURNS observa."text/csv"
    LANGUAGE c IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'lines_wrapper';
COMMENT ON FUNCTION observa_internal.lines_csv(internal) IS 'All lines, each with its end';
CREATE FUNCTION observa_internal.lines_ndjson(internal) RETURNS observa."application/x-ndjson"
    LANGUAGE c IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'lines_wrapper';
COMMENT ON FUNCTION observa_internal.lines_ndjson(internal) IS 'All lines, each with its end';

CREATE AGGREGATE observa.csv_of_lines(observa.export_lines) (SFUNC = observa_internal.add_line, STYPE = internal, FINALFUNC = observa_internal.lines_csv);
COMMENT ON AGGREGATE observa.csv_of_lines(observa.export_lines) IS 'Lines as one text, for PostgREST: Accept: text/csv';
CREATE AGGREGATE observa.ndjson_of_lines(observa.export_lines) (SFUNC = observa_internal.add_line, STYPE = internal, FINALFUNC = observa_internal.lines_ndjson);
COMMENT ON AGGREGATE observa.ndjson_of_lines(observa.export_lines) IS 'Lines as one text, for PostgREST: Accept: application/x-ndjson';

CREATE FUNCTION observa_internal.export_format(format text) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_format_wrapper';
COMMENT ON FUNCTION observa_internal.export_format(text) IS 'ndjson or csv; NULL: what the request''s Accept says, else ndjson. Others are an error (22023)';

CREATE FUNCTION observa_internal.export_limit(top integer, since timestamptz, until timestamptz) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'export_limit_wrapper';
COMMENT ON FUNCTION observa_internal.export_limit(integer, timestamptz, timestamptz) IS 'How many rows; NULL: all. Less than 1 is an error (22023), and so is a time that ends before it begins';

CREATE FUNCTION observa_internal.csv_cell(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '"' || replace(CASE WHEN value ~ '^[[:space:]]*[-=+@＝＋－＠]' OR value ~ '^[\t\r\n]' THEN '''' || value ELSE value END, '"', '""') || '"';
COMMENT ON FUNCTION observa_internal.csv_cell(text) IS 'A text in quotes, after an apostrophe where a spreadsheet would take it for a formula; NULL: NULL';

REVOKE ALL ON FUNCTION observa.csv_of_lines(observa.export_lines), observa.ndjson_of_lines(observa.export_lines) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.csv_of_lines(observa.export_lines), observa.ndjson_of_lines(observa.export_lines) TO observa_read;
