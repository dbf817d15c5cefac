//! Numbered catalogues that certify themselves: any bytes can be traced to the one they came from.
//!
//! A catalogue is a document as `/v2/providers` of the real Catwalk serves it. Its number and a
//! SHA-256 over a canonical form of everything else stand in the first provider's `api_endpoint`,
//! where every client keeps them without knowing. So a torn mix of two catalogues is found out even
//! where it happens to parse as JSON, and a client that writes the same JSON anew is not accused.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use hyper::body::Bytes;
use sha2::{Digest, Sha256};

use super::etag;
use crate::model::scenario::EtagMode;
use crate::model::units::{ByteSize, Serial};

mod built_in;
pub mod canonical;
mod document;
mod library;
mod seal;
mod trace;

use canonical::Blanks;
pub use library::Library;
pub use seal::Seal;

/// The smallest body that a [`Catalogue`] can be asked for.
pub const SMALLEST: ByteSize = ByteSize(4 << 10);
/// The largest body that a [`Catalogue`] can be asked for.
pub const LARGEST: ByteSize = ByteSize(2 << 20);

/// Bytes of catalogues that [`Catalogue::shared`] keeps before it forgets them all.
const CACHED_BYTES: usize = 64 << 20;

/// One catalogue as it is served.
#[derive(Debug)]
pub struct Catalogue {
    serial: Serial,
    body: Bytes,
    seal: Seal,
    blanks: Blanks,
    sha256: String,
    etag: String,
    indented_etag: OnceLock<String>,
}

impl Catalogue {
    /// Builds catalogue `serial`, whose compact JSON has exactly `size` bytes. The size is brought
    /// between [`SMALLEST`] and [`LARGEST`] first. The same arguments give the same bytes, always.
    pub fn new(serial: Serial, size: ByteSize) -> Self {
        let size = size.clamp(SMALLEST, LARGEST);
        let document = document::build(serial, usize::try_from(size.0).unwrap_or(usize::MAX));
        let sha256 = hex(&Sha256::digest(&document.bytes));
        Self {
            serial,
            etag: etag::of_digest(&sha256),
            sha256,
            seal: document.seal,
            blanks: document.blanks,
            body: Bytes::from(document.bytes),
            indented_etag: OnceLock::new(),
        }
    }

    /// The same as [`Catalogue::new`], from a cache that the whole process shares.
    pub fn shared(serial: Serial, size: ByteSize) -> Arc<Self> {
        type Shelf = HashMap<(Serial, ByteSize), Arc<Catalogue>>;
        static SHELF: LazyLock<Mutex<Shelf>> = LazyLock::new(Mutex::default);
        let mut shelf = SHELF.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = shelf.get(&(serial, size)) {
            return Arc::clone(found);
        }
        if shelf.values().map(|kept| kept.body.len()).sum::<usize>() > CACHED_BYTES {
            shelf.clear();
        }
        let built = Arc::new(Self::new(serial, size));
        shelf.insert((serial, size), Arc::clone(&built));
        built
    }

    /// The catalogue's number.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// The bytes as served: compact JSON.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The number and checksum that the document carries.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The SHA-256 of the bytes as served, in lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The value of the `ETag` header, with its quotes; `None` where the server sends none.
    pub fn etag(&self, mode: EtagMode) -> Option<&str> {
        match mode {
            EtagMode::Served => Some(&self.etag),
            EtagMode::Indented => Some(self.indented_etag.get_or_init(|| {
                etag::of_digest(&hex(&Sha256::digest(canonical::indent(&self.body))))
            })),
            EtagMode::Absent => None,
        }
    }
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
