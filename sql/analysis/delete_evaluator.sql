-- $1 the row of the view that goes: a built-in one comes back as it was.
DELETE FROM observa_internal.evaluators e WHERE e.tenant_id = observa.current_tenant() AND e.name = $1 ->> 'name'
