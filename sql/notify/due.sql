-- Cheaper than to claim nothing: asked every second where nothing is due.
SELECT EXISTS (SELECT FROM observa_internal.notifications n
                WHERE n.state IN ('pending', 'sending') AND n.next_attempt <= pg_catalog.now())
