-- rows: those of event_payloads, as they are translated now; what is NULL stays.
UPDATE observa_internal.event_payloads p
   SET input = coalesce(r.input, p.input), output = coalesce(r.output, p.output),
       error_message = coalesce(r.error_message, p.error_message), attributes = coalesce(r.attributes, p.attributes)
  FROM rows r
 WHERE p.tenant_id = r.tenant_id AND p.ts = r.ts AND p.event_id = r.event_id
