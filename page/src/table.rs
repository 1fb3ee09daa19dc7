//! Tables: each scrolls by itself where the window is narrower, by keyboard, too.

use maud::{Markup, html};

/// A column of figures stands to the right.
#[derive(Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub is_figure: bool,
}

pub const fn text(name: &'static str) -> Column {
    Column { name, is_figure: false }
}

pub const fn figure(name: &'static str) -> Column {
    Column { name, is_figure: true }
}

/// `rows` are `tr` elements of which the first cell is a `th` with scope `row`.
pub fn table(caption: &str, columns: &[Column], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr {
                    @for column in columns {
                        th scope="col" class=[column.is_figure.then_some("n")] { (column.name) }
                    }
                } }
                tbody { (rows) }
            }
        }
    }
}

/// What a section says that has no rows.
pub fn nothing(said: &str) -> Markup {
    html! { p.none { (said) } }
}

/// A bar as long as the share of the longest one. The figure stands beside it, so it is only for the eye.
pub fn bar(start: f64, length: f64, whole: f64, is_bad: bool) -> Markup {
    let scale = |value: f64| {
        let percent = 100.0 * (value / whole);
        if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 }
    };
    let from = scale(start).min(99.5);
    let width = scale(length).max(0.5).min(100.0 - from);
    html! {
        svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect class=[is_bad.then_some("bad")] x=(rounded(from)) width=(rounded(width)) height="8" {}
        }
    }
}

fn rounded(number: f64) -> String {
    format!("{number:.1}")
}

/// A time of the database's, as a machine and a person read it.
pub fn time(at: &str) -> Markup {
    html! { time { (at) } }
}
