//! The catalogues that are known in one run: what the server has served, and what clients have otherwise.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

use super::Catalogue;
use super::built_in::BuiltIn;
use crate::model::units::{ByteSize, Serial};

/// The catalogues of one run: the current one, all before it, those that were handed to clients in files, and
/// the one that is built into the client. A clone is another handle on the same library, for any thread.
#[derive(Debug, Clone)]
pub struct Library(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    size: ByteSize,
    built_in: Option<BuiltIn>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// In order of their numbers, from 1.
    all: Vec<Arc<Catalogue>>,
    /// The index of the current one. Those after it were handed out and never served.
    current: usize,
    /// The index of the one that was before it.
    previous: Option<usize>,
}

impl Known {
    fn last(&self) -> Serial {
        self.all.last().expect("a library is never empty").serial()
    }

    fn add(&mut self, size: ByteSize) -> Arc<Catalogue> {
        let next = Catalogue::shared(Serial(self.last().0.saturating_add(1)), size);
        self.all.push(Arc::clone(&next));
        next
    }
}

impl Library {
    /// A library whose current catalogue has the number 1. All catalogues have `size` bytes, which is
    /// brought between [`super::SMALLEST`] and [`super::LARGEST`] first.
    pub fn new(size: ByteSize) -> Self {
        Self::beside(size, None)
    }

    /// The same with the bytes of the catalogue that is built into the client, where they are known.
    pub fn beside(size: ByteSize, built_in: Option<Bytes>) -> Self {
        let first = Catalogue::shared(Serial(1), size);
        let known = Mutex::new(Known { all: vec![first], current: 0, previous: None });
        Self(Arc::new(Shelf { size, built_in: built_in.map(BuiltIn::new), known }))
    }

    /// Makes the next catalogue the current one, and tells its number.
    pub fn bump(&self) -> Serial {
        let mut known = self.known();
        let next = known.add(self.0.size);
        known.previous = Some(known.current);
        known.current = known.all.len() - 1;
        next.serial()
    }

    /// A catalogue newer than all before, which is never the current one: it is handed to clients in a file.
    pub fn hand_out(&self) -> Arc<Catalogue> {
        self.known().add(self.0.size)
    }

    /// The current catalogue.
    pub fn current(&self) -> Arc<Catalogue> {
        let known = self.known();
        Arc::clone(&known.all[known.current])
    }

    /// The one that was current before it; `None` where none was.
    pub fn previous(&self) -> Option<Arc<Catalogue>> {
        let known = self.known();
        known.previous.map(|previous| Arc::clone(&known.all[previous]))
    }

    /// The catalogue that will be the current one after the next bump. It has not been served.
    pub fn next(&self) -> Arc<Catalogue> {
        Catalogue::shared(Serial(self.known().last().0.saturating_add(1)), self.0.size)
    }

    /// The number of the current catalogue.
    pub fn serial(&self) -> Serial {
        self.current().serial()
    }

    /// A catalogue of this run by its number; `None` for one that is not known yet, and for the one that is
    /// built in.
    pub fn get(&self, serial: Serial) -> Option<Arc<Catalogue>> {
        let index = usize::try_from(serial.0).ok()?.checked_sub(1)?;
        self.known().all.get(index).cloned()
    }

    /// Every catalogue that has been current or was handed out, oldest first.
    pub fn all(&self) -> Vec<Arc<Catalogue>> {
        self.known().all.clone()
    }

    /// The one that is built into the client.
    pub(super) fn built_in(&self) -> Option<&BuiltIn> {
        self.0.built_in.as_ref()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
