CREATE FUNCTION observa.archive_partition(table_name text, day date, directory text DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'archive_partition_wrapper';
REVOKE ALL ON FUNCTION observa.archive_partition(text, date, text) FROM PUBLIC;
COMMENT ON FUNCTION observa.archive_partition(text, date, text) IS 'Writes a day (UTC) of events, event_payloads, signals or logs to a Parquet file and reads it back: {file, rows, bytes, sha256}

The file is <directory>/<table>/<table>_YYYYMMDD.parquet on the server. directory: NULL is observa.archive_directory. A file of the same
partition is replaced. For superusers: it writes as the server''s user, and all tenants'' rows. docs/retention.md';
