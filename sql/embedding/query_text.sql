-- $1 job: the text that it embeds.
SELECT q.text FROM observa_internal.embedding_queries q WHERE q.tenant_id = observa.current_tenant() AND q.job_id = $1
