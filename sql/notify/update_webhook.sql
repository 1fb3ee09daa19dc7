-- $1 id; what is NULL stays: $2 enabled, $3 name, $4 URL, $5 what is shown of it, $6 least severity, $7 secret.
UPDATE observa_internal.webhooks w
   SET enabled = coalesce($2, w.enabled), name = coalesce($3, w.name), url = coalesce($4, w.url),
       shown_url = coalesce($5, w.shown_url), min_severity = coalesce($6, w.min_severity), secret = coalesce($7, w.secret)
 WHERE w.tenant_id = observa.current_tenant() AND w.webhook_id = $1
