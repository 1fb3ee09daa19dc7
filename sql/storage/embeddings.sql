-- Vectors of questions, one for each embedded call, and of texts that somebody searches by. What was asked is not stored again, but a vector
-- tells of it: it is kept as long as payloads.
CREATE TABLE IF NOT EXISTS observa_internal.embeddings (
    tenant_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    user_id text,
    model text,
    route text,
    embedding_model text NOT NULL,
    question_hash uuid NOT NULL,
    vector real[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, ts, event_id)
);
-- Numbers that look random are not made smaller by any compression.
ALTER TABLE observa_internal.embeddings ALTER COLUMN vector SET STORAGE EXTERNAL;
COMMENT ON TABLE observa_internal.embeddings IS 'Vectors of what users have asked, of a sample of the calls';
COMMENT ON COLUMN observa_internal.embeddings.ts IS 'The event''s time';
COMMENT ON COLUMN observa_internal.embeddings.model IS 'Whom the question was asked; NULL: the event does not say it';
COMMENT ON COLUMN observa_internal.embeddings.embedding_model IS 'What has made the vector: those of two models are not compared';
COMMENT ON COLUMN observa_internal.embeddings.question_hash IS 'The same for questions that are letter for letter the same';
COMMENT ON COLUMN observa_internal.embeddings.vector IS 'Of length 1';
COMMENT ON CONSTRAINT embeddings_pkey ON observa_internal.embeddings IS 'A tenant''s time range, one vector for an event';
CREATE INDEX IF NOT EXISTS embeddings_event ON observa_internal.embeddings (tenant_id, event_id);
COMMENT ON INDEX observa_internal.embeddings_event IS 'What an event is searched by';

CREATE TABLE IF NOT EXISTS observa_internal.embedding_queries (
    tenant_id uuid NOT NULL,
    query_id uuid NOT NULL,
    project_id uuid NOT NULL,
    job_id uuid NOT NULL,
    text text COMPRESSION lz4,
    embedding_model text,
    vector real[],
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, query_id)
);
ALTER TABLE observa_internal.embedding_queries ALTER COLUMN vector SET STORAGE EXTERNAL;
COMMENT ON TABLE observa_internal.embedding_queries IS 'Texts that somebody searches by, for a day';
COMMENT ON COLUMN observa_internal.embedding_queries.query_id IS 'Hash of model and text';
COMMENT ON COLUMN observa_internal.embedding_queries.project_id IS 'Whose budget pays';
COMMENT ON COLUMN observa_internal.embedding_queries.job_id IS 'What embeds it';
COMMENT ON COLUMN observa_internal.embedding_queries.text IS 'NULL: it is embedded';
COMMENT ON COLUMN observa_internal.embedding_queries.vector IS 'Of length 1; NULL: it is not embedded yet';
COMMENT ON CONSTRAINT embedding_queries_pkey ON observa_internal.embedding_queries IS 'A text is embedded once';
CREATE INDEX IF NOT EXISTS embedding_queries_job ON observa_internal.embedding_queries (tenant_id, job_id);
COMMENT ON INDEX observa_internal.embedding_queries_job IS 'What a job embeds';

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['embeddings', 'embedding_queries'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS acting_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY acting_tenant ON observa_internal.%I TO observa_owner '
            'USING (tenant_id = observa.current_tenant()) WITH CHECK (tenant_id = observa.current_tenant())', name);
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS readable_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY readable_tenant ON observa_internal.%I FOR SELECT TO observa_read '
            'USING (tenant_id = observa.readable_tenant())', name);
    END LOOP;
END
$policies$;
GRANT SELECT ON observa_internal.embeddings TO observa_read;
-- What somebody has typed is theirs: others find by the same text, and see none.
GRANT SELECT (tenant_id, query_id, job_id, embedding_model, vector, asked_at) ON observa_internal.embedding_queries TO observa_read;
