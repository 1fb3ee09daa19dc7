-- $1: a JSON array of [price_id, microseconds since 1970].
UPDATE observa_internal.model_prices p
   SET valid_to = timestamptz 'epoch' + (ended ->> 1)::bigint * interval '1 microsecond'
  FROM pg_catalog.jsonb_array_elements($1) ended
 WHERE p.price_id = (ended ->> 0)::uuid
