-- A restore makes policies last of all: before that the rows may be yet to come.
SELECT EXISTS (SELECT FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
                WHERE c.relname = 'jobs' AND c.relnamespace = pg_catalog.to_regnamespace('observa_internal'))
