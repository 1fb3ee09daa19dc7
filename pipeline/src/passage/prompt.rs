//! Where passages stand in a text. Each stretch of it is of one passage: of what two spans tell of the same search, or of passages
//! that are the same, as many are found as stand there.

use std::ops::Range;

use memchr::memmem;

/// Characters of a passage's beginning that must stand in the text: what comes after may have been cut.
const BEGINNING: usize = 200;

/// Places of the same beginning that are compared: passages of one document may begin with its title.
const MOST_PLACES: usize = 50;

pub struct Prompt<'t> {
    text: &'t str,
    characters: usize,
    has_escapes: bool,
    taken: Vec<Range<usize>>,
}

impl<'t> Prompt<'t> {
    pub fn new(text: &'t str) -> Prompt<'t> {
        Prompt { text, characters: text.chars().count(), has_escapes: text.contains('\\'), taken: Vec::new() }
    }

    /// Takes the stretch that has most of a passage, as it is or in JSON within the text, and says what share of all characters
    /// it is. None: the passage is not there.
    pub fn take(&mut self, passage: &str) -> Option<f64> {
        let stretch = self.find(passage).or_else(|| {
            let forms = [false, true].into_iter().filter(|_| self.has_escapes);
            forms.filter_map(|ascii| escaped(passage, ascii)).find_map(|form| self.find(&form))
        })?;
        let characters = self.text.get(stretch.clone())?.chars().count();
        self.taken.push(stretch);
        Some(characters as f64 / self.characters as f64)
    }

    fn find(&self, passage: &str) -> Option<Range<usize>> {
        let end = passage.char_indices().nth(BEGINNING).map_or(passage.len(), |(at, _)| at);
        let beginning = passage.get(..end)?;
        memmem::find_iter(self.text.as_bytes(), beginning)
            .filter(|at| !self.taken.iter().any(|taken| taken.contains(at)))
            .take(MOST_PLACES)
            .filter_map(|at| Some(at..self.free(at, at + alike(self.text.get(at..)?, passage))))
            .filter(|stretch| stretch.len() >= beginning.len())
            .max_by_key(|stretch| (stretch.len(), std::cmp::Reverse(stretch.start)))
    }

    /// Where a stretch ends: before what is taken.
    fn free(&self, from: usize, end: usize) -> usize {
        self.taken.iter().map(|taken| taken.start).filter(|start| *start > from).fold(end, usize::min)
    }

    /// What no passage has.
    pub fn rest(mut self) -> String {
        self.taken.sort_by_key(|taken| taken.start);
        let mut rest = String::new();
        let mut from = 0;
        for taken in &self.taken {
            rest.push_str(self.text.get(from..taken.start).unwrap_or_default());
            rest.push('\n');
            from = from.max(taken.end);
        }
        rest.push_str(self.text.get(from..).unwrap_or_default());
        rest
    }
}

/// Bytes, of whole characters, that two texts have in common at their beginning.
fn alike(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    (0..=same).rev().find(|at| one.is_char_boundary(*at)).unwrap_or_default()
}

/// As it stands in a JSON string; `ascii`: with `\u` for all other characters, as Python writes them. None: just as it is.
fn escaped(text: &str, ascii: bool) -> Option<String> {
    let quoted = serde_json::to_string(text).ok()?;
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut written = String::with_capacity(inner.len());
    for character in inner.chars() {
        if character.is_ascii() || !ascii {
            written.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                written.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    (written != text).then_some(written)
}
