//! Unpacks a gzip body, never past the limit: a bomb costs what a full batch costs.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::error::Refusal;

pub fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

pub fn unpack(body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut unpacked = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    MultiGzDecoder::new(body)
        .take(limit as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| Refusal::BadGzip)?;
    if unpacked.len() > limit { Err(Refusal::UnpackedTooLarge { limit }) } else { Ok(unpacked) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn pack(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let bomb = pack(&vec![b'a'; 1 << 20]);
        assert_eq!(unpack(&bomb, 1 << 10), Err(Refusal::UnpackedTooLarge { limit: 1 << 10 }));
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_taken() {
        assert_eq!(unpack(&pack(&[b'a'; 1024]), 1024).unwrap().len(), 1024);
    }

    #[test]
    fn a_cut_body_is_refused() {
        let whole = pack(b"hello hello hello");
        assert_eq!(unpack(&whole[..whole.len() - 3], 1024), Err(Refusal::BadGzip));
    }

    #[test]
    fn several_members_are_read_as_one_body() {
        let mut two = pack(b"a\n");
        two.extend(pack(b"b\n"));
        assert_eq!(unpack(&two, 1024).unwrap(), b"a\nb\n");
    }
}
