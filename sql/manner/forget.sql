-- The acting tenant's days before that of $1.
DELETE FROM observa_internal.answer_days d WHERE d.tenant_id = observa.current_tenant() AND d.day < ($1 AT TIME ZONE 'UTC')::date
