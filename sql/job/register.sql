-- Rows of jobs that this version has not are of an older or a newer one. Without the look for those that are there, ON CONFLICT would
-- wait for whoever has just run one.
WITH gone AS (DELETE FROM observa_internal.jobs WHERE job <> ALL ($1))
INSERT INTO observa_internal.jobs (job)
SELECT name FROM pg_catalog.unnest($1) AS name WHERE NOT EXISTS (SELECT FROM observa_internal.jobs known WHERE known.job = name)
    ON CONFLICT (job) DO NOTHING
