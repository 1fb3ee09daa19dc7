//! Secrets as the content of an element of XML or HTML.

use super::alphabet::{DASH, DOT, VALUE, W, byte_at, byte_before, part, run_end, run_start};
use super::keywords::{self, Grade};
use super::spans::{Proof, Scan};
use super::values::{self, Written};

/// `<password>VALUE</password>`.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in memchr::memchr_iter(b'<', text) {
        if byte_at(text, at + 1) != b'/' {
            continue;
        }
        let name_end = run_end(part(text, 0, at + 60), at + 2, W | DASH | DOT);
        if byte_at(text, name_end) != b'>' {
            continue;
        }
        let Some(keyword) = keywords::at_end_of(text, name_end) else { continue };
        let (start, end) = match cdata(text, at) {
            Some(inside) => inside,
            None => (run_start(text, at, VALUE, 256), at),
        };
        if matches!(byte_before(text, start, 1), b'>' | b'[')
            && matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token)
            && values::is_secret(part(text, start, end), keyword.grade, Written::Quoted)
        {
            scan.add(start, end, keyword.kind, Proof::Context);
        }
    }
}

/// The inside of a CDATA section that ends at `end`.
fn cdata(text: &[u8], end: usize) -> Option<(usize, usize)> {
    let before = part(text, end.saturating_sub(256), end).strip_suffix(b"]]>")?;
    let length = before.len() - memchr::memmem::rfind(before, b"<![CDATA[")? - 9;
    Some((end - 3 - length, end - 3))
}
