-- $1: a batch, or NULL for all. $2: most letters. $3: most bytes of bodies; the first letter is taken whatever its size. What was
-- tried least comes first, or letters that stay bad would stand before the others for ever; what another session replays is
-- left to it.
WITH turn AS MATERIALIZED (
    SELECT tenant_id, rejected_id, attempts, pg_catalog.octet_length(body) AS bytes
      FROM observa_internal.rejected_events
     WHERE $1::uuid IS NULL OR batch_id = $1
     ORDER BY tenant_id, attempts, rejected_id
     LIMIT $2
       FOR UPDATE SKIP LOCKED
), sized AS (
    SELECT tenant_id, rejected_id, attempts, bytes,
           pg_catalog.sum(bytes) OVER (ORDER BY attempts, rejected_id ROWS UNBOUNDED PRECEDING) AS bytes_so_far
      FROM turn
)
SELECT letter.tenant_id, letter.rejected_id, letter.project_id, letter.body, letter.created_at, letter.any_tenant
  FROM sized
  JOIN observa_internal.rejected_events letter USING (tenant_id, rejected_id)
 WHERE sized.bytes_so_far <= $3 OR sized.bytes_so_far = sized.bytes
 ORDER BY sized.attempts, letter.rejected_id
