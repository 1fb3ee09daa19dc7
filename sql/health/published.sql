-- Whether somebody follows alerts or signals.
SELECT EXISTS (SELECT FROM pg_catalog.pg_publication_rel r
                WHERE r.prrelid IN (pg_catalog.to_regclass('observa_internal.alerts'), pg_catalog.to_regclass('observa_internal.signals')))
