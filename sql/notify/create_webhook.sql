-- $1 id, $2 project, $3 name, $4 URL, $5 what is shown of it, $6 format, $7 least severity, $8 secret.
INSERT INTO observa_internal.webhooks (tenant_id, webhook_id, project_id, name, url, shown_url, format, min_severity, secret)
VALUES (observa.current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8)
