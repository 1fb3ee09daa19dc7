-- $1 delta of the acting tenant, $2 when it was added, $3 its bytes, which can't be read.
INSERT INTO observa_internal.damaged_deltas (tenant_id, delta_id, added_at, entries)
VALUES (observa.current_tenant(), $1, $2, $3)
