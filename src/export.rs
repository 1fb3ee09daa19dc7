//! What is stored of a person, row by row: a page of it is in memory at a time.

use std::collections::VecDeque;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::identity::Acting;
use crate::person::{
    ALERTS, EMBEDDINGS, EVENTS, JUDGEMENTS, Kept, Key, LETTERS, LOGS, SIGNALS, SPAN_CONTENTS, Subject,
    VERDICTS,
};

/// Rows of one page, each with all that was said.
const PAGE: i64 = 500;

const TABLES: [Kept; 8] = [EVENTS, SIGNALS, ALERTS, LOGS, SPAN_CONTENTS, VERDICTS, JUDGEMENTS, EMBEDDINGS];

/// The tables that an export has rows of, in their order.
pub fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|kept| kept.table).chain([LETTERS])
}

enum Next {
    /// Of which of the tables, and after which key.
    Rows(usize, Key),
    Letters(Uuid),
    Nothing,
}

pub struct Export {
    subject: Subject,
    next: Next,
    page: VecDeque<(&'static str, Value)>,
}

impl Export {
    pub fn of(subject: Subject) -> Export {
        Export { subject, next: Next::Rows(0, Key::first()), page: VecDeque::new() }
    }

    /// A table and a row of it. None: that was all.
    pub fn row(&mut self) -> Result<Option<(&'static str, Value)>, Error> {
        while self.page.is_empty() && !matches!(self.next, Next::Nothing) {
            let acting = Acting::whole(self.subject.tenant_id);
            self.next = Acting::during(acting, || self.read_page())?;
        }
        Ok(self.page.pop_front())
    }

    /// As observa.export_user_rows() shows it.
    pub fn shown(&mut self) -> Result<Option<Value>, Error> {
        Ok(self.row()?.map(|(table, row)| json!({ "table": table, "row": row })))
    }

    fn read_page(&mut self) -> Result<Next, Error> {
        match &self.next {
            Next::Rows(number, after) => {
                let Some(kept) = TABLES.get(*number) else { return Ok(Next::Letters(Uuid::nil())) };
                let rows = self.subject.rows(kept, after, PAGE, true)?;
                let next = match rows.last() {
                    Some((last, _)) => Next::Rows(*number, last.clone()),
                    None => Next::Rows(number + 1, Key::first()),
                };
                self.page.extend(rows.into_iter().filter_map(|(_, row)| Some((kept.table, row?))));
                Ok(next)
            }
            Next::Letters(after) => {
                let Some((last, letters)) = self.subject.letters(*after, true)? else {
                    return Ok(Next::Nothing);
                };
                self.page.extend(letters.into_iter().filter_map(|(_, letter)| Some((LETTERS, letter?))));
                Ok(Next::Letters(last))
            }
            Next::Nothing => Ok(Next::Nothing),
        }
    }
}
