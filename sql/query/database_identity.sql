-- What no other database has: that of its cluster, and its own id.
SELECT s.system_identifier || '/' || d.oid
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
