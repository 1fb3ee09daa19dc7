CREATE TABLE IF NOT EXISTS observa_internal.rejected_events (
    tenant_id uuid NOT NULL,
    rejected_id uuid NOT NULL,
    project_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    field text,
    message text NOT NULL,
    body text COMPRESSION lz4 NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    any_tenant boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, rejected_id)
);
ALTER TABLE observa_internal.rejected_events ADD COLUMN IF NOT EXISTS any_tenant boolean NOT NULL DEFAULT false;
COMMENT ON TABLE observa_internal.rejected_events IS 'Lines that ingest could not store, scrubbed; observa.replay_rejected() tries them again';
COMMENT ON COLUMN observa_internal.rejected_events.body IS 'The line as it came, secrets replaced; identifiers that name a person are pseudonyms, as in events';
COMMENT ON COLUMN observa_internal.rejected_events.any_tenant IS 'Who sent it could write for any tenant: a superuser''s replay stores it where the line says';
COMMENT ON COLUMN observa_internal.rejected_events.created_at IS 'When it came: the time of its events that have none';
CREATE INDEX IF NOT EXISTS rejected_events_batch ON observa_internal.rejected_events (tenant_id, batch_id);
COMMENT ON INDEX observa_internal.rejected_events_batch IS 'The dead letters of one batch';
CREATE INDEX IF NOT EXISTS rejected_events_turn ON observa_internal.rejected_events (tenant_id, attempts, rejected_id);
COMMENT ON INDEX observa_internal.rejected_events_turn IS 'The order of replays: what was tried least, first';
