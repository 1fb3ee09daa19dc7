-- A call is a turn: what the user said last, then what the model answered. Earlier messages of the prompt are earlier turns.
CREATE OR REPLACE VIEW observa.messages WITH (security_invoker = true) AS
SELECT turn.conversation_id,
       row_number() OVER (PARTITION BY turn.tenant_id, turn.project_id, turn.conversation_id
                          ORDER BY turn.message_index NULLS LAST, turn.ts, turn.event_id, turn.part) - 1 AS message_index,
       turn.ts, turn.role, turn.content, turn.event_id, turn.tenant_id, turn.project_id
  FROM (SELECT e.tenant_id, e.project_id, e.conversation_id, e.message_index, e.ts, e.event_id, said.part, said.role,
               said.content
          FROM observa_internal.events e
          JOIN observa_internal.event_payloads p
            ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
         CROSS JOIN LATERAL (VALUES (0, 'user', observa_internal.last_message(p.input, 'user')),
                                    (1, 'assistant', observa_internal.last_message(p.output, 'assistant')))
               AS said (part, role, content)
         WHERE e.conversation_id IS NOT NULL AND e.event_type = 'llm_call' AND said.content IS NOT NULL) turn;
COMMENT ON VIEW observa.messages IS 'Messages of conversations, in order

Two for each LLM call: what the user said, and what the model answered.';
COMMENT ON COLUMN observa.messages.message_index IS 'Place in the conversation, from 0';
