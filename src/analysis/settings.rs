//! Settings of judges and embeddings. A key is never one: a setting names the file or the variable that holds it.

use std::ffi::{CStr, CString};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use serde_json::{Value, json};

type Text = GucSetting<Option<CString>>;

static JUDGE: Endpoint = Endpoint {
    url: Text::new(Some(c"")),
    model: Text::new(Some(c"")),
    key_file: Text::new(Some(c"")),
    key_env: Text::new(Some(c"")),
};
static EMBEDDINGS: Endpoint = Endpoint {
    url: Text::new(Some(c"")),
    model: Text::new(Some(c"")),
    key_file: Text::new(Some(c"")),
    key_env: Text::new(Some(c"")),
};
static JSON_MODE: Text = Text::new(Some(c"schema"));
static ALLOW_PRIVATE: GucSetting<bool> = GucSetting::<bool>::new(false);
static TIMEOUT_MS: GucSetting<i32> = GucSetting::<i32>::new(30_000);
static CONCURRENCY: GucSetting<i32> = GucSetting::<i32>::new(16);
static MAX_TOKENS: GucSetting<i32> = GucSetting::<i32>::new(600);
static QUIET_S: GucSetting<i32> = GucSetting::<i32>::new(60);
static MOST_WAITING: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static DIMENSIONS: GucSetting<i32> = GucSetting::<i32>::new(0);
static SAMPLE_RATE: GucSetting<f64> = GucSetting::<f64>::new(0.01);
static BUDGET_USD: GucSetting<f64> = GucSetting::<f64>::new(1.0);
static EMBEDDINGS_SAMPLE_RATE: GucSetting<f64> = GucSetting::<f64>::new(0.01);

/// Where something is asked for, with which model and key.
struct Endpoint {
    url: Text,
    model: Text,
    key_file: Text,
    key_env: Text,
}

struct TextSetting {
    name: &'static CStr,
    about: &'static CStr,
    setting: &'static Text,
}

static TEXTS: [TextSetting; 9] = [
    TextSetting {
        name: c"observa.judge_url",
        about: c"Base URL of an OpenAI-compatible API that judges are asked at, as https://api.openai.com/v1; empty: nothing is judged",
        setting: &JUDGE.url,
    },
    TextSetting {
        name: c"observa.judge_model",
        about: c"Model of evaluators that name none",
        setting: &JUDGE.model,
    },
    TextSetting {
        name: c"observa.judge_key_file",
        about: c"File with the API key of observa.judge_url, read by who asks the judge",
        setting: &JUDGE.key_file,
    },
    TextSetting {
        name: c"observa.judge_key_env",
        about: c"Environment variable with the API key of observa.judge_url, read by who asks the judge",
        setting: &JUDGE.key_env,
    },
    TextSetting {
        name: c"observa.judge_json_mode",
        about: c"How judges are asked for JSON: schema, object, or none where the API has no such mode",
        setting: &JSON_MODE,
    },
    TextSetting {
        name: c"observa.embeddings_url",
        about: c"Base URL of an OpenAI-compatible API for embeddings; empty: nothing is embedded",
        setting: &EMBEDDINGS.url,
    },
    TextSetting { name: c"observa.embeddings_model", about: c"Model of embeddings", setting: &EMBEDDINGS.model },
    TextSetting {
        name: c"observa.embeddings_key_file",
        about: c"File with the API key of observa.embeddings_url",
        setting: &EMBEDDINGS.key_file,
    },
    TextSetting {
        name: c"observa.embeddings_key_env",
        about: c"Environment variable with the API key of observa.embeddings_url",
        setting: &EMBEDDINGS.key_env,
    },
];

struct Number {
    name: &'static CStr,
    about: &'static CStr,
    setting: &'static GucSetting<i32>,
    range: (i32, i32),
    unit: GucFlags,
}

static NUMBERS: [Number; 6] = [
    Number {
        name: c"observa.judge_timeout",
        about: c"How long one answer of a judge may take",
        setting: &TIMEOUT_MS,
        range: (100, 600_000),
        unit: GucFlags::UNIT_MS,
    },
    Number {
        name: c"observa.judge_concurrency",
        about: c"Requests that one worker has under way at once, to judges and for embeddings each",
        setting: &CONCURRENCY,
        range: (1, 512),
        unit: GucFlags::empty(),
    },
    Number {
        name: c"observa.judge_max_tokens",
        about: c"Most tokens of a judge's answer",
        setting: &MAX_TOKENS,
        range: (50, 32_000),
        unit: GucFlags::empty(),
    },
    Number {
        name: c"observa.judge_quiet_time",
        about: c"How long nothing of a trace may have arrived before it is judged as a whole",
        setting: &QUIET_S,
        range: (0, 86_400),
        unit: GucFlags::UNIT_S,
    },
    Number {
        name: c"observa.max_analysis_jobs",
        about: c"Most jobs of a tenant that may wait for a judge; what comes beyond is skipped, and counted",
        setting: &MOST_WAITING,
        range: (10, 10_000_000),
        unit: GucFlags::empty(),
    },
    Number {
        name: c"observa.embeddings_dimensions",
        about: c"Dimensions that embeddings are asked for with; 0: as the model makes them",
        setting: &DIMENSIONS,
        range: (0, 16_000),
        unit: GucFlags::empty(),
    },
];

struct Share {
    name: &'static CStr,
    about: &'static CStr,
    setting: &'static GucSetting<f64>,
    most: f64,
}

static SHARES: [Share; 3] = [
    Share {
        name: c"observa.judge_sample_rate",
        about: c"Share of the traces that judges are shown without a signal, for projects and evaluators that do not decide it themselves",
        setting: &SAMPLE_RATE,
        most: 1.0,
    },
    Share {
        name: c"observa.judge_budget_usd",
        about: c"USD that judges and embeddings of a project may cost in a day (UTC), for projects that do not decide it themselves",
        setting: &BUDGET_USD,
        most: 1e9,
    },
    Share {
        name: c"observa.embeddings_sample_rate",
        about: c"Share of the traces whose texts are embedded",
        setting: &EMBEDDINGS_SAMPLE_RATE,
        most: 1.0,
    },
];

/// From the definition of all settings. All are for superusers: whoever names the URL gets what is judged.
pub fn define() {
    for text in &TEXTS {
        let (context, flags) = (GucContext::Suset, GucFlags::SUPERUSER_ONLY);
        GucRegistry::define_string_guc(text.name, text.about, c"", text.setting, context, flags);
    }
    for number in &NUMBERS {
        GucRegistry::define_int_guc(
            number.name,
            number.about,
            c"",
            number.setting,
            number.range.0,
            number.range.1,
            GucContext::Suset,
            number.unit,
        );
    }
    for share in &SHARES {
        GucRegistry::define_float_guc(
            share.name,
            share.about,
            c"",
            share.setting,
            0.0,
            share.most,
            GucContext::Suset,
            GucFlags::empty(),
        );
    }
    GucRegistry::define_bool_guc(
        c"observa.judge_allow_private",
        c"Whether judges and embeddings may be asked at private addresses, and over plain HTTP",
        c"",
        &ALLOW_PRIVATE,
        GucContext::Suset,
        GucFlags::empty(),
    );
}

fn read(setting: &Text) -> Option<String> {
    let text = setting.get()?.to_string_lossy().trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Judge,
    Embedding,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Judge, Kind::Embedding];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Judge => "judge",
            Kind::Embedding => "embedding",
        }
    }

    fn endpoint(self) -> &'static Endpoint {
        match self {
            Kind::Judge => &JUDGE,
            Kind::Embedding => &EMBEDDINGS,
        }
    }

    pub fn is_configured(self) -> bool {
        read(&self.endpoint().url).is_some()
    }

    /// None: it is not set.
    pub fn model(self) -> Option<String> {
        read(&self.endpoint().model)
    }

    /// As a task has it. None: nothing is asked.
    pub fn to_json(self) -> Option<Value> {
        let endpoint = self.endpoint();
        let url = read(&endpoint.url)?;
        let dimensions = DIMENSIONS.get();
        Some(json!({
            "url": url,
            "key_file": read(&endpoint.key_file),
            "key_env": read(&endpoint.key_env),
            "allow_private": ALLOW_PRIVATE.get(),
            "timeout_ms": TIMEOUT_MS.get(),
            "concurrency": CONCURRENCY.get(),
            "json_mode": read(&JSON_MODE).filter(|mode| ["object", "none"].contains(&mode.as_str())).unwrap_or("schema".into()),
            "dimensions": (dimensions > 0).then_some(dimensions),
        }))
    }
}

/// Whether anything is judged or embedded.
pub fn is_on() -> bool {
    Kind::ALL.into_iter().any(Kind::is_configured)
}

/// What decides which events are candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// None: nothing is judged.
    pub judge_rate: Option<f64>,
    /// 0: nothing is embedded.
    pub embedding_rate: f64,
}

pub fn sampling() -> Sampling {
    Sampling {
        judge_rate: Kind::Judge.is_configured().then(|| SAMPLE_RATE.get()),
        embedding_rate: if Kind::Embedding.is_configured() { EMBEDDINGS_SAMPLE_RATE.get() } else { 0.0 },
    }
}

/// Seconds that a lease holds: an answer, its repair, and a wait for the turn of both.
pub fn lease_s() -> f64 {
    f64::from(TIMEOUT_MS.get()) / 1_000.0 * 4.0 + 10.0
}

pub fn budget_usd() -> f64 {
    BUDGET_USD.get()
}

/// Seconds without news of a trace.
pub fn quiet_s() -> f64 {
    f64::from(QUIET_S.get())
}

pub fn most_waiting() -> i64 {
    i64::from(MOST_WAITING.get())
}

pub fn max_tokens() -> i32 {
    MAX_TOKENS.get()
}
