-- $1: the new row of the view, as JSON text. The tenant is the acting one.
INSERT INTO observa_internal.model_prices
       (price_id, tenant_id, project_id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source,
        hours_utc, weekdays)
SELECT coalesce((new ->> 'id')::uuid, pg_catalog.gen_random_uuid()), observa.current_tenant(), (new ->> 'project_id')::uuid,
       new ->> 'provider', new ->> 'model', new ->> 'maps_to', coalesce(nullif(new -> 'rates', 'null'), '{}'),
       (new ->> 'context_window')::bigint, coalesce((new ->> 'valid_from')::timestamptz, '-infinity'),
       coalesce((new ->> 'valid_to')::timestamptz, 'infinity'), coalesce(new ->> 'source', 'tenant'), new ->> 'hours_utc',
       (SELECT pg_catalog.array_agg(day::smallint)
          FROM pg_catalog.jsonb_array_elements_text(nullif(new -> 'weekdays', 'null')) day)
  FROM (SELECT $1::text::jsonb AS new) row
