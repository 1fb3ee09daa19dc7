//! Tokens of messaging, payment, mail and other services.

use super::Check::{Dense, Near, NotSlug};
use super::Part::{AtLeast, Between, Exactly, Literal};
use super::{Kind, secret, shape};
use crate::scrub::alphabet::{AN, B, D, DASH, DOT, EQ, H, HX, U};

pub const KINDS: &[Kind] = &[
    secret(
        "slack_token",
        &[
            shape("xoxb-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxp-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxa-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxr-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxs-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxo-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxe-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xoxe.", &[AtLeast(U, 20)]).check(NotSlug),
            shape("xapp-", &[AtLeast(U, 24)]).check(NotSlug),
        ],
    ),
    secret("slack_webhook", &[]),
    secret("discord_webhook", &[]),
    secret("teams_webhook", &[]),
    secret(
        "stripe_key",
        &[
            shape("sk_live_", &[AtLeast(AN, 10)]),
            shape("sk_test_", &[AtLeast(AN, 10)]),
            shape("rk_live_", &[AtLeast(AN, 10)]),
            shape("rk_test_", &[AtLeast(AN, 10)]),
            shape("whsec_", &[AtLeast(B | EQ, 24)]).check(NotSlug),
        ],
    ),
    secret("twilio_key", &[shape("SK", &[Between(H, 32, 32)]).strict()]),
    secret("sendgrid_key", &[shape("SG.", &[AtLeast(U, 16), Literal("."), AtLeast(U, 32)])]),
    secret(
        "mailgun_key",
        &[shape("key-", &[Between(H, 32, 32)]).strict().check(Near(&["mailgun", "mg", "api"]))],
    ),
    secret("mailchimp_key", &[shape("us", &[Between(D, 1, 2)]).after(H, 32)]),
    secret("brevo_key", &[shape("xkeysib-", &[AtLeast(U, 60)]), shape("xsmtpsib-", &[AtLeast(U, 60)])]),
    secret(
        "resend_key",
        &[shape("re_", &[Between(AN, 8, 8), Literal("_"), AtLeast(AN, 20)]).strict().check(NotSlug)],
    ),
    secret(
        "shopify_token",
        &[
            shape("shpat_", &[AtLeast(HX, 32)]),
            shape("shpca_", &[AtLeast(HX, 32)]),
            shape("shppa_", &[AtLeast(HX, 32)]),
            shape("shpss_", &[AtLeast(HX, 32)]),
        ],
    ),
    secret(
        "square_token",
        &[
            shape("sq0atp-", &[AtLeast(U, 20)]),
            shape("sq0csp-", &[AtLeast(U, 36)]),
            shape("EAAA", &[AtLeast(U, 56)]).strict().check(Dense),
        ],
    ),
    secret("braintree_token", &[]),
    secret(
        "plaid_token",
        &[
            shape("access-production-", &[AtLeast(H | DASH, 36)]),
            shape("access-development-", &[AtLeast(H | DASH, 36)]),
            shape("access-sandbox-", &[AtLeast(H | DASH, 36)]),
        ],
    ),
    secret("easypost_key", &[shape("EZAK", &[AtLeast(AN, 50)]), shape("EZTK", &[AtLeast(AN, 50)])]),
    secret(
        "discord_token",
        &[
            shape("M", &[Between(U, 22, 27), Literal("."), Exactly(U, 6), Literal("."), AtLeast(U, 27)])
                .strict(),
            shape("N", &[Between(U, 22, 27), Literal("."), Exactly(U, 6), Literal("."), AtLeast(U, 27)])
                .strict(),
            shape("O", &[Between(U, 22, 27), Literal("."), Exactly(U, 6), Literal("."), AtLeast(U, 27)])
                .strict(),
        ],
    ),
    secret("telegram_token", &[]),
    secret(
        "hubspot_token",
        &[shape("pat-na", &[AtLeast(H | DASH, 36)]), shape("pat-eu", &[AtLeast(H | DASH, 36)])],
    ),
    secret("dropbox_token", &[shape("sl.", &[AtLeast(U | DOT, 100)]).strict().check(NotSlug)]),
    secret(
        "facebook_token",
        &[
            shape("EAAM", &[AtLeast(AN, 80)]).strict().check(Dense),
            shape("EAAC", &[AtLeast(AN, 80)]).strict().check(Dense),
        ],
    ),
    // 22 times A is what a small number looks like in base64; runs of it also open binary payloads, hence Dense.
    secret(
        "twitter_bearer",
        &[shape("AAAAAAAAAAAAAAAAAAAAAA", &[AtLeast(AN | super::super::alphabet::PERCENT, 60)])
            .strict()
            .check(Dense)],
    ),
];
