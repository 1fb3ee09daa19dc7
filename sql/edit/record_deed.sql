-- $1 id, $2 actor, $3 action, $4 resource, and of a request over HTTP $5 address, $6 user agent, $7 id.
INSERT INTO observa_internal.audit_log (tenant_id, audit_id, actor, action, resource, address, user_agent, request_id)
VALUES (observa.current_tenant(), $1, $2, $3, $4, coalesce($5, pg_catalog.host(pg_catalog.inet_client_addr())), $6, $7)
