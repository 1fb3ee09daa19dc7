//! Personal data. None has a prefix: digits, `@` and keywords trigger them.

use super::{Class, Kind};

const fn personal(name: &'static str) -> Kind {
    Kind { name, class: Class::Personal, shapes: &[] }
}

pub const KINDS: &[Kind] = &[
    personal("email"),
    personal("card"),
    personal("ssn"),
    personal("itin"),
    personal("phone"),
    personal("iban"),
    personal("nhs_number"),
    personal("aadhaar"),
    personal("cpf"),
    personal("pesel"),
    personal("sin"),
    personal("nif"),
    personal("nino"),
    personal("bank_routing"),
    personal("pan"),
    personal("passport"),
];
