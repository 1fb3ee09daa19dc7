-- $1 times and $2 ids of events, in key order, with their new $3 input and $4 output.
INSERT INTO observa_internal.event_payloads AS p (tenant_id, ts, event_id, input, output)
SELECT observa.current_tenant(), new.ts, new.event_id, new.input, new.output
  FROM ROWS FROM (pg_catalog.unnest($1::timestamptz[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) AS new (ts, event_id, input, output)
    ON CONFLICT (tenant_id, ts, event_id) DO UPDATE SET input = excluded.input, output = excluded.output
