-- $1: prices as a JSON array, their times in microseconds since 1970; $2: a tenant, NULL for everybody; $3: a source.
INSERT INTO observa_internal.model_prices
       (tenant_id, provider, model, rates, context_window, valid_from, valid_to, hours_utc, weekdays, source, loaded_at)
SELECT $2, provider, model, rates, context_window,
       coalesce(timestamptz 'epoch' + valid_from * interval '1 microsecond', '-infinity'),
       coalesce(timestamptz 'epoch' + valid_to * interval '1 microsecond', 'infinity'), hours_utc, weekdays, $3,
       pg_catalog.now()
  FROM pg_catalog.jsonb_to_recordset($1) AS row (provider text, model text, rates jsonb, context_window bigint,
       valid_from bigint, valid_to bigint, hours_utc text, weekdays smallint[])
