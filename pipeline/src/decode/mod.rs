//! Bytes to lines: which format a body has, and where its lines or elements begin and end.

pub mod gzip;
pub mod inspect;
pub mod split;

use std::borrow::Cow;

use split::Piece;

use crate::error::{Code, Refusal, Reject};
use crate::settings::Settings;

/// A line of NDJSON, an element of an array or a request of a batch, as it came.
#[derive(Clone, Debug)]
pub struct Line<'b> {
    /// Counts from 1: the physical line, or the element.
    pub number: usize,
    pub bytes: &'b [u8],
    /// The time of the batch that it is of, as raw JSON.
    pub batch_time: Option<&'b str>,
    /// The valid JSON text of the line, or why it has none.
    pub json: Result<Json<'b>, Reject>,
}

/// JSON text that can be parsed and stored.
#[derive(Clone, Debug)]
pub struct Json<'b> {
    pub text: Cow<'b, str>,
    /// `\u0000` or half a surrogate pair was replaced by U+FFFD.
    pub repaired: bool,
}

/// The body, unpacked where it was gzip, and its limits checked.
pub fn open<'b>(body: &'b [u8], settings: &Settings) -> Result<Cow<'b, [u8]>, Refusal> {
    let limit = settings.max_batch_bytes;
    if body.len() > limit {
        return Err(Refusal::BodyTooLarge { size: body.len(), limit });
    }
    if gzip::is_gzip(body) { gzip::unpack(body, limit).map(Cow::Owned) } else { Ok(Cow::Borrowed(body)) }
}

/// The lines of an opened body, each with its JSON text or its reason.
pub fn lines<'b>(body: &'b [u8], settings: &Settings) -> Result<Vec<Line<'b>>, Refusal> {
    let pieces = split::split(body);
    if pieces.len() > settings.max_batch_events {
        return Err(Refusal::TooManyEvents { count: pieces.len(), limit: settings.max_batch_events });
    }
    Ok(pieces.into_iter().map(|piece| read(piece, settings)).collect())
}

/// The lines of a dead letter: one, or as many as a batch has requests, all under the letter's number.
pub fn letter<'b>(number: usize, body: &'b [u8], settings: &Settings) -> Vec<Line<'b>> {
    split::split_line(number, body).into_iter().map(|piece| read(piece, settings)).collect()
}

/// One line, or why it has no JSON text.
pub fn line<'b>(number: usize, bytes: &'b [u8], settings: &Settings) -> Line<'b> {
    read(Piece { number, bytes, batch_time: None }, settings)
}

fn read<'b>(piece: Piece<'b>, settings: &Settings) -> Line<'b> {
    let Piece { number, bytes, batch_time } = piece;
    Line { number, bytes, batch_time, json: text(bytes, settings) }
}

fn text<'b>(bytes: &'b [u8], settings: &Settings) -> Result<Json<'b>, Reject> {
    if bytes.len() > settings.max_line_bytes {
        let message = format!(
            "the line has {} bytes, more than observa.max_line_bytes ({})",
            bytes.len(),
            settings.max_line_bytes
        );
        return Err(Reject::line(Code::LineTooLarge, message));
    }
    let text = simdutf8::basic::from_utf8(bytes)
        .map_err(|_| Reject::line(Code::InvalidUtf8, "the line is not valid UTF-8"))?;
    let found = inspect::inspect(bytes);
    if found.depth > settings.max_depth {
        let message = format!(
            "the line is nested {} levels deep, more than observa.max_depth ({})",
            found.depth, settings.max_depth
        );
        return Err(Reject::line(Code::TooDeep, message));
    }
    if found.huge_number {
        return Err(Reject::line(Code::OutOfRange, "the line has a number beyond the range of a double"));
    }
    let text = if found.unpaired { Cow::Owned(inspect::repair(text)) } else { Cow::Borrowed(text) };
    Ok(Json { text, repaired: found.unpaired })
}

/// Text of a rejected line that Postgres can hold: what is not UTF-8, and NUL, become U+FFFD.
pub fn storable(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { text }
}
