-- $1 the new row of the view, $2 the version. The tenant is the acting one.
INSERT INTO observa_internal.evaluators AS e (tenant_id, name, version, enabled, scope, variables, template, response_schema, model, triggers,
       sample_rate, signal, medium_threshold, high_threshold, description)
SELECT observa.current_tenant(), r.name, $2, coalesce(r.enabled, true), coalesce(r.scope, 'event'), r.variables, r.template,
       r.response_schema, r.model, coalesce(r.triggers, '{}'), r.sample_rate, r.signal, r.medium_threshold, r.high_threshold,
       coalesce(r.description, '')
  FROM pg_catalog.jsonb_to_record($1) AS r (name text, enabled boolean, scope text, variables text[], template text,
       response_schema jsonb, model text, triggers text[], sample_rate double precision, signal text,
       medium_threshold double precision, high_threshold double precision, description text)
    ON CONFLICT (tenant_id, name) DO UPDATE
   SET version = greatest(e.version + 1, excluded.version), enabled = excluded.enabled, scope = excluded.scope,
       variables = excluded.variables, template = excluded.template, response_schema = excluded.response_schema,
       model = excluded.model, triggers = excluded.triggers, sample_rate = excluded.sample_rate, signal = excluded.signal,
       medium_threshold = excluded.medium_threshold, high_threshold = excluded.high_threshold,
       description = excluded.description, changed_at = pg_catalog.now()
