//! The text of a catalogue: providers and models as the real Catwalk lists them.
//!
//! Only members that the real server's `Provider` and `Model` types have are used. A client that
//! reads into such types and writes them out again would lose any other, and with it the checksum.
//! Prices depend on the catalogue's number, so that two catalogues differ from end to end.

use std::fmt::Write;
use std::sync::LazyLock;

use super::canonical::{self, Blanks};
use super::seal::Seal;
use crate::model::units::Serial;

/// Name, id, type and host of each provider, in the order in which they are listed.
const PROVIDERS: [(&str, &str, &str, &str); 20] = [
    ("OpenAI", "openai", "openai", "api.openai.com"),
    ("Anthropic", "anthropic", "anthropic", "api.anthropic.com"),
    ("Google Gemini", "gemini", "google", "generativelanguage.googleapis.com"),
    ("Azure OpenAI", "azure", "azure", "azure.example"),
    ("AWS Bedrock", "bedrock", "bedrock", "bedrock.example"),
    ("Google Vertex AI", "vertexai", "google-vertex", "vertex.example"),
    ("xAI", "xai", "openai-compat", "api.x.ai"),
    ("Z.AI", "zai", "openai-compat", "api.z.ai"),
    ("Groq", "groq", "openai-compat", "api.groq.com"),
    ("OpenRouter", "openrouter", "openrouter", "openrouter.ai"),
    ("Cerebras", "cerebras", "openai-compat", "api.cerebras.ai"),
    ("Venice AI", "venice", "openai-compat", "api.venice.ai"),
    ("Chutes", "chutes", "openai-compat", "llm.chutes.ai"),
    ("DeepSeek", "deepseek", "openai-compat", "api.deepseek.com"),
    ("Hugging Face", "huggingface", "openai-compat", "router.huggingface.co"),
    ("AIHubMix", "aihubmix", "openai-compat", "aihubmix.com"),
    ("Kimi Coding", "kimi-coding", "anthropic", "api.kimi.com"),
    ("GitHub Copilot", "copilot", "openai-compat", "api.githubcopilot.com"),
    ("Vercel", "vercel", "vercel", "ai-gateway.vercel.sh"),
    ("Synthetic", "synthetic", "openai-compat", "api.synthetic.new"),
];

const FAMILIES: [(&str, &str); 8] = [
    ("aurora", "Aurora"),
    ("boreal", "Boreal"),
    ("cinder", "Cinder"),
    ("delta-coder", "Delta Coder"),
    ("ember", "Ember"),
    ("fathom", "Fathom"),
    ("granite-vision", "Granite Vision"),
    ("harbour", "Harbour"),
];
const GRADES: [(&str, &str); 4] =
    [("pro", "Pro"), ("mini", "Mini"), ("flash", "Flash"), ("max", "Max")];
const CONTEXT_WINDOWS: [u32; 5] = [32_768, 128_000, 131_072, 200_000, 1_048_576];
const FILLER: &str =
    "Providers and models for coding agents, with prices in dollars per million tokens. ";

/// Bytes of body for which one more provider is listed.
const BYTES_PER_PROVIDER: usize = 4 << 10;

pub(super) struct Document {
    pub bytes: Vec<u8>,
    pub blanks: Blanks,
    pub seal: Seal,
}

/// Builds catalogue `serial` with exactly `size` bytes.
pub(super) fn build(serial: Serial, size: usize) -> Document {
    let blank = Seal::blank(serial);
    let mut text = compose(serial, size, &blank);
    let mut content = canonical::parse(text.as_bytes()).expect("the document is JSON");
    let claimed = Seal::take(&mut content);
    debug_assert_eq!(claimed.as_ref(), Some(&blank));
    let seal = Seal::over(serial, &content);
    let url = blank.url();
    let at = text.find(&url).expect("the blank seal stands in the document");
    text.replace_range(at..at + url.len(), &seal.url());
    Document { bytes: text.into_bytes(), blanks: canonical::blanks(&content), seal }
}

fn compose(serial: Serial, size: usize, seal: &Seal) -> String {
    let count = (1 + size / BYTES_PER_PROVIDER).clamp(2, PROVIDERS.len());
    let heads: Vec<String> = (0..count).map(|provider| head(provider, seal)).collect();
    let tails: Vec<String> =
        (0..count).map(|provider| tail(provider + 1 == count, serial, 0)).collect();
    let frame = "[]".len() + (count - 1) * ",".len();
    let mut used = frame + heads.iter().chain(&tails).map(String::len).sum::<usize>();

    let mut models = vec![String::new(); count];
    for index in 0.. {
        let (provider, nth) = (index % count, index / count);
        let before = models[provider].len();
        if nth > 0 {
            models[provider].push(',');
        }
        write_model(&mut models[provider], serial, provider, nth);
        let added = models[provider].len() - before;
        if used + added > size {
            models[provider].truncate(before);
            break;
        }
        used += added;
    }

    let mut text = String::with_capacity(size);
    for provider in 0..count {
        text.push(if provider == 0 { '[' } else { ',' });
        text.push_str(&heads[provider]);
        text.push_str(&models[provider]);
        if provider + 1 == count {
            text.push_str(&tail(true, serial, size - used));
        } else {
            text.push_str(&tails[provider]);
        }
    }
    text.push(']');
    text
}

/// A provider up to its first model.
fn head(provider: usize, seal: &Seal) -> String {
    let (name, id, kind, host) = PROVIDERS[provider];
    let endpoint = if provider == 0 { seal.url() } else { format!("https://{host}/v1") };
    let key = id.to_uppercase().replace('-', "_");
    let (large, small) = (model_id(provider, 0), model_id(provider, 1));
    format!(
        r#"{{"name":"{name}","id":"{id}","api_key":"${key}_API_KEY","{}":"{endpoint}","type":"{kind}","default_large_model_id":"{large}","default_small_model_id":"{small}","models":["#,
        super::seal::MEMBER
    )
}

/// What follows a provider's last model. In the last provider it ends with the catalogue's number,
/// so that no end of one catalogue fits another, and `filler` bytes bring the document to its size.
fn tail(last: bool, serial: Serial, filler: usize) -> String {
    if !last {
        return "]}".to_owned();
    }
    let filler: String = FILLER.chars().cycle().take(filler).collect();
    format!(
        r#"],"default_headers":{{"HTTP-Referer":"https://mock.catwalk.invalid/","X-Title":"{filler}{serial}"}}}}"#
    )
}

fn model_id(provider: usize, nth: usize) -> String {
    let (family, grade) = (FAMILIES[(provider + nth / 4) % 8].0, GRADES[nth % 4].0);
    format!("{family}-{}.{}-{grade}", 1 + nth / 32, provider % 10)
}

fn write_model(out: &mut String, serial: Serial, provider: usize, nth: usize) {
    let id = model_id(provider, nth);
    let (family, grade) = (FAMILIES[(provider + nth / 4) % 8].1, GRADES[nth % 4].1);
    let version = 1 + nth / 32;
    let dice = mix(serial, provider, nth);
    let input = price(dice);
    let output = price(dice >> 8);
    // Each value that a program may leave out occurs more than once, so that the loss of a single one
    // shows. Now and then a price that Go and JavaScript write as 0.000001, and Python as 1e-06.
    let cached_in = if (provider + nth) % 7 == 3 { "0.000001" } else { price(dice >> 16) };
    let cached_out = if (provider + nth).is_multiple_of(3) { "0" } else { price(dice >> 24) };
    let context = CONTEXT_WINDOWS[nth % CONTEXT_WINDOWS.len()];
    let reasons = (provider + nth).is_multiple_of(2);
    let levels = if reasons {
        r#""reasoning_levels":["low","medium","high"],"default_reasoning_effort":"medium","#
    } else {
        ""
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        r#"{{"id":"{id}","name":"{family} {version} {grade}","cost_per_1m_in":{input},"cost_per_1m_out":{output},"cost_per_1m_in_cached":{cached_in},"cost_per_1m_out_cached":{cached_out},"context_window":{context},"default_max_tokens":{},"can_reason":{reasons},{levels}"supports_attachments":{},"options":{{}}}}"#,
        context / 8,
        nth.is_multiple_of(3),
    );
}

/// A price in dollars from 0.01 to 5.12, as a decimal without trailing zeros.
fn price(dice: u64) -> &'static str {
    static PRICES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let decimal = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        (1..=512).map(|cents| short(decimal(cents))).collect()
    });
    &PRICES[(dice % 512) as usize]
}

/// Spreads its arguments over 64 bits (the finaliser of SplitMix64, Steele et al., OOPSLA 2014).
fn mix(serial: Serial, provider: usize, nth: usize) -> u64 {
    let mut z = (u64::from(serial.0) << 40) ^ ((provider as u64) << 20) ^ nth as u64;
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
