//! Tracing: what bytes found on a disk or a standard output turn out to be.

use std::sync::Arc;

use serde_json::Value;

use super::built_in::BuiltIn;
use super::canonical::{self, NotJson};
use super::{Catalogue, Library, Seal};
use crate::model::record::Sighting;

impl Library {
    /// Says what `bytes` are. Only a catalogue that is known in this run counts as whole.
    pub fn identify(&self, bytes: &[u8]) -> Sighting {
        let served = self.all();
        if let Some(catalogue) = served.iter().find(|catalogue| catalogue.body() == bytes) {
            return Sighting::Whole { serial: catalogue.serial(), exact: true };
        }
        if let Some(seen) = self.built_in().and_then(|built_in| built_in.is(bytes)) {
            return seen;
        }
        let verdict = match canonical::parse(bytes) {
            Ok(document) => self.certify(document),
            Err(error) => Err(not_json(bytes, &error)),
        };
        match verdict {
            Ok(catalogue) => Sighting::Whole { serial: catalogue.serial(), exact: false },
            Err(how) => damaged(bytes, how_it_was_torn(bytes, &served).unwrap_or(how)),
        }
    }

    /// Says what the catalogue is that a JSON object in `bytes` holds at the JSON pointer `pointer`
    /// (RFC 6901). It is exact where the bytes as served stand in the object verbatim.
    pub fn identify_at(&self, bytes: &[u8], pointer: &str) -> Sighting {
        if pointer.is_empty() {
            return self.identify(bytes);
        }
        let verdict = match canonical::parse(bytes) {
            Ok(mut document) => {
                let inside = document.pointer_mut(pointer).map(Value::take);
                let built_in = self.built_in().zip(inside.as_ref());
                if let Some(seen) = built_in.and_then(|(it, inside)| it.is_document(inside)) {
                    return seen;
                }
                inside
                    .ok_or_else(|| format!("JSON, but there is nothing at {pointer}"))
                    .and_then(|inside| self.certify(inside))
            }
            Err(error) => Err(not_json(bytes, &error)),
        };
        match verdict {
            Ok(catalogue) => {
                let body = catalogue.body();
                let exact = bytes.windows(body.len()).any(|window| window == body);
                Sighting::Whole { serial: catalogue.serial(), exact }
            }
            Err(how) => damaged(bytes, how),
        }
    }

    /// Says which catalogue has this SHA-256, which a client shows in hex instead of the bytes.
    pub fn identify_sha256(&self, hex: &str) -> Sighting {
        let hex = hex.trim();
        let served = self.all();
        if self.built_in().is_some_and(|built_in| built_in.has_sha256(hex)) {
            return BuiltIn::seen(true);
        }
        let found = served.iter().find(|catalogue| catalogue.sha256().eq_ignore_ascii_case(hex));
        match found {
            Some(catalogue) => Sighting::Whole { serial: catalogue.serial(), exact: true },
            None if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                damaged(hex.as_bytes(), "a SHA-256 that no served catalogue has".to_owned())
            }
            None => damaged(hex.as_bytes(), "not a SHA-256 in hex".to_owned()),
        }
    }

    /// Holds a document against the seal that it carries and against what was served.
    fn certify(&self, mut document: Value) -> Result<Arc<Catalogue>, String> {
        let Some(claimed) = Seal::take(&mut document) else {
            return Err("JSON, but no catalogue".to_owned());
        };
        let serial = claimed.serial;
        if Seal::over(serial, &document) != claimed {
            return Err(format!("a mixture: claims {serial}, but its checksum does not match"));
        }
        let Some(catalogue) = self.get(serial) else {
            return Err(format!("{serial}, which was never served in this run"));
        };
        if *catalogue.seal() != claimed {
            return Err(format!("{serial}, but that of another run"));
        }
        // A program leaves out every empty member of a name or none: where only some are gone, bytes are.
        let found = canonical::blanks(&document);
        for (name, expected) in &catalogue.blanks {
            let found = found.get(name).copied().unwrap_or(0);
            if found != 0 && found != *expected {
                return Err(format!("{serial} with {found} of its {expected} empty \"{name}\""));
            }
        }
        Ok(catalogue)
    }
}

/// Bytes at the end that make it worth saying which catalogue they come from; fewer prove nothing.
const SHORTEST_TAIL: usize = 16;

fn damaged(bytes: &[u8], how: String) -> Sighting {
    Sighting::Damaged { bytes: bytes.len() as u64, how }
}

fn not_json(bytes: &[u8], error: &NotJson) -> String {
    let claim = Seal::find(bytes).map(|seal| format!(", claims {}", seal.serial));
    format!("{error}{}", claim.unwrap_or_default())
}

/// Explains bytes that are made of served bytes: cut off, run on, holed, or two in one.
fn how_it_was_torn(bytes: &[u8], served: &[Arc<Catalogue>]) -> Option<String> {
    if bytes.is_empty() {
        return Some("empty".to_owned());
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(format!("{} zero bytes", bytes.len()));
    }
    let heads = served.iter().map(|catalogue| (common_prefix(bytes, catalogue.body()), catalogue));
    let (head, first) = heads.max_by_key(|(length, _)| *length)?;
    let (total, serial) = (first.body().len(), first.serial());
    if head == bytes.len() {
        let fits = served.iter().filter(|catalogue| catalogue.body().starts_with(bytes)).count();
        let which = if fits == 1 { serial.to_string() } else { "a catalogue".to_owned() };
        return Some(format!("cut off after {head} of {total} bytes of {which}"));
    }
    if head == total {
        return Some(format!("{serial}, followed by {} bytes too many", bytes.len() - total));
    }
    let tails = served.iter().map(|catalogue| (common_suffix(bytes, catalogue.body()), catalogue));
    let (tail, last) = tails.max_by_key(|(length, _)| *length)?;
    if head == 0 || tail < SHORTEST_TAIL || head + tail < bytes.len() {
        return None;
    }
    let (from, rest) = (last.serial(), bytes.len() - head);
    if from == serial {
        let missing = total.checked_sub(bytes.len()).filter(|missing| *missing > 0)?;
        return Some(format!("{serial} without {missing} of its bytes, from byte {head} on"));
    }
    Some(format!("a mixture: {head} bytes of {serial}, then {rest} bytes of {from}"))
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(l, r)| l == r).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    left.iter().rev().zip(right.iter().rev()).take_while(|(l, r)| l == r).count()
}
