-- $1 most events at once, $2 most jobs of a tenant that may wait, $3 USD that a project may spend in a day that does not say it itself. What is queued
-- already is counted there. What finds no room, and what no money is left for, is counted by the hour as
-- skipped. Samples take half of the room at most, and those of one user an eighth of it, so that signals and others find some.
WITH taken AS (
    DELETE FROM observa_internal.analysis_events c
     WHERE c.tenant_id = observa.current_tenant()
       AND c.candidate_id IN (SELECT n.candidate_id FROM observa_internal.analysis_events n
                               WHERE n.tenant_id = observa.current_tenant()
                               ORDER BY n.candidate_id
                               LIMIT $1)
    RETURNING c.*
), asks AS (
    SELECT t.tenant_id, t.candidate_id, t.project_id, t.environment, t.trace_id, t.event_id, t.ts, t.user_id, a.*
      FROM taken t
     CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(t.evaluators), pg_catalog.unnest(t.scopes), pg_catalog.unnest(t.triggers),
                pg_catalog.unnest(t.dedup_keys), pg_catalog.unnest(t.occurrences)) AS a (evaluator, scope, trigger, dedup_key, occurrences)
), asked AS (
    SELECT DISTINCT ON (t.dedup_key) t.*, CASE WHEN t.trigger = 'sampled' THEN 0 ELSE 1 END AS priority,
           pg_catalog.sum(t.occurrences) OVER (PARTITION BY t.dedup_key) AS times
      FROM asks t
     ORDER BY t.dedup_key, t.candidate_id
), known AS (
    UPDATE observa_internal.analysis_jobs j
       SET occurrences = j.occurrences + a.times
      FROM asked a
     WHERE j.tenant_id = a.tenant_id AND j.dedup_key = a.dedup_key
    RETURNING j.dedup_key
), room AS (
    SELECT $2 - pg_catalog.count(*) AS jobs, $2 / 2 - pg_catalog.count(*) FILTER (WHERE j.priority = 0) AS sampled
      FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant() AND j.state IN ('queued', 'leased')
), waiting AS (
    SELECT j.user_id, pg_catalog.count(*) AS jobs
      FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant() AND j.state IN ('queued', 'leased') AND j.priority = 0 AND j.user_id IS NOT NULL
     GROUP BY j.user_id
), spent AS (
    SELECT p.project_id
      FROM observa_internal.projects p
      LEFT JOIN observa_internal.analysis_spend s ON s.tenant_id = p.tenant_id AND s.project_id = p.project_id
           AND s.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date
     WHERE p.tenant_id = observa.current_tenant() AND coalesce(s.cost_usd, 0) >= coalesce(p.judge_budget_usd, $3)
), of_users AS (
    SELECT j.user_id, pg_catalog.count(*) AS jobs
      FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant() AND j.created_at > pg_catalog.now() - interval '1 hour' AND j.user_id IS NOT NULL
     GROUP BY j.user_id
), new AS (
    SELECT a.*, coalesce(u.jobs, 0) + CASE WHEN a.user_id IS NULL THEN 1
               ELSE pg_catalog.row_number() OVER (PARTITION BY a.user_id ORDER BY a.candidate_id, a.evaluator) END AS turn,
           CASE WHEN EXISTS (SELECT FROM spent s WHERE s.project_id = a.project_id) THEN 'the budget of the day is spent'
                WHEN a.priority = 0 AND a.user_id IS NOT NULL
                     AND coalesce(w.jobs, 0) + pg_catalog.row_number() OVER (PARTITION BY a.priority, a.user_id ORDER BY a.candidate_id, a.evaluator)
                         > greatest(1, $2 / 8)
                THEN 'too many of the user wait' END AS refused
      FROM asked a
      LEFT JOIN of_users u ON u.user_id = a.user_id
      LEFT JOIN waiting w ON w.user_id = a.user_id
     WHERE NOT EXISTS (SELECT FROM known k WHERE k.dedup_key = a.dedup_key)
), admitted AS (
    SELECT n.*, CASE WHEN n.refused IS NOT NULL THEN n.refused
                     WHEN n.priority = 0 AND n.place > (SELECT r.sampled FROM room r) THEN 'too many wait'
                     WHEN n.place > (SELECT r.jobs FROM room r) THEN 'too many wait' END AS why
      FROM (SELECT m.*, pg_catalog.row_number() OVER (PARTITION BY m.refused IS NULL ORDER BY m.priority DESC, m.turn, m.candidate_id, m.evaluator) AS place
              FROM new m) n
), refused AS (
    INSERT INTO observa_internal.analysis_jobs AS j (tenant_id, job_id, project_id, environment, evaluator, scope, trigger, priority, turn,
           dedup_key, occurrences, state, reason, finished_at)
    SELECT n.tenant_id, pg_catalog.gen_random_uuid(), n.project_id, n.environment, n.evaluator, n.scope, n.trigger, min(n.priority), 0,
           pg_catalog.md5(pg_catalog.concat_ws('/', n.project_id, n.environment, n.evaluator, n.scope, n.trigger, n.why,
               pg_catalog.date_trunc('hour', pg_catalog.now(), 'UTC')))::uuid,
           pg_catalog.sum(n.times), 'skipped', n.why, pg_catalog.now()
      FROM admitted n
     WHERE n.why IS NOT NULL
     GROUP BY n.tenant_id, n.project_id, n.environment, n.evaluator, n.scope, n.trigger, n.why
        ON CONFLICT (tenant_id, dedup_key) WHERE dedup_key IS NOT NULL DO UPDATE SET occurrences = j.occurrences + excluded.occurrences
), queued AS (
    INSERT INTO observa_internal.analysis_jobs (tenant_id, job_id, project_id, environment, evaluator, scope, trigger, priority, turn,
           dedup_key, trace_id, event_id, ts, user_id, occurrences)
    SELECT n.tenant_id, pg_catalog.gen_random_uuid(), n.project_id, n.environment, n.evaluator, n.scope, n.trigger, n.priority, n.turn, n.dedup_key,
           n.trace_id, CASE WHEN n.scope = 'event' THEN n.event_id END, n.ts, n.user_id, n.times
      FROM admitted n
     WHERE n.why IS NULL
     ORDER BY n.dedup_key
        ON CONFLICT DO NOTHING
)
SELECT pg_catalog.count(*) FROM taken
