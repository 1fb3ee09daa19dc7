//! Fake secrets of every kind, from the shapes that providers document. Nothing here knows the scrubber's own table.

use super::personal::{card, iban, national};
use super::random::Random;

/// One fake secret.
#[derive(Clone, Debug)]
pub struct Value {
    /// The row of the table of shapes it comes from.
    pub row: &'static str,
    /// Whether the row is one that people ask for first (model keys, AWS, GitHub, bearer, e-mail, cards, SSN).
    pub first: bool,
    /// The text that must stand before the secret, and after it; most need none.
    pub before: String,
    pub secret: String,
    pub after: String,
    /// Whether only a keyword and an assignment make it a secret: then `before` is empty and the key is one of these.
    pub keys: &'static [&'static str],
}

/// Secrets that show themselves by their shape.
const TOKENS: &[(&str, bool, &str)] = &[
    ("openai legacy", true, "sk-{AN20}T3BlbkFJ{AN20}"),
    ("openai legacy", true, "sk-{AN48}"),
    ("openai project", true, "sk-proj-{U74}T3BlbkFJ{U74}"),
    ("openai project", true, "sk-proj-{U58}T3BlbkFJ{U58}"),
    ("openai project", true, "sk-proj-{U20}T3BlbkFJ{U20}"),
    ("openai service", true, "sk-{svcacct|admin}-{U58}T3BlbkFJ{U58}"),
    ("openai none", true, "sk-None-{U20}T3BlbkFJ{U20}"),
    ("anthropic", true, "sk-ant-api03-{U93}AA"),
    ("anthropic", true, "sk-ant-{admin01|oat01}-{U93}AA"),
    ("openrouter", false, "sk-or-v1-{H64}"),
    ("langfuse", false, "sk-lf-{uuid}"),
    ("deepseek", false, "sk-{H32}"),
    ("other sk", false, "sk-{U24-60}1a"),
    ("google api", true, "AIza{U35}"),
    ("gemini", false, "AQ.Ab8RN6{U44}"),
    ("google oauth", false, "GOCSPX-{U28}"),
    ("google oauth", false, "ya29.{U60-180}a"),
    ("google oauth", false, "1//0{U90-100}"),
    ("groq", false, "gsk_{AN52}"),
    ("huggingface", false, "hf_{A34}"),
    ("perplexity", false, "pplx-{AN48}"),
    ("xai", false, "xai-{AN70-120}"),
    ("replicate", false, "r8_{AN37}"),
    ("nvidia", false, "nvapi-{U64}"),
    ("cerebras", false, "csk-{LN48}"),
    ("langsmith", false, "lsv2_{pt|sk}_{H32}_{H10}"),
    ("pinecone", false, "pcsk_{AN5-6}_{AN63}"),
    ("tavily", false, "tvly-{AN32}"),
    ("tavily", false, "tvly-dev-{AN32}"),
    ("together", false, "tgp_v1_{U43}"),
    ("jina", false, "jina_{AN60}"),
    ("firecrawl", false, "fc-{H32}"),
    ("elevenlabs", false, "sk_{H48}"),
    ("wandb", false, "wandb_v1_{W77}"),
    ("aws key id", true, "{AKIA|ASIA|ABIA|ACCA}{BT16}"),
    ("bedrock", false, "ABSKQmVkcm9ja0FQSUtleS{B100-240}"),
    ("bedrock", false, "bedrock-api-key-{B120-300}"),
    ("aws session token", true, "IQoJb3JpZ2lu{B250-400}"),
    ("azure ad", false, "{AN3}{D1}Q~{QT31-34}x"),
    ("digitalocean", false, "{dop|doo|dor}_v1_{H64}"),
    ("alibaba", false, "LTAI{AN20}"),
    ("cloudflare", false, "{cfut|cfat|cfk}_{AN40}{H8}"),
    ("cloudflare", false, "v1.0-{H24}-{H146}"),
    ("heroku", false, "HRKU-AA{U58}"),
    ("fly", false, "fo1_{U43}"),
    ("fly", false, "{fm1a|fm1r|fm2}_{B120-200}"),
    ("vercel", false, "{vcp|vci|vca|vcr|vck}_{U56}"),
    ("supabase", false, "sbp_{H40}"),
    ("supabase", false, "sb_secret_{U31}"),
    ("neon", false, "napi_{LN64}"),
    ("planetscale", false, "pscale_{tkn|pw|oauth}_{U32-64}"),
    ("databricks", false, "dapi{H32}"),
    ("databricks", false, "dapi{H32}-2"),
    ("tailscale", false, "tskey-{auth|api|client}-{AN12}CNTRL-{AN32}"),
    ("github classic", true, "{ghp|gho|ghu|ghs|ghr}_{AN36}"),
    ("github classic", true, "{ghp|gho|ghu|ghs|ghr}_{AN80-200}"),
    ("github fine-grained", true, "github_pat_{AN22}_{AN59}"),
    ("github app", true, "ghs_{D7}_eyJ{U80}.eyJ{U200}.{U180}"),
    ("gitlab", false, "glpat-{U20}"),
    ("gitlab", false, "glpat-{U27-120}.{LN9}"),
    ("gitlab", false, "{gldt|glrt|glft|glsoat|glffct|glcbt}-{U20}"),
    ("gitlab", false, "glptt-{H40}"),
    ("gitlab", false, "glimt-{U25}"),
    ("gitlab", false, "glagent-{U50}"),
    ("gitlab", false, "gloas-{U64}"),
    ("atlassian", false, "ATATT3{U178}={HX8}"),
    ("npm", false, "npm_{AN36}"),
    ("pypi", false, "pypi-AgEIcHlwaS5vcmc{U120}"),
    ("rubygems", false, "rubygems_{H48}"),
    ("cargo", false, "cio{AN32}"),
    ("docker", false, "dckr_pat_{U27}"),
    ("docker", false, "dckr_oat_{U32}"),
    ("nuget", false, "oy2{LN43}"),
    ("circleci", false, "CCIPAT_{AN22}_{H40}"),
    ("buildkite", false, "bkua_{H40}"),
    ("terraform", false, "{AN14}.atlasv1.{U60-70}"),
    ("pulumi", false, "pul-{H40}"),
    ("vault", false, "hvs.{U90-120}"),
    ("vault", false, "hvb.{U138-300}"),
    ("doppler", false, "dp.pt.{AN43}"),
    ("1password", false, "ops_eyJ{B250-400}"),
    ("age", false, "AGE-SECRET-KEY-1{BECH58}"),
    ("slack", false, "{xoxb|xoxp}-{D12}-{D13}-{AN24}"),
    ("slack", false, "xoxe.xoxp-1-{AN160}"),
    ("slack", false, "xapp-1-A{UN10}-{D13}-{H64}"),
    ("stripe", false, "{sk|rk}_{live|test}_{AN24}"),
    ("stripe", false, "{sk|rk}_{live|test}_{AN99}"),
    ("stripe", false, "whsec_{AN32}"),
    ("twilio", false, "SK{H32}"),
    ("sendgrid", false, "SG.{U22}.{U43}"),
    ("mailchimp", false, "{H32}-us{N1}"),
    ("brevo", false, "xkeysib-{H64}-{AN16}"),
    ("resend", false, "re_{AN8}_{AN24}"),
    ("shopify", false, "{shpat|shpca|shppa|shpss}_{H32}"),
    ("square", false, "sq0atp-{U22}"),
    ("square", false, "sq0csp-{U43}"),
    ("square", false, "EAAA{U60}"),
    ("braintree", false, "access_token$production${LN16}${H32}"),
    ("plaid", false, "access-production-{uuid}"),
    ("easypost", false, "{EZAK|EZTK}{AN54}"),
    ("discord bot", false, "{M|N|O}{U23-25}.{U6}.{U27-38}"),
    ("telegram", false, "{N1}{D8}:AA{U33}"),
    ("notion", false, "ntn_{D11}{AN35}"),
    ("linear", false, "lin_api_{AN40}"),
    ("figma", false, "figd_{U38-42}"),
    ("airtable", false, "pat{AN14}.{H64}"),
    ("postman", false, "PMAK-{H24}-{H34}"),
    ("new relic", false, "NRAK-{UN27}"),
    ("sentry", false, "sntryu_{H64}"),
    ("sentry", false, "sntrys_{B100-160}"),
    ("grafana", false, "glsa_{AN32}_{H8}"),
    ("grafana", false, "glc_{B60-100}"),
    ("dynatrace", false, "dt0c01.{UN24}.{UN64}"),
    ("hubspot", false, "pat-{na1|eu1}-{uuid}"),
    ("dropbox", false, "sl.{U130-160}"),
    ("facebook", false, "{EAAM|EAAC}{AN120}"),
    ("twitter", false, "AAAAAAAAAAAAAAAAAAAAAA{AN80}"),
    ("sonar", false, "{squ|sqp|sqa}_{H40}"),
    ("sourcegraph", false, "sgp_{H16}_{H40}"),
    ("sourcegraph", false, "sgp_{H40}"),
    ("posthog", false, "phx_{AN43}"),
    ("readme", false, "rdme_{LN70}"),
    ("octopus", false, "API-{UN26}"),
    ("contentful", false, "CFPAT-{U43}"),
    ("artifactory", false, "AKCp{AN69}"),
    ("prefect", false, "pnu_{AN36}"),
    ("jwt", false, "eyJ{U20-40}.eyJ{U40-200}.{U43}"),
    ("ssn", true, "{1|2|3|4|5}{N2}-{N2}-{N4}"),
    ("phone", false, "+1 ({N3}) {N3}-{D4}"),
    ("phone", false, "+1415555{D4}"),
    ("phone", false, "+44 20 7946 {D4}"),
    ("phone", false, "+4930{D8}"),
    ("phone", false, "+91 98765 {D5}"),
    ("phone", false, "({2|3|4|5|6|7|8|9}{D2}) {N3}-{D4}"),
    ("phone", false, "{2|3|4|5|6|7|8|9}{D2}-{N3}-{D4}"),
    ("phone", false, "{2|3|4|5|6|7|8|9}{D2}.{N3}.{D4}"),
    ("email", true, "{L5}.{L7}@{gmail.com|example.com|example.co.uk|acme.io|firma.de|mail.example.org}"),
    ("email", true, "{L3}{D2}+{L4}@{outlook.com|proton.me|corp.example.net|uni-bonn.de}"),
    ("email", true, "{L5}%{L6}@{gmail.com|example.org}"),
    ("email", true, "{UP1}{L6}_{L6}@{EXAMPLE.COM|Company.Com|a-b.fr}"),
];

/// Secrets that need a text around them that is not part of them.
const PLACED: &[(&str, bool, &str, &str, &str)] = &[
    ("bearer", true, "Authorization: Bearer ", "{U40}1", ""),
    ("bearer", true, "authorization: bearer ", "{AN20-60}7", ""),
    ("bearer", true, "Use Bearer ", "a9{AN30}", " for it"),
    ("basic", false, "Authorization: Basic ", "dXNlcjpw{AN16}MQ==", ""),
    ("slack webhook", false, "https://hooks.slack.com/services/", "T{UN9}/B{UN9}/{AN24}", ""),
    ("discord webhook", false, "https://discord.com/api/webhooks/", "{N1}{D17}/{U68}", ""),
    (
        "teams webhook",
        false,
        "https://acme.webhook.office.com/webhookb2/",
        "{uuid}@{uuid}/IncomingWebhook/{H32}/{uuid}",
        "",
    ),
    ("url password", false, "postgres://app:", "{PWU12}", "@db.example.com:5432/app"),
    ("url password", false, "redis://:", "{AN24}", "@cache:6379/0"),
    ("url password", false, "mongodb+srv://root:", "{AN16}", "@cluster0.example.net/x?retryWrites=true"),
    ("url password", false, "https://bob:", "{AN10}", "@example.com/repo.git"),
    ("odbc password", false, "Server=db;User Id=sa;Password=", "{AN12}!9", ";Encrypt=true"),
    ("odbc password", false, "Driver={x};UID=sa;PWD=", "{AN14}", ";"),
    (
        "azure storage",
        false,
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=",
        "{B86}==",
        ";EndpointSuffix=core.windows.net",
    ),
    ("azure service bus", false, "SharedAccessKeyName=Root;SharedAccessKey=", "{B43}=", ""),
    (
        "azure sas",
        false,
        "https://acme.blob.core.windows.net/c/b?sv=2024-01-01&se=2026-01-01&sig=",
        "{AN43}%2B{AN8}%3D",
        "",
    ),
    ("query", false, "https://api.example.com/v1/items?api_key=", "{AN32}", "&page=2"),
    ("query", false, "https://api.example.com/v1/items?limit=5&access_token=", "{AN40}", ""),
    ("query", false, "https://maps.example.com/api?key=", "{AN32}", "&q=1"),
    ("curl user", false, "curl -u admin:", "{AN12}", " https://example.com/api"),
    ("curl user", false, "curl --user 'svc:", "{PW12}", "' https://example.com/api"),
    ("netrc", false, "machine api.example.com login bob password ", "{AN12}", "\n"),
    ("npmrc", false, "//registry.npmjs.org/:_authToken=", "{uuid}", "\n"),
    ("cookie", false, "Cookie: theme=dark; session=", "{H32}", "; lang=en"),
    ("cookie", false, "Set-Cookie: connect.sid=", "s%3A{AN32}.{AN43}", "; Path=/; HttpOnly"),
    ("wireguard", false, "PrivateKey = ", "{B43}=", "\n"),
    ("docker auth", false, "{\"auths\":{\"ghcr.io\":{\"auth\":\"", "Ym9iOmdocF9{L8}MQ==", "\"}}}"),
    ("mailgun", false, "mailgun api: ", "key-{H32}", ""),
    ("short option", false, "mysql -h db -u root -p", "{AN12}9!", " shop"),
    ("short option", false, "redis-cli -h cache -a ", "{AN16}9", " ping"),
    ("short option", false, "sshpass -p '", "{PW12}9", "' ssh bob@10.0.0.7"),
    ("short option", false, "docker login -u bob -p ", "{AN20}9", " registry.example.com"),
    ("short option", false, "openssl rsa -in k.pem -passin pass:", "{AN14}9", " -out k2.pem"),
    ("curl user", false, "curl -ubob:", "{AN12}", " https://example.com/api"),
    ("curl cookie", false, "curl -b 'session=", "{H31}7", "' https://example.com"),
    ("cookie", false, "\"Cookie\": \"sessionid=", "{AN39}7", "; theme=dark\""),
    ("docker env", false, "FROM alpine\nENV API_KEY \"", "{AN32}", "\"\n"),
    ("docker env", false, "FROM alpine\nENV DB_PASSWORD ", "{AN12}9", "\n"),
    ("sql", false, "CREATE USER bob IDENTIFIED BY '", "{AN12}9", "';"),
    ("sql", false, "ALTER ROLE bob WITH PASSWORD '", "{noun}_{noun}_{noun}_{noun}", "';"),
    ("cdata", false, "<password><![CDATA[", "{AN12}!9", "]]></password>"),
    ("argument", false, "client.setApiKey(\"", "{AN32}", "\");"),
    ("argument", false, "user.setPassword('", "{noun}-{noun}-{noun}-{noun}", "');"),
    ("argument", false, "request.header(\"X-Api-Key\", \"", "{AN32}", "\")"),
    ("argument", false, "co = CohereClient(\"", "{AN40}", "\")"),
    ("behind a keyword", false, "setx OPENAI_API_KEY ", "{AN31}7", ""),
    ("behind a keyword", false, "| api_key | ", "{H40}", " |"),
    ("behind a keyword", false, "the token (", "{AN31}7", ") has expired"),
    ("wrapped", false, "{\"headers\": {\"X-Api-Key\": [\"", "{AN32}", "\"]}}"),
    ("wrapped", false, "{\"key\": \"api_key\", \"value\": {\"stringValue\": \"", "{AN32}", "\"}}"),
    ("wrapped", false, "db:\n  password: >-\n    ", "{AN14}9", "\n  port: 1\n"),
    ("short option", false, "keytool -list -storepass ", "{AN12}9", " -v"),
    ("phone abroad", false, "Tel: ", "030 {N1}{D7}", ""),
    ("phone abroad", false, "mobile: ", "07911 {D6}", ""),
    ("nbsp", false, "api_key:\u{a0}", "{AN32}", "\u{a0}ok"),
    ("password abroad", false, "contraseña: ", "{AN12}7", "\n"),
    ("password abroad", false, "비밀번호: ", "{AN12}7", "\n"),
    ("password abroad", false, "пароль: ", "{AN12}7", "\n"),
    ("password abroad", false, "hasło = ", "{AN12}7", "\n"),
    ("telegram", false, "https://api.telegram.org/bot", "{N1}{D9}:AA{U33}", "/getMe"),
    ("aws secret", true, "AKIAIOSFODNN7EXAMPLE / ", "wJ{B14}/K7{B18}4Qe", ""),
    ("cli flag", false, "tool login --api-key ", "{AN32}", " --verbose"),
    ("cli flag", false, "tool login --token=", "{AN32}", " --verbose"),
    ("cli flag", false, "mysql --password ", "{PW12}9", " -h db"),
];

/// Values that a keyword and an assignment make secret.
const ASSIGNED: &[(&str, bool, &str, &[&str])] = &[
    ("cohere", false, "{AN40}", &["COHERE_API_KEY", "cohere_api_key", "cohereApiKey", "CO_API_KEY"]),
    ("mistral", false, "{AN32}", &["MISTRAL_API_KEY", "mistral_api_key", "mistralApiKey", "mistral-api-key"]),
    ("deepgram", false, "{H40}", &["DEEPGRAM_API_KEY", "deepgram_key", "deepgramApiKey"]),
    (
        "azure openai",
        false,
        "{H32}",
        &["AZURE_OPENAI_API_KEY", "azure_openai_key", "api-key", "Ocp-Apim-Subscription-Key"],
    ),
    ("wandb old", false, "{H40}", &["WANDB_API_KEY", "wandb_api_key", "wandbApiKey"]),
    (
        "aws secret",
        true,
        "{B40}",
        &[
            "aws_secret_access_key",
            "AWS_SECRET_ACCESS_KEY",
            "SecretAccessKey",
            "secretAccessKey",
            "AWS_SECRET_KEY",
        ],
    ),
    ("aws session token", true, "{B250-300}", &["aws_session_token", "AWS_SESSION_TOKEN", "SessionToken"]),
    ("cloudflare global", false, "{H37}", &["CLOUDFLARE_API_KEY", "X-Auth-Key", "cf_api_key"]),
    ("datadog", false, "{H32}", &["DD_API_KEY", "DATADOG_API_KEY", "dd-api-key"]),
    ("datadog", false, "{H40}", &["DD_APP_KEY", "DATADOG_APP_KEY", "DD_APPLICATION_KEY"]),
    ("algolia", false, "{H32}", &["ALGOLIA_API_KEY", "ALGOLIA_ADMIN_KEY", "X-Algolia-API-Key"]),
    ("okta", false, "00{U40}", &["OKTA_API_TOKEN", "okta_token", "oktaApiToken"]),
    ("fastly", false, "{U32}", &["FASTLY_API_TOKEN", "Fastly-Key", "fastly_api_key"]),
    ("snyk", false, "{uuid}", &["SNYK_TOKEN", "snyk_token", "snykToken"]),
    ("launchdarkly", false, "sdk-{uuid}", &["LAUNCHDARKLY_SDK_KEY", "LD_SDK_KEY", "sdkKey"]),
    ("eth key", false, "0x{H64}", &["PRIVATE_KEY", "eth_private_key", "privateKey"]),
    (
        "password",
        false,
        "{PW12}9",
        &[
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "passwd",
            "POSTGRES_PASSWORD",
            "adminPassword",
            "Password",
            "smtp_pass",
        ],
    ),
    ("password", false, "{L6}{D3}", &["password", "DB_PASS", "userPassword", "pwd", "db-password"]),
    (
        "password words",
        false,
        "{noun}{noun}{noun}{noun}",
        &["password", "DB_PASSWORD", "dbPassword", "adminPassword", "smtp_passwd", "MYSQL_PWD"],
    ),
    (
        "password words",
        false,
        "{noun}-{noun}-{noun}-{noun}",
        &["password", "DB_PASSWORD", "dbPassword", "passphrase", "root-password"],
    ),
    (
        "password words",
        false,
        "{Otter|Walrus|Cedar}_{Plum|Acorn|Kayak}{D3}",
        &["password", "DB_PASS", "userPassword"],
    ),
    ("password letters", false, "{L17}", &["password", "DB_PASSWORD", "dbPassword", "passwd"]),
    (
        "api key",
        false,
        "{AN32}",
        &["api_key", "API_KEY", "apiKey", "x-api-key", "X-API-Key", "apikey", "service_api_key"],
    ),
    (
        "secret",
        false,
        "{AN32}",
        &[
            "client_secret",
            "CLIENT_SECRET",
            "clientSecret",
            "app_secret",
            "JWT_SECRET",
            "webhookSecret",
            "SECRET_KEY",
        ],
    ),
    (
        "token",
        false,
        "{AN40}",
        &[
            "access_token",
            "ACCESS_TOKEN",
            "accessToken",
            "auth_token",
            "refreshToken",
            "API_TOKEN",
            "bot_token",
        ],
    ),
];

/// All values, several of each row.
pub fn all(random: &mut Random, each: usize) -> Vec<Value> {
    let mut values = Vec::new();
    for _ in 0..each {
        for &(row, first, shape) in TOKENS {
            values.push(plain(row, first, random.shape(shape)));
        }
        for &(row, first, before, shape, after) in PLACED {
            let secret = random.shape(shape);
            values.push(Value { row, first, before: before.into(), secret, after: after.into(), keys: &[] });
        }
        for &(row, first, shape, keys) in ASSIGNED {
            let secret = random.shape(shape);
            values.push(Value { row, first, before: String::new(), secret, after: String::new(), keys });
        }
        for make in [card, card, iban, iban] {
            values.push(make(random));
        }
        values.push(plain("wif", false, wif(random)));
        values.extend(national(random));
    }
    // Numbers that look like a social security number's documented specimens are none.
    values.retain(|value| {
        value.row != "ssn" || !matches!(value.secret.as_str(), "078-05-1120" | "123-45-6789")
    });
    values
}

pub fn plain(row: &'static str, first: bool, secret: String) -> Value {
    Value { row, first, before: String::new(), secret, after: String::new(), keys: &[] }
}

/// A private key in wallet import format, with its double SHA-256.
fn wif(random: &mut Random) -> String {
    use sha2::{Digest, Sha256};
    let compressed = random.below(2) == 0;
    let mut payload = vec![0x80u8];
    payload.extend((0..32).map(|_| random.next() as u8));
    if compressed {
        payload.push(1);
    }
    let sum = Sha256::digest(Sha256::digest(&payload));
    payload.extend(&sum[..4]);
    let letters = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u32> = vec![0];
    for byte in payload {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|&digit| letters[digit as usize] as char).collect()
}

/// Private keys in PEM, real line breaks.
pub fn pem(random: &mut Random) -> Value {
    let label = *random.pick(&[
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ]);
    let mut secret = format!("-----BEGIN {label}-----\n");
    if label.starts_with("PGP") {
        secret.push_str("Version: GnuPG v2\n\n");
    } else if label.starts_with("RSA") && random.below(3) == 0 {
        secret.push_str("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n");
    }
    for _ in 0..random.between(3, 25) {
        secret.push_str(&random.shape("{B64}\n"));
    }
    secret.push_str(&random.shape("{B20-50}==\n"));
    if label.starts_with("PGP") {
        secret.push_str(&random.shape("={B4}\n"));
    }
    secret.push_str(&format!("-----END {label}-----"));
    plain("pem", true, secret)
}
