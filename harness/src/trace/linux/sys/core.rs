//! Keeps a thread, and all that it starts, on one core.
//!
//! A stop costs about 9 µs where the tracer and its process share a core, and up to thirty times that where
//! one core must wake the other.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// How many threads have been put on each core, and are there still.
static TAKEN: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

/// A thread's place on a core. The next thread may take it when this is dropped.
#[derive(Debug)]
pub struct Place {
    core: usize,
}

/// Puts the calling thread on the core that has the fewest by now, of those that it may use. Does nothing
/// where the system does not tell or refuses: everything works without, only slower.
pub fn take_one() -> Option<Place> {
    let cores = usable()?;
    let place = {
        let mut taken = taken();
        let core = *cores.iter().min_by_key(|core| taken.get(*core).copied().unwrap_or(0))?;
        *taken.entry(core).or_default() += 1;
        Place { core }
    };
    // SAFETY: cpu_set_t is plain C, valid when zeroed, and local; the size passed is its own.
    unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(place.core, &mut one);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one);
    }
    Some(place)
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(number) = taken().get_mut(&self.core) {
            *number = number.saturating_sub(1);
        }
    }
}

fn taken() -> MutexGuard<'static, HashMap<usize, usize>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cores that the calling thread may use.
fn usable() -> Option<Vec<usize>> {
    // SAFETY: as above.
    let all = unsafe {
        let mut all: libc::cpu_set_t = std::mem::zeroed();
        let told = libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut all);
        (told == 0).then_some(all)
    }?;
    let bits = usize::try_from(libc::CPU_SETSIZE).unwrap_or(0);
    // SAFETY: the set is a local value, and the numbers are within its size.
    Some((0..bits).filter(|core| unsafe { libc::CPU_ISSET(*core, &all) }).collect())
}
