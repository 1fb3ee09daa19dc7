-- A hash of what the storage's scripts make, partitions aside, also those that wait for their archive, and what the job vector_index makes.
WITH relation AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relacl,
           c.reloptions
      FROM pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      JOIN pg_catalog.pg_class t ON t.oid = coalesce(i.indrelid, c.oid) AND t.relname !~ '^expired_'
     WHERE c.relnamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace) AND NOT c.relispartition
       AND c.relkind IN ('r', 'p', 'v', 'i', 'I')
       AND c.relname !~ '^embeddings_near_'
), part (text) AS (
    SELECT concat_ws(' ', name, relkind, relowner::regrole, relrowsecurity, relforcerowsecurity, relacl, reloptions,
                     pg_catalog.obj_description(oid, 'pg_class'), CASE WHEN relkind = 'v' THEN pg_catalog.pg_get_viewdef(oid) END)
      FROM relation
    UNION ALL
    SELECT concat_ws(' ', r.name, a.attname, a.atttypid::regtype, a.attnotnull, a.attacl, pg_catalog.col_description(r.oid, a.attnum))
      FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
     WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT concat_ws(' ', r.name, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
                     pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
      FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT concat_ws(' ', r.name, t.tgenabled, pg_catalog.pg_get_triggerdef(t.oid))
      FROM relation r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
     WHERE NOT t.tgisinternal
)
SELECT pg_catalog.md5(pg_catalog.string_agg(text, E'\n' ORDER BY text COLLATE "C")) FROM part
