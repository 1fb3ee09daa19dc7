-- Of one number of dimensions, as pgvector wants it; of all tenants and models, since a policy's filter holds for what it finds, too. Vectors
-- have the length 1: the inner product is their cosine.
CREATE INDEX embeddings_near_{dimensions} ON observa_internal.embeddings
    USING hnsw ((vector::{schema}.{type}({dimensions})) {schema}.{type}_ip_ops) WHERE pg_catalog.cardinality(vector) = {dimensions};
COMMENT ON INDEX observa_internal.embeddings_near_{dimensions}
    IS 'The nearest vectors, by pgvector. The job vector_index makes it; without it each vector is compared';
