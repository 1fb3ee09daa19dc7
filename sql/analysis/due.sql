-- $1 whether judgements can be taken, $2 whether embeddings. So cheap that it is asked some times a second.
SELECT EXISTS (SELECT FROM observa_internal.analysis_jobs j
                WHERE j.state IN ('queued', 'leased') AND j.run_after <= pg_catalog.now()
                  AND CASE WHEN j.evaluator = 'embedding' THEN $2 ELSE $1 END)
