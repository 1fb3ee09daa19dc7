//! Tokens of code hosts, registries, build systems and password stores.

use super::Check::NotSlug;
use super::Part::{AtLeast, Between, Exactly, Literal};
use super::{Kind, secret, shape};
use crate::scrub::alphabet::{AN, B, D, DOT, EQ, H, LN, U, UN, UNDER, W};

pub const KINDS: &[Kind] = &[
    secret(
        "github_token",
        &[
            shape("ghp_", &[AtLeast(AN, 30)]),
            shape("gho_", &[AtLeast(AN, 30)]),
            shape("ghu_", &[AtLeast(AN, 30)]),
            shape("ghs_", &[AtLeast(AN, 30)]),
            shape("ghr_", &[AtLeast(AN, 30)]),
            // An app's stateless token: installation number, then a JWT.
            shape("ghs_", &[AtLeast(D, 1), Literal("_eyJ"), AtLeast(U | DOT, 40)]),
            shape("github_pat_", &[AtLeast(W, 40)]),
        ],
    ),
    secret(
        "gitlab_token",
        &[
            shape("glpat-", &[AtLeast(U, 20)]),
            shape("glpat-", &[AtLeast(U, 20), Literal("."), Between(LN, 9, 9)]),
            shape("glpat-", &[AtLeast(U, 20), Literal("."), Exactly(LN, 2), Literal("."), Between(LN, 9, 9)]),
            shape("gldt-", &[AtLeast(U, 20)]),
            shape("glrt-", &[AtLeast(U, 20)]),
            shape("glrt-", &[AtLeast(U, 20), Literal("."), Exactly(LN, 2), Literal("."), Between(LN, 9, 9)]),
            shape("glft-", &[AtLeast(U, 20)]),
            shape("glsoat-", &[AtLeast(U, 20)]),
            shape("glffct-", &[AtLeast(U, 20)]),
            shape("glptt-", &[AtLeast(H, 36)]),
            shape("glimt-", &[AtLeast(U, 24)]),
            shape("glagent-", &[AtLeast(U, 40)]),
            shape("gloas-", &[AtLeast(U, 50)]),
            shape("glcbt-", &[AtLeast(U, 20)]),
        ],
    ),
    secret(
        "atlassian_token",
        &[shape("ATATT3", &[AtLeast(U | EQ, 80)]), shape("ATCTT3", &[AtLeast(U | EQ, 80)])],
    ),
    secret("npm_token", &[shape("npm_", &[AtLeast(AN, 30)])]),
    secret("pypi_token", &[shape("pypi-AgE", &[AtLeast(U, 50)])]),
    secret("rubygems_key", &[shape("rubygems_", &[AtLeast(H, 40)])]),
    secret("crates_token", &[shape("cio", &[Between(AN, 32, 32)]).strict().check(NotSlug)]),
    secret("docker_token", &[shape("dckr_pat_", &[AtLeast(U, 24)]), shape("dckr_oat_", &[AtLeast(U, 24)])]),
    secret("docker_auth", &[]),
    secret("nuget_key", &[shape("oy2", &[Between(LN, 43, 43)]).strict().check(NotSlug)]),
    secret("circleci_token", &[shape("CCIPAT_", &[AtLeast(AN, 16), Literal("_"), AtLeast(H, 36)])]),
    secret("buildkite_token", &[shape("bkua_", &[AtLeast(H, 36)])]),
    secret("onepassword_token", &[shape("ops_eyJ", &[AtLeast(B | U | EQ, 200)])]),
    secret("age_key", &[shape("AGE-SECRET-KEY-1", &[AtLeast(UN, 50)])]),
    secret("postman_key", &[shape("PMAK-", &[Exactly(H, 24), Literal("-"), AtLeast(H, 30)])]),
    secret(
        "sonar_token",
        &[
            shape("squ_", &[AtLeast(H, 40)]),
            shape("sqp_", &[AtLeast(H, 40)]),
            shape("sqa_", &[AtLeast(H, 40)]),
        ],
    ),
    secret("sourcegraph_token", &[shape("sgp_", &[AtLeast(H | UNDER, 40)])]),
    secret("readme_key", &[shape("rdme_", &[AtLeast(LN, 60)])]),
    secret("octopus_key", &[shape("API-", &[Between(UN, 25, 32)]).strict().check(NotSlug)]),
    secret("contentful_token", &[shape("CFPAT-", &[AtLeast(U, 36)])]),
    secret("artifactory_key", &[shape("AKCp", &[AtLeast(AN, 60)])]),
    secret("figma_token", &[shape("figd_", &[AtLeast(U, 32)])]),
    secret("linear_key", &[shape("lin_api_", &[AtLeast(AN, 32)])]),
    secret("airtable_token", &[shape("pat", &[Exactly(AN, 14), Literal("."), AtLeast(H, 60)]).strict()]),
];
