-- $1 traces of the acting tenant: the loops that were told of.
SELECT s.project_id, s.trace_id, s.details ->> 'loop'
  FROM observa_internal.signals s
 WHERE s.tenant_id = observa.current_tenant() AND s.trace_id = ANY ($1) AND s.name = 'agent_loop' AND s.details ? 'loop'
