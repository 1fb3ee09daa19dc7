-- $1 times, $2 ids of events of the acting tenant: those whose lost context was told of.
SELECT s.event_id
  FROM observa_internal.signals s
 WHERE s.tenant_id = observa.current_tenant() AND s.ts = ANY ($1) AND s.event_id = ANY ($2) AND s.name = 'context_drop'
