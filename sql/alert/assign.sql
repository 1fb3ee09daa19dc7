UPDATE observa_internal.alerts SET assignee = $4, note = coalesce($2, note) WHERE alert_id = $1
