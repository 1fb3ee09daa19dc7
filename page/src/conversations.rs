//! The newest conversations, with what was said last.

use maud::{Markup, html};
use serde::Deserialize;

use crate::escape::Foreign;
use crate::figure;
use crate::room::Room;
use crate::table;

/// Characters of a message.
const MOST: usize = 280;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Message {
    pub role: Foreign,
    pub content: Foreign,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Conversation {
    pub id: Foreign,
    pub user_id: Option<Foreign>,
    pub last_seen: String,
    pub messages: f64,
    pub tokens: f64,
    pub cost: Option<f64>,
    pub has_issues: bool,
    /// The last ones; empty where there are none, or who asks may not read them.
    pub said: Vec<Message>,
}

pub fn section(conversations: &[Conversation], room: &Room) -> Markup {
    html! {
        section aria-labelledby="conversations" {
            h2 #conversations { "Conversations" }
            @if conversations.is_empty() { (table::nothing("No conversations in this window.")) }
            @for (place, conversation) in conversations.iter().enumerate() {
                // Two projects may have one of the same id.
                @let again = conversations.iter().take(place).filter(|other| other.id == conversation.id).count();
                (one(conversation, again, room))
            }
        }
    }
}

fn one(conversation: &Conversation, again: usize, room: &Room) -> Markup {
    html! {
        details id=(format!("c{}{}", conversation.id.anchor(), "x".repeat(again))) {
            summary {
                (conversation.id.up_to(40)) ", last " (table::time(&conversation.last_seen)) " UTC: "
                (figure::count(conversation.messages)) " messages, " (figure::count(conversation.tokens)) " tokens, "
                (figure::or_dash(conversation.cost, figure::money))
                @if let Some(user) = &conversation.user_id { ", user " (user) }
                @if conversation.has_issues { ", " strong { "something failed" } }
            }
            @if conversation.said.is_empty() { p.none { "No messages to show." } }
            dl.said { @for message in &conversation.said {
                dt { (message.role) }
                dd { (message.content.up_to(room.text.min(MOST))) }
            } }
            @if (conversation.said.len() as f64) < conversation.messages && !conversation.said.is_empty() {
                p.hint { "The last " (conversation.said.len()) " of " (figure::count(conversation.messages)) "." }
            }
        }
    }
}
