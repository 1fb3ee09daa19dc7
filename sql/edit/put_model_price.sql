-- $1: the new row of the view. The tenant is the acting one.
INSERT INTO observa_internal.model_prices
       (price_id, tenant_id, project_id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source,
        hours_utc, weekdays)
VALUES (coalesce(($1 ->> 'id')::uuid, pg_catalog.gen_random_uuid()), observa.current_tenant(), ($1 ->> 'project_id')::uuid,
        $1 ->> 'provider', $1 ->> 'model', $1 ->> 'maps_to', coalesce(nullif($1 -> 'rates', 'null'), '{}'),
        ($1 ->> 'context_window')::bigint, coalesce(($1 ->> 'valid_from')::timestamptz, '-infinity'),
        coalesce(($1 ->> 'valid_to')::timestamptz, 'infinity'), coalesce($1 ->> 'source', 'tenant'), $1 ->> 'hours_utc',
        (SELECT pg_catalog.array_agg(day::smallint)
           FROM pg_catalog.jsonb_array_elements_text(nullif($1 -> 'weekdays', 'null')) day))
