//! What came whole of a request that is cut off: its resources and scopes with the records before the cut.

use super::count::{PATH, field};

/// The request without the record in which it was cut. None: it is not cut off, but something else.
pub(super) fn whole_part(body: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(body.len());
    copy(body, &PATH, &mut kept)?.then_some(kept)
}

/// Copies the fields that are whole. True: the message ends inside one. A message on the path is kept up to its cut.
fn copy(mut message: &[u8], path: &[u64], to: &mut Vec<u8>) -> Option<bool> {
    while !message.is_empty() {
        let Some((number, length, rest)) = field(message)? else { return Some(true) };
        if length <= rest.len() {
            let (whole, after) = message.split_at_checked(message.len() - rest.len() + length)?;
            to.extend_from_slice(whole);
            message = after;
            continue;
        }
        if let [wanted, deeper @ ..] = path
            && *wanted == number
            && !deeper.is_empty()
        {
            let mut inside = Vec::with_capacity(rest.len());
            copy(rest, deeper, &mut inside)?;
            prost::encoding::encode_key(
                u32::try_from(number).ok()?,
                prost::encoding::WireType::LengthDelimited,
                to,
            );
            prost::encoding::encode_varint(inside.len() as u64, to);
            to.append(&mut inside);
        }
        return Some(true);
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_the_cut_is_left_out_and_the_lengths_fit_again() {
        // One resource with one scope of three records of a byte each.
        let body = [0x0a, 11, 0x12, 9, 0x12, 1, 7, 0x12, 1, 8, 0x12, 1, 9];
        let kept: &[u8] = &[0x0a, 8, 0x12, 6, 0x12, 1, 7, 0x12, 1, 8];
        for cut in [10, 11, 12] {
            assert_eq!(whole_part(&body[..cut]).as_deref(), Some(kept), "{cut}");
        }
        assert_eq!(whole_part(&body[..2]), Some(vec![0x0a, 0]));
        assert_eq!(whole_part(&body), None);
        assert_eq!(whole_part(&[0x0b, 0]), None);
    }
}
