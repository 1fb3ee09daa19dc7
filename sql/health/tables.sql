-- Tables of Observa's, each with its partitions, indexes and TOAST: bytes, rows as the planner estimates them, partitions, and the first
-- and last of these. Days that were taken out to be archived are one row.
SELECT t.name, pg_catalog.sum(pg_catalog.pg_total_relation_size(t.oid))::bigint,
       pg_catalog.sum(greatest(t.reltuples, 0))::bigint, pg_catalog.count(*) FILTER (WHERE t.relispartition),
       pg_catalog.min(t.bounds) FILTER (WHERE t.relispartition), pg_catalog.max(t.bounds) FILTER (WHERE t.relispartition)
  FROM (SELECT c.oid, c.reltuples, c.relispartition, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bounds,
               CASE WHEN c.relname LIKE 'expired\_%' THEN 'days set aside' ELSE coalesce(root.relname, c.relname)::text END AS name
          FROM pg_catalog.pg_class c
          LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
          LEFT JOIN pg_catalog.pg_class root ON root.oid = i.inhparent
         WHERE c.relnamespace = pg_catalog.to_regnamespace('observa_internal') AND c.relkind IN ('r', 'm')) t
 GROUP BY t.name
 ORDER BY 2 DESC, 1
