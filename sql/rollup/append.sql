-- $1 delta of the acting tenant, $2 when it was added, $3 its bytes.
INSERT INTO observa_internal.rollup_deltas (tenant_id, delta_id, added_at, entries)
VALUES (observa.current_tenant(), $1, $2, $3)
