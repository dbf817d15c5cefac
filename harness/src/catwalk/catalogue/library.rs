//! The catalogues that one server has served so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Catalogue;
use crate::model::units::{ByteSize, Serial};

/// The catalogues of one run: the current one and all before it. A clone is another handle on the
/// same library, for any thread.
#[derive(Debug, Clone)]
pub struct Library(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    size: ByteSize,
    served: Mutex<Vec<Arc<Catalogue>>>,
}

impl Library {
    /// A library whose current catalogue has the number 1. All catalogues have `size` bytes, which is
    /// brought between [`super::SMALLEST`] and [`super::LARGEST`] first.
    pub fn new(size: ByteSize) -> Self {
        let first = Catalogue::shared(Serial(1), size);
        Self(Arc::new(Shelf { size, served: Mutex::new(vec![first]) }))
    }

    /// Makes the next catalogue the current one, and tells its number.
    pub fn bump(&self) -> Serial {
        let mut served = self.served();
        let next = Serial(served.last().map_or(1, |current| current.serial().0 + 1));
        served.push(Catalogue::shared(next, self.0.size));
        next
    }

    /// The current catalogue.
    pub fn current(&self) -> Arc<Catalogue> {
        Arc::clone(self.served().last().expect("a library is never empty"))
    }

    /// The catalogue that will be the current one after the next bump. It has not been served.
    pub fn next(&self) -> Arc<Catalogue> {
        Catalogue::shared(Serial(self.serial().0.saturating_add(1)), self.0.size)
    }

    /// The number of the current catalogue.
    pub fn serial(&self) -> Serial {
        self.current().serial()
    }

    /// A catalogue of this run by its number; `None` for one that has not been current yet.
    pub fn get(&self, serial: Serial) -> Option<Arc<Catalogue>> {
        let index = usize::try_from(serial.0).ok()?.checked_sub(1)?;
        self.served().get(index).cloned()
    }

    /// Every catalogue that has been current, oldest first.
    pub fn all(&self) -> Vec<Arc<Catalogue>> {
        self.served().clone()
    }

    fn served(&self) -> MutexGuard<'_, Vec<Arc<Catalogue>>> {
        self.0.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
