//! The catalogue that is built into a client: no seal of ours is in it, so it is known by its bytes alone.

use hyper::body::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{canonical, hex};
use crate::model::record::Sighting;
use crate::model::units::Serial;

/// The catalogue that is built into a client.
#[derive(Debug)]
pub(super) struct BuiltIn {
    bytes: Bytes,
    /// Its canonical form; none where it is no JSON.
    form: Option<Vec<u8>>,
    sha256: String,
}

impl BuiltIn {
    pub(super) fn new(bytes: Bytes) -> Self {
        let form = canonical::parse(&bytes).ok().map(|document| form(&document));
        Self { form, sha256: hex(&Sha256::digest(&bytes)), bytes }
    }

    /// What these bytes are, if they are it.
    pub(super) fn is(&self, bytes: &[u8]) -> Option<Sighting> {
        if self.bytes == bytes {
            return Some(Self::seen(true));
        }
        canonical::parse(bytes).ok().and_then(|document| self.is_document(&document))
    }

    /// What this document is, if it is it.
    pub(super) fn is_document(&self, document: &Value) -> Option<Sighting> {
        (self.form.as_ref() == Some(&form(document))).then(|| Self::seen(false))
    }

    /// Whether it has this SHA-256, in hex.
    pub(super) fn has_sha256(&self, hex: &str) -> bool {
        self.sha256.eq_ignore_ascii_case(hex)
    }

    pub(super) fn seen(exact: bool) -> Sighting {
        Sighting::Whole { serial: Serial::EMBEDDED, exact }
    }
}

fn form(document: &Value) -> Vec<u8> {
    let mut form = Vec::new();
    canonical::write(document, &mut form);
    form
}
