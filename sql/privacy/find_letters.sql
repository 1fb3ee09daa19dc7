-- Dead letters from the id after $1: at most $2, of at most $3 bytes together, but one in any case; $4: with what is stored. Whose
-- they are can only be read in their text.
WITH next AS MATERIALIZED (
    SELECT r.rejected_id, pg_catalog.octet_length(r.body) AS bytes
      FROM observa_internal.rejected_events r
     WHERE r.tenant_id = observa.current_tenant() AND r.rejected_id > $1
     ORDER BY r.rejected_id
     LIMIT $2
), sized AS (
    SELECT rejected_id, bytes, pg_catalog.sum(bytes) OVER (ORDER BY rejected_id ROWS UNBOUNDED PRECEDING) AS bytes_so_far
      FROM next
)
SELECT r.rejected_id, r.project_id, r.body, CASE WHEN $4 THEN (pg_catalog.to_jsonb(r) - 'tenant_id')::text END
  FROM sized
  JOIN observa_internal.rejected_events r ON r.rejected_id = sized.rejected_id
 WHERE r.tenant_id = observa.current_tenant() AND (sized.bytes_so_far <= $3 OR sized.bytes_so_far = sized.bytes)
 ORDER BY r.rejected_id
