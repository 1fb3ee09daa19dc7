//! Fake numbers of people and accounts, with their check digits.

use super::random::Random;
use super::values::{Value, plain};

/// Appends the digit that makes Luhn's sum a multiple of ten.
fn with_luhn(mut digits: String) -> String {
    for check in '0'..='9' {
        digits.push(check);
        let sum: u32 = digits
            .chars()
            .rev()
            .enumerate()
            .map(|(at, digit)| {
                let value = digit.to_digit(10).unwrap();
                if at % 2 == 1 { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][value as usize] } else { value }
            })
            .sum();
        if sum.is_multiple_of(10) {
            return digits;
        }
        digits.pop();
    }
    unreachable!("one of ten digits fits")
}

pub fn card(random: &mut Random) -> Value {
    let (prefix, length) = *random.pick(&[
        ("4", 16),
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("644", 16),
        ("65", 16),
        ("300", 14),
        ("36", 14),
        ("38", 14),
        ("3528", 16),
        ("3589", 16),
        ("62", 16),
        ("6759", 16),
    ]);
    let body = format!("{prefix}{}", random.of("0123456789", length - 1 - prefix.len()));
    let digits = with_luhn(body);
    let groups: &[usize] = match length {
        16 => &[4, 4, 4, 4],
        15 => &[4, 6, 5],
        14 => &[4, 6, 4],
        19 => &[4, 4, 4, 4, 3],
        _ => &[13],
    };
    let separator = *random.pick(&["", "", " ", "-"]);
    plain("card", true, grouped(&digits, groups, separator))
}

fn grouped(digits: &str, groups: &[usize], separator: &str) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    for &length in groups {
        parts.push(&digits[at..at + length]);
        at += length;
    }
    parts.join(separator)
}

/// Computes an IBAN's check digits (98 minus the remainder mod 97).
pub fn iban(random: &mut Random) -> Value {
    let shape = *random.pick(&[
        "DE{D18}",
        "GB{UP4}{D14}",
        "FR{D10}{UN11}{D2}",
        "NL{UP4}{D10}",
        "ES{D20}",
        "IT{UP1}{D10}{UN12}",
        "CH{D5}{UN12}",
    ]);
    let text = random.shape(shape);
    let (country, body) = text.split_at(2);
    let remainder = format!("{body}{country}00").bytes().fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    let whole = format!("{country}{:02}{body}", 98 - remainder);
    let spaced = random.below(2) == 0;
    let secret = if spaced {
        whole
            .as_bytes()
            .chunks(4)
            .map(|group| std::str::from_utf8(group).unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        whole
    };
    plain("iban", false, secret)
}

/// National numbers with their keyword before them.
pub fn national(random: &mut Random) -> Vec<Value> {
    let mut values = Vec::new();
    let mut add = |row, before: &str, secret: String| {
        values.push(Value {
            row,
            first: false,
            before: before.into(),
            secret,
            after: String::new(),
            keys: &[],
        });
    };
    let nhs = loop {
        let digits = random.of("0123456789", 9);
        let sum: u32 =
            digits.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        let check = (11 - sum % 11) % 11;
        if check != 10 {
            break format!("{digits}{check}");
        }
    };
    add("nhs", "NHS number: ", grouped(&nhs, &[3, 3, 4], ["", " "][random.below(2)]));
    let cpf = {
        let mut digits = format!("1{}", random.of("0123456789", 8));
        for weight in [10u32, 11] {
            let sum: u32 = digits
                .bytes()
                .zip((2..=weight).rev())
                .map(|(digit, weight)| u32::from(digit - b'0') * weight)
                .sum();
            let check = (sum * 10 % 11) % 10;
            digits.push((b'0' + check as u8) as char);
        }
        digits
    };
    let dotted = format!("{}.{}.{}-{}", &cpf[..3], &cpf[3..6], &cpf[6..9], &cpf[9..]);
    add("cpf", "CPF: ", if random.below(2) == 0 { cpf } else { dotted });
    let pesel = {
        let digits = format!("4{}", random.of("0123456789", 9));
        let sum: u32 = digits
            .bytes()
            .zip([1, 3, 7, 9, 1, 3, 7, 9, 1, 3])
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    };
    add("pesel", "PESEL ", pesel);
    let sin = with_luhn(format!("1{}", random.of("0123456789", 7)));
    add("sin", "SIN: ", grouped(&sin, &[3, 3, 3], ["", " ", "-"][random.below(3)]));
    let nif = random.of("0123456789", 8);
    let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[nif.parse::<usize>().unwrap() % 23] as char;
    add("nif", "DNI: ", format!("{nif}{letter}"));
    add("nino", "National Insurance number: ", random.shape("{AB|CE|JK|SW}{D6}{A|B|C|D}"));
    add("nino", "NINO: ", random.shape("{AB|CE|JK|SW} {D2} {D2} {D2} {A|B|C|D}"));
    let aba = loop {
        let digits = format!("0{}", random.of("123456789", 8));
        let sum: u32 = digits
            .bytes()
            .zip([3, 7, 1, 3, 7, 1, 3, 7, 1])
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        if sum.is_multiple_of(10) {
            break digits;
        }
    };
    add("aba", "routing number: ", aba);
    add("pan", "PAN: ", random.shape("{UP3}P{UP1}{D4}{UP1}"));
    add("passport", "Passport no. ", random.shape("{N1}{D8}"));
    add("passport", "passport: ", random.shape("{UP1}{D8}"));
    add("passport", "Passport number: ", random.shape("{C|F|G|H}{UN3}{D6}"));
    add("ssn bare", "SSN: ", random.shape("{1|2|3|4|5}{N8}"));
    add("itin", "ITIN: ", random.shape("9{N2}-7{N1}-{N4}"));
    add("phone bare", "phone: ", random.shape("{2|3|4|5|6|7|8|9}{D2}{N3}{D4}"));
    values
}
