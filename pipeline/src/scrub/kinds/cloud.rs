//! Credentials of clouds, hosts and databases as a service.

use super::Check::NotSlug;
use super::Part::{AtLeast, Between, Exactly, Literal, Optional};
use super::{Kind, secret, shape};
use crate::scrub::alphabet::{AN, B, D, DASH, DOT, EQ, H, LN, U, UN};

pub const KINDS: &[Kind] = &[
    secret(
        "aws_access_key_id",
        &[
            shape("AKIA", &[Between(UN, 16, 16)]),
            shape("ASIA", &[Between(UN, 16, 16)]),
            shape("ABIA", &[Between(UN, 16, 16)]),
            shape("ACCA", &[Between(UN, 16, 16)]),
        ],
    ),
    secret("aws_secret_key", &[]),
    secret(
        "aws_session_token",
        &[
            shape("IQoJb3JpZ2lu", &[AtLeast(B | EQ, 80)]),
            shape("FwoGZXIvYXdz", &[AtLeast(B | EQ, 80)]),
            shape("FQoGZXIvYXdz", &[AtLeast(B | EQ, 80)]),
        ],
    ),
    secret("azure_ad_secret", &[]),
    secret("azure_storage_key", &[]),
    secret("azure_service_bus_key", &[]),
    secret("azure_sas", &[]),
    secret(
        "digitalocean_token",
        &[
            shape("dop_v1_", &[AtLeast(H, 50)]),
            shape("doo_v1_", &[AtLeast(H, 50)]),
            shape("dor_v1_", &[AtLeast(H, 50)]),
        ],
    ),
    secret("alibaba_access_key_id", &[shape("LTAI", &[Between(AN, 12, 26)]).check(NotSlug)]),
    secret(
        "cloudflare_token",
        &[
            shape("cfut_", &[AtLeast(AN, 40)]),
            shape("cfat_", &[AtLeast(AN, 40)]),
            shape("cfk_", &[AtLeast(AN, 40)]),
            shape("v1.0-", &[Exactly(H, 24), Literal("-"), AtLeast(H, 100)]),
        ],
    ),
    secret("heroku_key", &[shape("HRKU-", &[AtLeast(U, 36)])]),
    secret(
        "fly_token",
        &[
            shape("fo1_", &[AtLeast(U, 36)]),
            shape("fm1a_", &[AtLeast(B | U | EQ, 80)]),
            shape("fm1r_", &[AtLeast(B | U | EQ, 80)]),
            shape("fm2_", &[AtLeast(B | U | EQ, 80)]),
        ],
    ),
    secret(
        "vercel_token",
        &[
            shape("vcp_", &[AtLeast(U, 40)]),
            shape("vci_", &[AtLeast(U, 40)]),
            shape("vca_", &[AtLeast(U, 40)]),
            shape("vcr_", &[AtLeast(U, 40)]),
            shape("vck_", &[AtLeast(U, 40)]),
        ],
    ),
    secret("supabase_key", &[shape("sbp_", &[AtLeast(H, 36)]), shape("sb_secret_", &[AtLeast(U, 24)])]),
    secret("neon_key", &[shape("napi_", &[AtLeast(LN, 48)])]),
    secret(
        "planetscale_token",
        &[
            shape("pscale_tkn_", &[AtLeast(U | DOT | EQ, 30)]),
            shape("pscale_pw_", &[AtLeast(U | DOT | EQ, 30)]),
            shape("pscale_oauth_", &[AtLeast(U | DOT | EQ, 30)]),
        ],
    ),
    secret("databricks_token", &[shape("dapi", &[Exactly(H, 32), Optional("-"), AtLeast(D, 0)])]),
    secret("tailscale_key", &[shape("tskey-", &[AtLeast(U, 18)]).check(NotSlug)]),
    secret("terraform_token", &[shape("atlasv1.", &[AtLeast(U, 50)]).after(AN, 14)]),
    secret("pulumi_token", &[shape("pul-", &[AtLeast(H, 40)])]),
    secret(
        "vault_token",
        &[shape("hvs.", &[AtLeast(U, 24)]).check(NotSlug), shape("hvb.", &[AtLeast(U, 60)])],
    ),
    secret(
        "doppler_token",
        &[
            shape("dp.pt.", &[AtLeast(AN, 36)]),
            shape("dp.st.", &[AtLeast(U | DOT, 36)]).check(NotSlug),
            shape("dp.ct.", &[AtLeast(AN, 36)]),
            shape("dp.sa.", &[AtLeast(AN, 36)]),
            shape("dp.scim.", &[AtLeast(AN, 36)]),
            shape("dp.audit.", &[AtLeast(AN, 36)]),
        ],
    ),
    secret(
        "grafana_token",
        &[
            shape("glsa_", &[Exactly(AN, 32), Literal("_"), AtLeast(H, 8)]),
            shape("glc_", &[AtLeast(B | EQ, 32)]).check(NotSlug),
        ],
    ),
    secret("dynatrace_token", &[shape("dt0c01.", &[Exactly(UN, 24), Literal("."), AtLeast(UN, 60)])]),
    secret("new_relic_key", &[shape("NRAK-", &[AtLeast(UN, 26)])]),
    secret(
        "sentry_token",
        &[shape("sntryu_", &[AtLeast(H, 60)]), shape("sntrys_", &[AtLeast(B | U | EQ, 40)])],
    ),
    secret("launchdarkly_key", &[shape("sdk-", &[Between(H | DASH, 36, 36)]).strict()]),
];
