-- rows: of activities, of which something was taken out. Who has done nothing any more goes: forgotten users among them.
DELETE FROM observa_internal.activities a USING rows
 WHERE a.tenant_id = rows.tenant_id AND a.actor = rows.actor AND a.id = rows.id AND a.project_id = rows.project_id AND a.events <= 0
