-- $1: most letters to look at. How many the acting tenant has, and their bytes; no text is read.
SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(pg_catalog.octet_length(l.body)), 0)::bigint
  FROM (SELECT r.body FROM observa_internal.rejected_events r WHERE r.tenant_id = observa.current_tenant() LIMIT $1) l
