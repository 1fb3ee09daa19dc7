//! STUB until the scrubber is merged.
use std::borrow::Cow;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class { Secret, Personal }
pub struct Found; impl Found { pub fn kinds(&self) -> impl Iterator<Item=(&str, Class, u32)> { std::iter::empty() } }
pub struct Scrubbed<'t> { pub text: Cow<'t, str>, pub found: Found }
#[derive(Default)]
pub struct Scrubber;
static S: Scrubber = Scrubber;
impl Scrubber { pub fn builtin() -> &'static Scrubber { &S }
 pub fn scrub<'t>(&self, t: &'t str) -> Scrubbed<'t> { Scrubbed { text: Cow::Borrowed(t), found: Found } }
 pub fn scrub_json<'t>(&self, t: &'t str) -> Scrubbed<'t> { self.scrub(t) }
 pub fn kind_of_identifier(&self, _: &str) -> Option<(&str, Class)> { None } }
