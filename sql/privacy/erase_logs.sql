-- $1, $2: keys of log lines, $3, $4: the first and the last time of them.
DELETE FROM observa_internal.logs l
 USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
 WHERE l.tenant_id = observa.current_tenant() AND l.ts = found.ts AND l.log_id = found.id::uuid AND l.ts BETWEEN $3 AND $4
RETURNING l.log_id
