-- The acting tenant's detectors that are switched on, and not failing just now (20 s after a failure, 40 after two, and so on), and why one may not be called: what was so when it was registered may be no longer.
SELECT d.name, d.function, r.oid, d.severity, d.group_by, d.timeout_ms,
       CASE WHEN p.oid IS NULL OR r.oid IS NULL THEN 'the function, or the role that it runs as, is gone'
            WHEN p.prokind <> 'f' OR p.proretset OR p.prorettype <> 'boolean'::regtype THEN 'a detector is a function of a jsonb that returns boolean'
            WHEN p.prosecdef THEN 'a SECURITY DEFINER function would run as its owner'
            WHEN r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole THEN 'run_as must be a role without SUPERUSER, BYPASSRLS, REPLICATION and CREATEROLE'
            WHEN pg_catalog.pg_has_role(r.oid, 'observa_owner', 'MEMBER') OR pg_catalog.pg_has_role(r.oid, 'observa_system', 'MEMBER')
                 OR pg_catalog.pg_has_role(r.oid, 'observa_admin', 'MEMBER') OR pg_catalog.pg_has_role(r.oid, 'observa_ingest', 'MEMBER')
            THEN 'run_as may be a member of observa_read, and of no other role of Observa''s'
            WHEN NOT pg_catalog.has_schema_privilege(r.oid, p.pronamespace, 'USAGE') OR NOT pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
            THEN 'run_as may not call the function' END,
       d.failures > 0
  FROM observa_internal.detectors d
  -- to_regprocedure would ask for rights on the function's schema, which who registers need not grant to anybody but run_as.
 CROSS JOIN LATERAL pg_catalog.parse_ident(d.function) named
  LEFT JOIN (pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace)
    ON n.nspname = named[1] AND p.proname = named[2] AND p.pronargs = 1 AND p.proargtypes[0] = 'jsonb'::regtype
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = d.run_as
 WHERE d.tenant_id = observa.current_tenant() AND d.enabled
   AND (d.failures = 0 OR d.last_failed < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => 10 * 2 ^ least(d.failures, 10)))
 ORDER BY d.name
