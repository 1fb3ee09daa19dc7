-- $1 traces of the acting tenant that have no event any more, $2 their projects.
DELETE FROM observa_internal.traces t
 USING ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::uuid[])) AS gone (trace_id, project_id)
 WHERE t.tenant_id = observa.current_tenant() AND t.trace_id = gone.trace_id AND t.project_id = gone.project_id
