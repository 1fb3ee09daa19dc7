//! How many records a request has, before it is unpacked: an empty span takes two bytes of a body and hundreds in memory.

/// Fields of a request on the way to its records, from the outermost: resources, their scopes, the records.
pub(super) const PATH: [u64; 3] = [1, 2, 2];

/// Resources, scopes and records together. None: it is no protobuf.
pub(super) fn records(body: &[u8]) -> Option<usize> {
    inside(body, &PATH)
}

fn inside(mut message: &[u8], path: &[u64]) -> Option<usize> {
    let Some((wanted, deeper)) = path.split_first() else { return Some(0) };
    let mut count = 0usize;
    while !message.is_empty() {
        let (number, length, rest) = field(message)??;
        let (value, rest) = rest.split_at_checked(length)?;
        if number == *wanted {
            count += 1 + inside(value, deeper)?;
        }
        message = rest;
    }
    Some(count)
}

/// The number of a message's first field, the length of its value, and all bytes from the value on. A number's value is
/// taken for its bytes. None: it is no protobuf; Some(None): it ends before the value begins.
pub(super) fn field(message: &[u8]) -> Option<Option<(u64, usize, &[u8])>> {
    let Some((tag, rest)) = varint(message) else { return ends_early(message) };
    let (length, rest) = match tag & 7 {
        0 => match varint(rest) {
            Some((_, after)) => (rest.len() - after.len(), rest),
            None => return ends_early(rest),
        },
        1 => (8, rest),
        2 => match varint(rest) {
            Some((length, rest)) => (usize::try_from(length).ok()?, rest),
            None => return ends_early(rest),
        },
        5 => (4, rest),
        _ => return None,
    };
    Some(Some((tag >> 3, length, rest)))
}

/// A number of ten bytes that does not end is none.
fn ends_early<T>(bytes: &[u8]) -> Option<Option<T>> {
    (bytes.len() < 10).then_some(None)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place).min(63);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_spans_are_counted_without_being_unpacked() {
        // One resource with one scope of three empty spans.
        assert_eq!(records(&[0x0a, 8, 0x12, 6, 0x12, 0, 0x12, 0, 0x12, 0]), Some(5));
        for broken in [&[0x0a, 9, 0x12][..], &[0x0b, 0], &[0xff; 12]] {
            assert_eq!(records(broken), None);
        }
        assert_eq!(records(&[]), Some(0));
    }
}
