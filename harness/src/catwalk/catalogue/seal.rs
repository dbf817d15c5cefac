//! The seal: a catalogue's number and checksum, as they stand in a provider's `api_endpoint`.

use sha2::{Digest, Sha256};

use serde_json::Value;

use super::canonical;
use super::hex;
use crate::model::units::Serial;

const BEFORE_SERIAL: &str = "https://mock.catwalk.invalid/catalogue/";
const BEFORE_CHECKSUM: &str = "/sha256/";
const AFTER_CHECKSUM: &str = "/v1";
const CHECKSUM_DIGITS: usize = 64;

/// The member of the first provider that carries the seal.
pub(super) const MEMBER: &str = "api_endpoint";

/// What a document says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The catalogue's number.
    pub serial: Serial,
    /// SHA-256 over the number and the canonical form of the document without its seal, in hex.
    pub checksum: String,
}

impl Seal {
    /// The seal that a document with this number and this content must carry.
    pub fn over(serial: Serial, unsealed: &Value) -> Self {
        let mut form = format!("cachestorm {serial}\n").into_bytes();
        canonical::write(unsealed, &mut form);
        Self { serial, checksum: hex(&Sha256::digest(&form)) }
    }

    /// The seal as the URL that stands in the document.
    pub(super) fn url(&self) -> String {
        let Self { serial, checksum } = self;
        format!("{BEFORE_SERIAL}{}{BEFORE_CHECKSUM}{checksum}{AFTER_CHECKSUM}", serial.0)
    }

    /// A URL of the right length for a checksum that is not known yet.
    pub(super) fn blank(serial: Serial) -> Self {
        Self { serial, checksum: "0".repeat(CHECKSUM_DIGITS) }
    }

    /// Takes the seal out of a document: what it claims, and everything else. `None` where it carries none.
    pub(super) fn take(document: &mut Value) -> Option<Self> {
        let first = document.as_array_mut()?.first_mut()?.as_object_mut()?;
        let Some(Value::String(url)) = first.remove(MEMBER) else { return None };
        Self::read(&url).filter(|(_, rest)| rest.is_empty()).map(|(seal, _)| seal)
    }

    /// The first seal that stands anywhere in `bytes`, which need not be JSON.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        text.match_indices(BEFORE_SERIAL)
            .find_map(|(at, _)| Self::read(&text[at..]))
            .map(|(s, _)| s)
    }

    fn read(text: &str) -> Option<(Self, &str)> {
        let (serial, rest) = text.strip_prefix(BEFORE_SERIAL)?.split_once(BEFORE_CHECKSUM)?;
        let (checksum, rest) = rest.split_at_checked(CHECKSUM_DIGITS)?;
        let rest = rest.strip_prefix(AFTER_CHECKSUM)?;
        let digits = checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
        let serial = serial.parse().ok().filter(|_| digits)?;
        Some((Self { serial: Serial(serial), checksum: checksum.to_owned() }, rest))
    }
}
