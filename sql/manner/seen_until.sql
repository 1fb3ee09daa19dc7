-- When the acting tenant's answers were sampled last. $1: the first day in UTC that matters.
SELECT max(d.seen_until) FROM observa_internal.answer_days d
 WHERE d.tenant_id = observa.current_tenant() AND d.day >= ($1 AT TIME ZONE 'UTC')::date
