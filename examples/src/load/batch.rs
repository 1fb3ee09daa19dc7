//! A file as the pieces in which it is sent: batches of whole lines, or the file as it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use serde::de::IgnoredAny;

/// Below the server's default for `observa.max_batch_bytes` (10 MB), with room to spare.
const MOST_BYTES: usize = 8_000_000;
/// How far a file is read to see whether it is one JSON object over several lines; the server takes no larger one.
const ONE_OBJECT_BYTES: u64 = 16_000_000;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const PROTOBUF: [&str; 3] = ["pb", "binpb", "bin"];

/// One call of `observa.ingest`.
#[derive(Debug, PartialEq)]
pub struct Batch {
    pub body: Vec<u8>,
    /// How many lines of the file, or elements for a whole file, come before it.
    pub offset: u64,
}

/// The batches of one file, read as they are sent: a file may be larger than memory.
pub struct Batches {
    source: Source,
    most_lines: usize,
    /// Lines given out so far.
    lines_read: u64,
    /// A line that was read but had no more room in its batch.
    held: Vec<u8>,
}

enum Source {
    Lines(Box<dyn BufRead>),
    Whole(Option<Vec<u8>>),
}

impl Batches {
    /// `progress` follows the bytes of the file as it lies on disk.
    pub fn open(path: &Path, most_lines: usize, progress: &ProgressBar) -> io::Result<Self> {
        let mut file = BufReader::new(progress.wrap_read(File::open(path)?));
        let plain: Box<dyn BufRead> = if file.fill_buf()?.starts_with(&GZIP) {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        let source = if is_protobuf(path) { whole(plain)? } else { recognise(plain)? };
        Ok(Self { source, most_lines: most_lines.max(1), lines_read: 0, held: Vec::new() })
    }

    /// The next batch; None at the end of the file.
    pub fn next(&mut self) -> io::Result<Option<Batch>> {
        let lines = match &mut self.source {
            Source::Whole(body) => return Ok(body.take().map(|body| Batch { body, offset: 0 })),
            Source::Lines(lines) => lines,
        };
        let offset = self.lines_read;
        let mut body = std::mem::take(&mut self.held);
        self.lines_read += u64::from(!body.is_empty());
        while self.lines_read - offset < self.most_lines as u64 {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !body.is_empty() && body.len() + line.len() > MOST_BYTES {
                self.held = line;
                break;
            }
            body.append(&mut line);
            self.lines_read += 1;
        }
        Ok((!body.is_empty()).then_some(Batch { body, offset }))
    }
}

fn is_protobuf(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    PROTOBUF.iter().any(|ending| name.ends_with(&format!(".{ending}")))
}

fn whole(mut plain: impl Read) -> io::Result<Source> {
    let mut body = Vec::new();
    plain.read_to_end(&mut body)?;
    Ok(Source::Whole(Some(body)))
}

/// An array is one piece. So is an object that is the only one in its file; several are lines.
fn recognise(mut plain: Box<dyn BufRead>) -> io::Result<Source> {
    let mut head = Vec::new();
    // A byte order mark and blank lines may come first.
    while head.iter().all(|byte: &u8| byte.is_ascii_whitespace() || !byte.is_ascii()) {
        if plain.read_until(b'\n', &mut head)? == 0 {
            break;
        }
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    if first == Some(b'[') {
        return whole(Cursor::new(head).chain(plain));
    }
    if first == Some(b'{') && !is_json(text) {
        (&mut plain).take(ONE_OBJECT_BYTES).read_to_end(&mut head)?;
        if is_json(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head)) {
            return Ok(Source::Whole(Some(head)));
        }
    }
    Ok(Source::Lines(Box::new(Cursor::new(head).chain(plain))))
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn batches(name: &str, content: &[u8], most_lines: usize) -> Vec<Batch> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut batches = Batches::open(&path, most_lines, &ProgressBar::hidden()).unwrap();
        std::iter::from_fn(|| batches.next().unwrap()).collect()
    }

    fn batch(body: &[u8], offset: u64) -> Batch {
        Batch { body: body.to_vec(), offset }
    }

    #[test]
    fn lines_stay_whole_and_keep_their_numbers() {
        let expected = [batch(b"{}\n\n", 0), batch(b"{bad\r\n{}\n", 2), batch(b"{}", 4)];
        assert_eq!(batches("a.ndjson", b"{}\n\n{bad\r\n{}\n{}", 2), expected);
    }

    #[test]
    fn a_gzip_is_read_by_its_content_whatever_its_name() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"{}\n{}\n").unwrap();
        assert_eq!(batches("a.ndjson", &packed.finish().unwrap(), 9), [batch(b"{}\n{}\n", 0)]);
    }

    #[test]
    fn an_array_and_a_lone_object_go_as_they_are() {
        for body in [b"[{},\n{}]".as_slice(), b"{\n\"requests\": []\n}\n", b"\n[\n"] {
            assert_eq!(batches("a.json", body, 1), [batch(body, 0)]);
        }
    }

    #[test]
    fn a_first_line_that_is_broken_does_not_join_the_others() {
        assert_eq!(batches("a.ndjson", b"{bad\n{}\n", 1), [batch(b"{bad\n", 0), batch(b"{}\n", 1)]);
    }

    #[test]
    fn an_empty_file_sends_nothing() {
        assert!(batches("a.ndjson", b"", 9).is_empty());
    }

    #[test]
    fn protobuf_is_never_cut_at_its_newlines() {
        assert_eq!(batches("a.pb", b"\n\x02\n\n", 1), [batch(b"\n\x02\n\n", 0)]);
    }

    #[test]
    fn a_batch_stays_below_the_servers_limit() {
        let line = [b"\"".as_slice(), &vec![b'x'; 2_999_997], b"\"\n"].concat();
        let sent = batches("a.ndjson", &line.repeat(5), 1000);
        let shape: Vec<_> = sent.iter().map(|batch| (batch.offset, batch.body.len())).collect();
        assert_eq!(shape, [(0, 6_000_000), (2, 6_000_000), (4, 3_000_000)]);
    }
}
