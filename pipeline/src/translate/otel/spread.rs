//! Session, user and conversation of a trace: many libraries name them on one span only, and mean all.

use std::collections::HashMap;

use crate::event::{Event, Field};
use crate::translate::otel::tree::Tree;

/// What belongs to the whole of a trace.
pub const SPREAD: [Field; 3] = [Field::SessionId, Field::UserId, Field::ConversationId];

/// A span, and the ids that it has of [`SPREAD`].
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub parent_span_id: Option<&'a str>,
    pub ids: [Option<&'a str>; SPREAD.len()],
}

/// The ids that each span should have: its own, else its nearest parent's, else the trace's if all that name one agree.
/// In time and space linear in the spans, which may be of a batch or stored.
pub fn spread<'a>(members: &[Member<'a>]) -> Vec<[Option<&'a str>; SPREAD.len()]> {
    let tree =
        Tree::new(members.iter().map(|member| (member.trace_id, member.span_id, member.parent_span_id)));
    let mut of_trace: HashMap<(&str, usize), Option<&str>, ahash::RandomState> = HashMap::default();
    for member in members {
        for (which, id) in member.ids.iter().enumerate() {
            let Some(id) = id else { continue };
            let agreed = of_trace.entry((member.trace_id, which)).or_insert(Some(id));
            *agreed = agreed.filter(|agreed| agreed == id);
        }
    }
    let mut ids: Vec<_> = members.iter().map(|member| member.ids).collect();
    for &place in tree.leaves_first().iter().rev() {
        let Some(above) = tree.parent(place).and_then(|parent| ids.get(parent).copied()) else { continue };
        for (own, above) in ids.get_mut(place).into_iter().flatten().zip(above) {
            *own = own.or(above);
        }
    }
    for (member, ids) in members.iter().zip(&mut ids) {
        for (which, id) in ids.iter_mut().enumerate() {
            *id = id.or_else(|| of_trace.get(&(member.trace_id, which)).copied().flatten());
        }
    }
    ids
}

/// Spreads the ids of a batch's events within their traces.
pub fn spread_events(events: &mut [Event]) {
    let wants = |event: &Event| SPREAD.iter().any(|field| event.text(*field).is_some());
    if !events.iter().any(wants) {
        return;
    }
    let members: Vec<Member> = events
        .iter()
        .map(|event| Member {
            trace_id: event.text(Field::TraceId).unwrap_or_default(),
            span_id: event.text(Field::SpanId).unwrap_or_default(),
            parent_span_id: event.text(Field::ParentSpanId),
            ids: SPREAD.map(|field| event.text(field)),
        })
        .collect();
    let found: Vec<[Option<String>; SPREAD.len()]> = spread(&members)
        .into_iter()
        .zip(&members)
        .map(|(all, member)| {
            let mut new = [const { None }; SPREAD.len()];
            for ((slot, id), own) in new.iter_mut().zip(all).zip(member.ids) {
                *slot = id.filter(|_| own.is_none()).map(str::to_owned);
            }
            new
        })
        .collect();
    for (event, new) in events.iter_mut().zip(found) {
        for (field, id) in SPREAD.into_iter().zip(new) {
            if let Some(id) = id {
                event.set_text(field, Some(id.into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member<'a>(
        trace_id: &'a str,
        span_id: &'a str,
        parent: Option<&'a str>,
        session: Option<&'a str>,
    ) -> Member<'a> {
        Member { trace_id, span_id, parent_span_id: parent, ids: [session, None, None] }
    }

    fn sessions<'a>(members: &[Member<'a>]) -> Vec<Option<&'a str>> {
        spread(members).into_iter().map(|ids| ids[0]).collect()
    }

    #[test]
    fn the_one_session_of_a_trace_is_all_of_its_spans() {
        let members = [
            member("t", "root", None, None),
            member("t", "middle", Some("root"), Some("s")),
            member("t", "leaf", Some("middle"), None),
            member("u", "root", None, None),
        ];
        assert_eq!(sessions(&members), [Some("s"), Some("s"), Some("s"), None]);
    }

    #[test]
    fn of_several_sessions_each_goes_down_its_own_branch() {
        let members = [
            member("t", "root", None, None),
            member("t", "a", Some("root"), Some("s1")),
            member("t", "a1", Some("a"), None),
            member("t", "b", Some("root"), Some("s2")),
            member("t", "b1", Some("b"), None),
        ];
        assert_eq!(sessions(&members), [None, Some("s1"), Some("s1"), Some("s2"), Some("s2")]);
    }

    #[test]
    fn circles_take_what_their_trace_agrees_on() {
        let members = [member("t", "a", Some("b"), Some("s")), member("t", "b", Some("a"), None)];
        assert_eq!(sessions(&members), [Some("s"), Some("s")]);
    }
}
