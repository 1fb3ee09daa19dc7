//! Digits that mean a person or an account: cards, social security numbers, phones, bank accounts.
//!
//! Every number is looked at once, as a cluster of digit groups with single separators between them.

use super::alphabet::{AN, D, HX, UPPER, byte_at, byte_before, is, part, run_end, starts_token};
use super::checks;
use super::iban;
use super::kinds;
use super::national;
use super::spans::{Proof, Scan, context, has_word};

const CARD: u16 = kinds::number("card");
const SSN: u16 = kinds::number("ssn");
const ITIN: u16 = kinds::number("itin");
const PHONE: u16 = kinds::number("phone");

/// More groups than any number here has.
const MOST_GROUPS: usize = 8;

/// Digit groups with single separators between them, from left to right.
#[derive(Default)]
pub struct Cluster {
    /// Start and end of each group.
    pub groups: [(usize, usize); MOST_GROUPS],
    /// The separator behind each group but the last: `b' '`, `b'-'`, `b'.'`, 0xA0 for a no-break space.
    pub separators: [u8; MOST_GROUPS],
    pub count: usize,
}

impl Cluster {
    /// Goes on to the group from `start` to `end` and reads what follows it. Where that group was read with the one before,
    /// only what is new is: a row of groups would else be read once for each of them.
    fn advance(&mut self, text: &[u8], start: usize, end: usize) {
        if self.count > 1 && self.groups.get(1) == Some(&(start, end)) {
            self.groups.copy_within(1.., 0);
            self.separators.copy_within(1.., 0);
            self.count -= 1;
        } else {
            self.groups = [(start, end); MOST_GROUPS];
            self.count = 1;
        }
        while let (Some(&(_, end)), Some(slot), Some(separator)) = (
            self.groups.get(self.count.wrapping_sub(1)).copied().as_ref(),
            self.groups.get_mut(self.count),
            self.separators.get_mut(self.count.wrapping_sub(1)),
        ) {
            let (mark, next) = match byte_at(text, end) {
                mark @ (b' ' | b'-' | b'.') => (mark, end + 1),
                0xC2 if byte_at(text, end + 1) == 0xA0 => (0xA0, end + 2),
                _ => break,
            };
            if !is(byte_at(text, next), D) {
                break;
            }
            *separator = mark;
            // A longer group belongs to no number here; its end is not worth walking to.
            let length = part(text, next, next + 24).iter().take_while(|byte| byte.is_ascii_digit()).count();
            *slot = (next, next + length);
            self.count += 1;
        }
    }

    pub fn start(&self) -> usize {
        self.groups.first().map_or(0, |group| group.0)
    }

    /// The end of the first `count` groups.
    pub fn end(&self, count: usize) -> usize {
        self.groups.get(count.wrapping_sub(1)).map_or(0, |group| group.1)
    }

    /// Whether the first groups have these lengths.
    fn has_lengths(&self, lengths: &[usize]) -> bool {
        lengths.len() <= self.count
            && self.groups.iter().zip(lengths).all(|(group, &length)| group.1 - group.0 == length)
    }

    /// The separator between the first `count` groups, if it is the same everywhere.
    fn separator(&self, count: usize) -> Option<u8> {
        let used = self.separators.get(..count.saturating_sub(1))?;
        let first = used.first().copied().unwrap_or(0);
        used.iter().all(|&mark| mark == first).then_some(first)
    }

    /// The digits of the first `count` groups, 20 at most.
    pub fn digits(&self, text: &[u8], count: usize) -> ([u8; 20], usize) {
        let mut digits = [0u8; 20];
        let mut length = 0;
        for &(start, end) in self.groups.get(..count).unwrap_or_default() {
            for &byte in part(text, start, end) {
                if let Some(slot) = digits.get_mut(length) {
                    *slot = byte;
                }
                length += 1;
            }
        }
        (digits, length)
    }
}

/// The next digit from `from` on. Whole blocks without one are passed at vector speed.
fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let Some(block) = rest.get(..32) else {
            return rest.iter().position(u8::is_ascii_digit).map(|found| at + found);
        };
        let any = block.iter().fold(false, |any, byte| any | byte.is_ascii_digit());
        if any && let Some(found) = block.iter().position(u8::is_ascii_digit) {
            return Some(at + found);
        }
        at += 32;
    }
}

/// Finds all numbers that are cards, phones and so on.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    let mut from = 0;
    let mut cluster = Cluster::default();
    while let Some(mut start) = next_digit(text, from) {
        let end = run_end(text, start, D);
        if byte_before(text, start, 1) == b'%' && is(byte_at(text, start + 1), HX) && end > start + 2 {
            start += 2;
        }
        let found = at_number(scan, &mut cluster, start, end);
        from = found.unwrap_or(end).max(end);
    }
}

/// Tries everything at one group of digits; gives the end of what it found.
fn at_number(scan: &mut Scan<'_>, cluster: &mut Cluster, start: usize, end: usize) -> Option<usize> {
    let text = scan.text;
    let length = end - start;
    let before = byte_before(text, start, 1);
    if before == b'+' {
        return international_phone(scan, start);
    }
    if length >= 2
        && is(before, UPPER)
        && is(byte_before(text, start, 2), UPPER)
        && let Some(stop) = iban::find(scan, start - 2)
    {
        return Some(stop);
    }
    // Of single digits only the 1 before an American area code starts anything.
    let leads =
        || byte_at(text, start) == b'1' && part(text, end + 1, end + 4).iter().all(u8::is_ascii_digit);
    if length > 19 || (length == 1 && !leads()) {
        return None;
    }
    if is(before, AN) && !starts_token(text, start) {
        return national::with_letters(scan, start, end);
    }
    if length < 3 && !(length == 1 && byte_at(text, start) == b'1') {
        return national::with_letters(scan, start, end);
    }
    cluster.advance(text, start, end);
    let cluster = &*cluster;
    let free = is_free_before(text, start);
    if free && let Some(stop) = card(scan, cluster) {
        return Some(stop);
    }
    if length == 3 || length == 1 {
        if free && let Some(stop) = social_security(scan, cluster) {
            return Some(stop);
        }
        if let Some(stop) = american_phone(scan, cluster, free) {
            return Some(stop);
        }
    }
    national::with_letters(scan, start, end).or_else(|| {
        if free {
            bare(scan, cluster)
                .or_else(|| national_phone(scan, cluster))
                .or_else(|| national::digits_only(scan, cluster))
        } else {
            None
        }
    })
}

/// Whether a number may start at `at`: the digits are not the tail of an identifier, a decimal or a UUID.
fn is_free_before(text: &[u8], at: usize) -> bool {
    match byte_before(text, at, 1) {
        b'.' | b'_' | b'+' => false,
        b'-' => !is(byte_before(text, at, 2), AN),
        _ => starts_token(text, at),
    }
}

/// Whether a number may end at `at`: no digit, letter, decimal or further part of an identifier follows.
pub fn is_free_after(text: &[u8], at: usize) -> bool {
    let next = byte_at(text, at);
    let second = byte_at(text, at + 1);
    match next {
        b'-' | b'_' => !is(second, AN),
        b'.' => !is(second, D),
        _ => !is(next, AN),
    }
}

/// The group lengths in which cards are written.
const CARD_LAYOUTS: &[&[usize]] = &[
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 1],
    &[16],
    &[15],
    &[14],
    &[13],
    &[19],
    &[18],
    &[17],
];

fn card(scan: &mut Scan<'_>, cluster: &Cluster) -> Option<usize> {
    for layout in CARD_LAYOUTS {
        if !cluster.has_lengths(layout) || cluster.separator(layout.len()).is_none() {
            continue;
        }
        let (digits, length) = cluster.digits(scan.text, layout.len());
        let end = cluster.end(layout.len());
        let digits = digits.get(..length)?;
        if is_card(digits)
            && is_free_after(scan.text, end)
            && checks::luhn(digits)
            && !is_row(scan.text, cluster, layout.len())
        {
            scan.add(cluster.start(), end, CARD, Proof::Format);
            return Some(end);
        }
    }
    None
}

/// Whether the groups are a row of a table, as of code points: `5521 5522 5523 5524`. Two of its steps are small ones.
fn is_row(text: &[u8], cluster: &Cluster, count: usize) -> bool {
    let value = |&(start, end): &(usize, usize)| {
        part(text, start, end).iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'))
    };
    let groups = cluster.groups.get(..count).unwrap_or_default();
    let steps = groups.windows(2).filter(
        |pair| matches!(pair, [left, right] if (1..=40).contains(&(value(left) - value(right)).abs())),
    );
    count > 2 && steps.count() > 1
}

/// Issuers by the first digits (ISO/IEC 7812), with the lengths they use: lowest and highest first four digits.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (4000, 4999, &[13, 16, 19]),                 // Visa
    (5100, 5599, &[16]),                         // Mastercard
    (2221, 2720, &[16]),                         // Mastercard
    (3400, 3499, &[15]),                         // American Express
    (3700, 3799, &[15]),                         // American Express
    (6011, 6011, &[16, 19]),                     // Discover
    (6440, 6499, &[16, 19]),                     // Discover
    (6500, 6599, &[16, 19]),                     // Discover
    (3000, 3059, &[14, 16]),                     // Diners Club
    (3600, 3699, &[14, 16]),                     // Diners Club
    (3800, 3899, &[14, 16]),                     // Diners Club
    (3528, 3589, &[16, 17, 18, 19]),             // JCB
    (6200, 6299, &[16, 17, 18, 19]),             // UnionPay
    (5018, 5018, &[13, 14, 15, 16, 17, 18, 19]), // Maestro
    (5020, 5020, &[13, 14, 15, 16, 17, 18, 19]),
    (5038, 5038, &[13, 14, 15, 16, 17, 18, 19]),
    (5612, 5612, &[16]),
    (5893, 5893, &[13, 14, 15, 16, 17, 18, 19]),
    (6304, 6304, &[13, 14, 15, 16, 17, 18, 19]),
    (6759, 6759, &[13, 14, 15, 16, 17, 18, 19]),
    (6761, 6763, &[13, 14, 15, 16, 17, 18, 19]),
];

fn is_card(digits: &[u8]) -> bool {
    let head = digits.iter().take(4).fold(0, |head, &digit| head * 10 + u32::from(digit - b'0'));
    let issued = ISSUERS
        .iter()
        .any(|(low, high, lengths)| (*low..=*high).contains(&head) && lengths.contains(&digits.len()));
    let varied = digits.iter().skip(1).any(|digit| Some(digit) != digits.first());
    issued && varied
}

fn social_security(scan: &mut Scan<'_>, cluster: &Cluster) -> Option<usize> {
    let text = scan.text;
    let (end, separator) = if cluster.has_lengths(&[3, 2, 4]) {
        (cluster.end(3), cluster.separator(3)?)
    } else {
        return None;
    };
    if !is_free_after(text, end) {
        return None;
    }
    let kind = social_kind(text, cluster, 3, separator == b'-')?;
    scan.add(cluster.start(), end, kind, Proof::Format);
    Some(end)
}

/// Which American number nine digits are: SSN with its area, group and serial; ITIN with a keyword only.
fn social_kind(text: &[u8], cluster: &Cluster, count: usize, dashed: bool) -> Option<u16> {
    let (digits, length) = cluster.digits(text, count);
    let digits = digits.get(..length)?;
    let (area, rest) = digits.split_at_checked(3)?;
    let (group, serial) = rest.split_at_checked(2)?;
    if group == b"00" || serial == b"0000" || area == b"000" || area == b"666" {
        return None;
    }
    // A wallet maker's specimen, and the number of every form's example.
    if digits == b"078051120" || digits == b"123456789" {
        return None;
    }
    let near = context(text, cluster.start(), 56);
    if area.first() == Some(&b'9') {
        return has_word(near, &["itin", "tax", "taxpayer", "tin"]).then_some(ITIN);
    }
    (dashed || has_word(near, &["ssn", "social security", "social_security", "socialsecurity", "social"]))
        .then_some(SSN)
}

/// `(415) 555-0123`, `415-555-0123`, `415.555.0123`, with a leading 1 or without.
fn american_phone(scan: &mut Scan<'_>, cluster: &Cluster, free: bool) -> Option<usize> {
    let text = scan.text;
    let start = cluster.start();
    let (area, _) = cluster.groups.first().copied()?;
    if byte_before(text, start, 1) == b'(' && byte_at(text, start + 3) == b')' {
        let mut next = start + 4;
        if matches!(byte_at(text, next), b' ' | b'-' | b'.') {
            next += 1;
        }
        let exchange = run_end(text, next, D);
        if exchange - next != 3 || !matches!(byte_at(text, exchange), b'-' | b' ' | b'.') {
            return None;
        }
        let end = run_end(text, exchange + 1, D);
        if end - exchange != 5 || !is_free_after(text, end) {
            return None;
        }
        let mut from = start - 1;
        if part(text, from.saturating_sub(2), from) == b"1 "
            || part(text, from.saturating_sub(2), from) == b"1-"
        {
            from -= 2;
        }
        scan.add(from, end, PHONE, Proof::Format);
        return Some(end);
    }
    let skipped = if cluster.has_lengths(&[1, 3, 3, 4]) { 1 } else { 0 };
    let plain = cluster.has_lengths(&[3, 3, 4]);
    if !free || !(plain || skipped == 1) {
        return None;
    }
    let count = 3 + skipped;
    let end = cluster.end(count);
    let first = byte_at(text, if skipped == 1 { cluster.groups.get(1)?.0 } else { area });
    let separated = matches!(cluster.separator(count), Some(b'-' | b'.'));
    if first < b'2' || !is_free_after(text, end) || !(separated || is_phone_near(text, start)) {
        return None;
    }
    scan.add(start, end, PHONE, Proof::Format);
    Some(end)
}

fn is_phone_near(text: &[u8], at: usize) -> bool {
    let near = context(text, at, 40);
    let named = near.iter().rposition(|&byte| is(byte, AN)).map_or(0, |last| last + 1);
    let names_an_id = near.get(..named).is_some_and(|name| name.to_ascii_lowercase().ends_with(b"id"));
    !names_an_id
        && has_word(
            near,
            &["phone", "tel", "telephone", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms"],
        )
}

/// `+`, country code and subscriber: 8 to 15 digits (ITU-T E.164), from the first digit on.
fn international_phone(scan: &mut Scan<'_>, start: usize) -> Option<usize> {
    let text = scan.text;
    let plus = start - 1;
    if is(byte_before(text, plus, 1), AN) && !super::alphabet::follows_escape(text, plus) {
        return None;
    }
    let mut at = start;
    let mut end = start;
    let mut count = 0;
    let mut separated = false;
    while count <= 15 {
        let byte = byte_at(text, at);
        if byte.is_ascii_digit() {
            count += 1;
            at += 1;
            end = at;
            continue;
        }
        // A further number after a whole one is another number.
        if count >= 11 {
            break;
        }
        let gap = part(text, at, at + 2)
            .iter()
            .take_while(|&&byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')'))
            .count();
        if gap == 0 || !is(byte_at(text, at + gap), D) {
            break;
        }
        separated = true;
        at += gap;
    }
    let digits = part(text, start, end);
    let round = digits.ends_with(b"000") && count < 11;
    let american = digits.first() == Some(&b'1');
    let plausible = (8..=15).contains(&count)
        && is_country_code(digits)
        && (separated || !round)
        && (!american || count == 11)
        && is_free_after(text, end);
    // `+34.39-76.33` is a place on earth; `+123456` over `-123450` is a changed line of a diff.
    let coordinates = digits.contains(&b'.') && digits.contains(&b'-');
    // `+35236450.6` is a decimal, `+1.4155550123` a number after its country code; `+9999-12-31` is a day.
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = digits.get(whole..).unwrap_or_default();
    let decimal = whole > 3 && rest.first() == Some(&b'.') && rest.iter().skip(1).all(u8::is_ascii_digit);
    let day = (4..=6).contains(&whole)
        && matches!(rest, [b'-', _, _, b'-', _, _, ..])
        && rest.get(6).is_none_or(|&byte| byte == b' ');
    let begins_line = plus == 0 || byte_before(text, plus, 1) == b'\n';
    let changed_line = !separated && begins_line && part(text, end, end + 2) == b"\n-";
    if !plausible || coordinates || decimal || day || changed_line {
        return None;
    }
    scan.add(plus, end, PHONE, Proof::Format);
    Some(end)
}

/// Whether the number starts with an assigned country calling code (ITU-T E.164, by its first two digits).
fn is_country_code(digits: &[u8]) -> bool {
    let two = digits
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .take(2)
        .fold(0, |two, byte| two * 10 + u32::from(byte - b'0'));
    matches!(two, 10..=19 | 70..=79 | 20..=27 | 29..=49 | 50..=58 | 59..=69 | 80..=82 | 84..=88 | 90..=99)
}

/// `030 12345678`, `07911 123456`, `0049 30 12345678`: with the zero that leads to another place, and a keyword.
fn national_phone(scan: &mut Scan<'_>, cluster: &Cluster) -> Option<usize> {
    let text = scan.text;
    let start = cluster.start();
    if byte_at(text, start) != b'0' || cluster.count < 2 || !is_phone_near(text, start) {
        return None;
    }
    let groups = cluster.groups.get(..cluster.count.min(5))?;
    let length = groups.iter().map(|group| group.1 - group.0).sum::<usize>();
    let end = cluster.end(groups.len());
    if !(9..=14).contains(&length)
        || !is_free_after(text, end)
        || groups.iter().any(|group| group.1 - group.0 < 2)
    {
        return None;
    }
    scan.add(start, end, PHONE, Proof::Format);
    Some(end)
}

/// Numbers without any separator, which only a keyword makes personal.
fn bare(scan: &mut Scan<'_>, cluster: &Cluster) -> Option<usize> {
    let text = scan.text;
    let &(start, end) = cluster.groups.first()?;
    let length = end - start;
    if !is_free_after(text, end) {
        return None;
    }
    let kind = match length {
        9 => social_kind(text, cluster, 1, false)?,
        // Seconds and milliseconds since 1970 begin with 1, as no American area code does.
        10 | 11 | 13 if byte_at(text, start) == b'1' && length != 11 => return None,
        10..=13 if is_phone_near(text, start) => PHONE,
        _ => return None,
    };
    scan.add(start, end, kind, Proof::Format);
    Some(end)
}
