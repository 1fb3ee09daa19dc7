CREATE OR REPLACE VIEW observa.embeddings WITH (security_invoker = true) AS
SELECT event_id, ts, embedding_model, model, route, user_id, vector, created_at, environment, project_id, tenant_id
  FROM observa_internal.embeddings;
COMMENT ON VIEW observa.embeddings IS 'Vectors of what users have asked, of a sample of the calls

Kept as long as payloads. observa.similar(text), observa.similar_events(event) and others compare them (docs/analysis.md).';
COMMENT ON COLUMN observa.embeddings.ts IS 'The event''s time';
COMMENT ON COLUMN observa.embeddings.embedding_model IS 'What has made the vector: those of two models are not to be compared';
COMMENT ON COLUMN observa.embeddings.model IS 'Whom the question was asked; NULL: the event does not say it';
COMMENT ON COLUMN observa.embeddings.vector IS 'Of length 1: the product of two is their cosine';
