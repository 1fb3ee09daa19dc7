//! Secrets of no one provider: tokens by format, and whatever a keyword, a URL or a header gives away.

use super::Check::Base58Check;
use super::Part::{AtLeast, Between, Literal};
use super::{Kind, secret, shape};
use crate::scrub::alphabet::{B58, U};

pub const KINDS: &[Kind] = &[
    secret(
        "jwt",
        &[shape("eyJ", &[AtLeast(U, 8), Literal(".eyJ"), AtLeast(U, 4), Literal("."), AtLeast(U, 8)])],
    ),
    secret("private_key", &[]),
    secret("bearer_token", &[]),
    secret("basic_auth", &[]),
    secret("url_password", &[]),
    secret("password", &[]),
    secret("api_key", &[]),
    secret("secret", &[]),
    secret("token", &[]),
    secret("cookie", &[]),
    secret(
        "bitcoin_key",
        &[
            shape("5", &[Between(B58, 50, 50)]).strict().check(Base58Check),
            shape("K", &[Between(B58, 51, 51)]).strict().check(Base58Check),
            shape("L", &[Between(B58, 51, 51)]).strict().check(Base58Check),
        ],
    ),
];
