-- $1 libraries that keep statements. Which of them are loaded, and extensions of others with something in Observa's schemas.
SELECT DISTINCT 'library', l.name
  FROM pg_catalog.unnest($1::text[]) AS l (name)
 WHERE EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE pg_catalog.starts_with(s.name, l.name || '.'))
    OR EXISTS (SELECT FROM pg_catalog.pg_settings s
                WHERE s.name IN ('shared_preload_libraries', 'session_preload_libraries')
                  AND l.name = ANY (pg_catalog.regexp_split_to_array(s.setting, '[\s,"]+')))
UNION ALL
SELECT DISTINCT 'extension', e.extname::text
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname <> 'observa'
 WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
   AND (d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.oid = d.objid AND n.nspname IN ('observa', 'observa_internal'))
     OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.oid = d.objid AND n.nspname IN ('observa', 'observa_internal')))
