//! National numbers that only a keyword nearby and a check digit together make personal.

use super::alphabet::{
    D, LETTER, UN, UPPER, byte_at, byte_before, held, is, part, run_end, run_start, starts_token,
};
use super::checks;
use super::digits::{Cluster, is_free_after};
use super::kinds;
use super::spans::{Proof, Scan, context, has_word};

/// How far before the number its keyword may stand.
const NEAR: usize = 48;

/// A national number of digits alone.
struct Number {
    kind: u16,
    length: usize,
    check: fn(&[u8]) -> bool,
    words: &'static [&'static str],
    /// Whether it is written without separators only.
    together: bool,
}

const NUMBERS: &[Number] = &[
    Number {
        kind: kinds::number("nhs_number"),
        length: 10,
        check: checks::nhs,
        words: &["nhs"],
        together: false,
    },
    Number {
        kind: kinds::number("aadhaar"),
        length: 12,
        check: checks::verhoeff,
        words: &["aadhaar", "aadhar", "uidai", "uid"],
        together: false,
    },
    Number {
        kind: kinds::number("cpf"),
        length: 11,
        check: checks::cpf,
        words: &["cpf", "cadastro"],
        together: false,
    },
    Number {
        kind: kinds::number("pesel"),
        length: 11,
        check: checks::pesel,
        words: &["pesel"],
        together: false,
    },
    Number {
        kind: kinds::number("sin"),
        length: 9,
        check: checks::sin,
        words: &["sin", "social insurance", "social_insurance", "nas"],
        together: false,
    },
    Number {
        kind: kinds::number("bank_routing"),
        length: 9,
        check: checks::routing,
        words: &["routing", "aba", "rtn", "routingnumber"],
        together: false,
    },
    Number {
        kind: kinds::number("passport"),
        length: 9,
        check: |_| true,
        words: &["passport"],
        together: true,
    },
    Number {
        kind: kinds::number("passport"),
        length: 8,
        check: |_| true,
        words: &["passport"],
        together: true,
    },
];

/// A number of digits alone, in groups or not.
pub fn digits_only(scan: &mut Scan<'_>, cluster: &Cluster) -> Option<usize> {
    let text = scan.text;
    let mut length = 0;
    let mut near = None;
    for (count, &(start, end)) in (1..=5.min(cluster.count)).zip(&cluster.groups) {
        length += end - start;
        if length > 12 {
            return None;
        }
        for number in
            NUMBERS.iter().filter(|number| number.length == length && (count == 1 || !number.together))
        {
            // Columns of numbers have no word near; to see that is cheaper than the check.
            let near = *near.get_or_insert_with(|| context(text, cluster.start(), NEAR));
            if held(near) & LETTER == 0 {
                return None;
            }
            let (digits, length) = cluster.digits(text, count);
            if (number.check)(digits.get(..length)?)
                && is_free_after(text, end)
                && has_word(near, number.words)
            {
                scan.add(cluster.start(), end, number.kind, Proof::Format);
                return Some(end);
            }
        }
    }
    None
}

/// A national number with letters: each letter of the layout stands for a class, a space may stand between groups.
struct Lettered {
    kind: u16,
    /// `A` an upper-case letter, `9` a digit, `x` X, Y or Z.
    layout: &'static [u8],
    check: fn(&[u8]) -> bool,
    words: &'static [&'static str],
}

const LETTERED: &[Lettered] = &[
    Lettered {
        kind: kinds::number("nino"),
        layout: b"AA999999A",
        check: is_nino,
        words: &["nino", "national insurance", "national_insurance", "ni number", "insurance", "ni"],
    },
    Lettered {
        kind: kinds::number("pan"),
        layout: b"AAAAA9999A",
        check: is_pan,
        words: &["pan", "permanent account"],
    },
    Lettered { kind: kinds::number("nif"), layout: b"99999999A", check: is_nif, words: &["nif", "dni"] },
    Lettered {
        kind: kinds::number("nif"),
        layout: b"x9999999A",
        check: is_nif,
        words: &["nif", "nie", "dni"],
    },
    Lettered { kind: kinds::number("passport"), layout: b"A99999999", check: |_| true, words: &["passport"] },
    Lettered { kind: kinds::number("passport"), layout: b"A9999999", check: |_| true, words: &["passport"] },
    Lettered { kind: kinds::number("passport"), layout: b"AA9999999", check: |_| true, words: &["passport"] },
    Lettered { kind: kinds::number("passport"), layout: b"99AA99999", check: |_| true, words: &["passport"] },
];

/// A number with letters whose first digits stand at `start`.
pub fn with_letters(scan: &mut Scan<'_>, start: usize, end: usize) -> Option<usize> {
    let text = scan.text;
    if end - start > 9 || end - start < 2 {
        return None;
    }
    let near =
        |first: u8, second: u8| is(first, UPPER) || (matches!(first, b' ' | b'-') && is(second, UPPER));
    let lettered = near(byte_before(text, start, 1), byte_before(text, start, 2))
        || near(byte_at(text, end), byte_at(text, end + 1));
    if !lettered {
        return None;
    }
    for row in LETTERED {
        let letters = row.layout.iter().take_while(|&&class| class != b'9').count();
        if let Some((from, to, number)) = read(text, start, letters, row.layout)
            && (row.check)(number.get(..row.layout.len())?)
            && is_free_after(text, to)
            && starts_token(text, from)
            && has_word(context(text, from, NEAR), row.words)
        {
            scan.add(from, to, row.kind, Proof::Format);
            return Some(to);
        }
    }
    passport(scan, start)
}

/// Many countries number passports with letters and digits in no fixed order.
fn passport(scan: &mut Scan<'_>, within: usize) -> Option<usize> {
    let text = scan.text;
    let from = run_start(text, within, UN, 10);
    let to = run_end(part(text, 0, from + 11), from, UN);
    let number = part(text, from, to);
    let digits = number.iter().filter(|&&byte| is(byte, D)).count();
    if (8..=10).contains(&number.len())
        && digits >= 4
        && is(byte_at(number, 0), UPPER)
        && is_free_after(text, to)
        && starts_token(text, from)
        && has_word(context(text, from, NEAR), &["passport"])
    {
        scan.add(from, to, const { kinds::number("passport") }, Proof::Format);
        return Some(to);
    }
    None
}

/// Reads a layout whose first digit stands at `digits`, with its letters before it; gives where it starts and ends.
fn read(text: &[u8], digits: usize, letters: usize, layout: &[u8]) -> Option<(usize, usize, [u8; 12])> {
    let spaced = letters > 0 && matches!(byte_before(text, digits, 1), b' ' | b'-');
    let start = digits.checked_sub(letters + usize::from(spaced))?;
    let mut number = [0u8; 12];
    let mut at = start;
    for (place, (&class, slot)) in layout.iter().zip(number.iter_mut()).enumerate() {
        if place > 0 && matches!(byte_at(text, at), b' ' | b'-') {
            at += 1;
        }
        let byte = byte_at(text, at);
        let fits = match class {
            b'9' => is(byte, D),
            b'x' => matches!(byte, b'X' | b'Y' | b'Z'),
            _ => is(byte, UPPER),
        };
        if !fits {
            return None;
        }
        *slot = byte;
        at += 1;
    }
    Some((start, at, number))
}

/// Prefixes that HMRC never gives out, and suffixes A to D.
fn is_nino(number: &[u8]) -> bool {
    let prefix = part(number, 0, 2);
    let barred = [&b"BG"[..], b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&prefix);
    !barred
        && !prefix.iter().any(|letter| b"DFIUV".contains(letter))
        && matches!(number.last(), Some(b'A'..=b'D'))
}

/// The fourth letter says what kind of holder it is.
fn is_pan(number: &[u8]) -> bool {
    b"ABCFGHLJPTK".contains(&byte_at(number, 3))
}

fn is_nif(number: &[u8]) -> bool {
    let Some((&letter, number)) = number.split_last() else { return false };
    let mut digits = [0u8; 8];
    for (slot, &byte) in digits.iter_mut().zip(number) {
        // X, Y and Z of a foreigner's number count as 0, 1 and 2.
        *slot = if byte.is_ascii_digit() { byte } else { byte - b'X' + b'0' };
    }
    checks::nif(&digits, letter)
}
