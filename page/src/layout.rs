//! The document around what is shown.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::policy::{SCRIPT, STYLE, content_security_policy};

/// A document whose `main` holds what is shown. `is_live`: it may fetch itself anew.
pub fn document(title: &str, is_live: bool, main: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // Else a browser asks the server for one.
                link rel="icon" href="data:,";
                // The only texts that are not escaped: our own files.
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#page" { "Skip to the figures" }
                header {
                    h1 { (title) }
                    // A script shows them, where there is a server to ask.
                    div #controls hidden {
                        div role="group" aria-label="Window" {
                            @for (hours, name) in [("1", "1 hour"), ("24", "1 day"), ("168", "7 days"), ("720", "30 days")] {
                                button type="button" data-hours=(hours) { (name) }
                            }
                        }
                        button #pause type="button" aria-pressed="false" { "Pause refreshing" }
                        span #state role="status" {}
                    }
                }
                main #page tabindex="-1" data-live=[is_live.then_some("yes")] { (main) }
                footer { p { "Made by Observa, inside PostgreSQL. Times are UTC, money is USD." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}
