-- $1 a time of the day, $2 project, $3 environment, $4 model, $5 route, $6 manner, $7 until when answers have been seen.
INSERT INTO observa_internal.answer_days AS d (tenant_id, day, project_id, environment, model, route, manner, seen_until)
VALUES (observa.current_tenant(), ($1 AT TIME ZONE 'UTC')::date, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, day, project_id, environment, model, route) DO UPDATE SET manner = excluded.manner, seen_until = excluded.seen_until
