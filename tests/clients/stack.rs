//! A client's way in production, on localhost: its script calls the provider, and sends what it saw through nginx.

use std::path::Path;
use std::process::Command;

use observa_tests::database::one;
use observa_tests::provider::Answered;
use observa_tests::{Database, Front, FrontConfig, Nginx, Provider, clients};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// The way from a client to a database of its own.
pub struct Way {
    pub db: Database,
    pub nginx: Nginx,
    /// A secret key of the default project.
    pub key: String,
    pub _front: Front,
}

impl Way {
    /// As docs/postgrest.md: a login that is nobody's, a role for requests, and a key that says who asks. None: no nginx, which
    /// the step before said.
    pub fn open() -> Option<Way> {
        let mut db = Database::ready();
        let gate: String = one(&mut db.connect_as("gate", ""), "SELECT session_user::text");
        let role = format!("web_{}", db.name);
        db.run(&format!(
            "CREATE ROLE {role} NOLOGIN; GRANT observa_ingest, observa_read TO {role}; GRANT {role} TO {gate}"
        ));
        let key = db.one("SELECT observa.create_api_key(id, 'sk') FROM observa.projects");
        let mut database = db.cluster.config(&db.name);
        database.user(&gate);
        let front = Front::start(FrontConfig {
            role,
            pre_request: Some("pre_request".into()),
            ..FrontConfig::of(database)
        });
        let nginx = Nginx::before(front.address)?;
        Some(Way { db, nginx, key, _front: front })
    }
}

/// A script, `language/file`.
pub struct Client {
    pub script: &'static str,
    /// Whose API it calls: openai, responses (OpenAI's newer one) or anthropic.
    pub of: &'static str,
    /// Of what it exports: none or gzip.
    pub compression: &'static str,
}

/// After a client's end.
pub struct Run {
    pub db: Database,
    /// What the provider answered, in its order.
    pub answered: Vec<Answered>,
    /// What the client printed.
    pub printed: String,
}

/// Runs it to its end. None: something is missing that `tests/clients/install` named as missing.
pub fn play(client: Client) -> Option<Run> {
    let Client { script, of, compression } = client;
    let (language, file) = script.split_once('/').expect("language/file");
    let installed = clients::folder().join(language);
    if !installed.join("complete").exists() {
        clients::require_note(language);
        return None;
    }
    let Way { db, nginx, key, _front } = Way::open()?;
    let provider = Provider::start();
    let scripts = Path::new(SCRIPTS).join(language);
    let mut command = if language == "node" {
        // It looks for packages beside the script.
        let copy = installed.join(file);
        std::fs::copy(scripts.join(file), &copy).expect("the script can be copied");
        let mut command = Command::new("node");
        command.arg(copy);
        command
    } else {
        let mut command = Command::new(installed.join("bin/python"));
        // scenes.py and export.py are the same for all.
        command.arg("-B").arg(scripts.join(file)).env("PYTHONPATH", Path::new(SCRIPTS).join("python"));
        command
    };
    let output = command
        .env("PROVIDER", of)
        .env("OPENAI_API_KEY", "key-of-the-provider")
        .env("ANTHROPIC_API_KEY", "key-of-the-provider")
        .env("OPENAI_BASE_URL", format!("{}/v1", provider.url()))
        .env("ANTHROPIC_BASE_URL", provider.url())
        .env("OBSERVA_URL", nginx.url(""))
        // What docs/sdks.md says.
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", nginx.url("/v1/traces"))
        .env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", nginx.url("/v1/logs"))
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-api-key={key}"))
        .env("OBSERVA_KEY", &key)
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
        .env("OTEL_SERVICE_NAME", "shop")
        .env("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
        .env("TRACELOOP_TRACE_CONTENT", "true")
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .expect("it starts");
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}: {printed}");
    Some(Run { db, answered: provider.answered(), printed })
}
