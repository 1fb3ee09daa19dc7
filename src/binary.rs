//! Types whose values are bytes: how these come as text and over the wire.

use std::ffi::CString;

use pgrx::Internal;
use pgrx::prelude::*;

/// Of `\x` and hexadecimal digits, as PostgreSQL writes bytea.
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, odd) = text.strip_prefix(b"\\x")?.as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    odd.is_empty().then(|| pairs.iter().map(byte).collect())?
}

pub fn to_hex(bytes: &[u8]) -> CString {
    let digit = |half: u8| b"0123456789abcdef".get(usize::from(half)).copied().unwrap_or(b'0');
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    CString::new(b"\\x".iter().copied().chain(digits).collect::<Vec<u8>>()).unwrap_or_default()
}

/// What a receive function is called with.
pub fn of_message(mut message: Internal) -> Vec<u8> {
    // SAFETY: PostgreSQL calls a receive function with a StringInfo, which SQL can't do. What is from its cursor to its length
    // is initialized; the cursor goes to the end, which says that all was read.
    let bytes = unsafe {
        message.get_mut::<pg_sys::StringInfoData>().map(|message| {
            let start = usize::try_from(message.cursor).unwrap_or_default();
            let end = usize::try_from(message.len).unwrap_or_default();
            message.cursor = message.len;
            std::slice::from_raw_parts(message.data.cast::<u8>(), end)
                .get(start..)
                .unwrap_or_default()
                .to_vec()
        })
    };
    bytes.unwrap_or_default()
}
