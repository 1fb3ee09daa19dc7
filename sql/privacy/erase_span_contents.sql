-- $2: keys of contents, as find_span_contents.sql writes them.
DELETE FROM observa_internal.span_contents c
 WHERE c.tenant_id = observa.current_tenant() AND c.trace_id || ' ' || c.span_id || ' ' || c.content_id = ANY ($2)
RETURNING c.content_id
