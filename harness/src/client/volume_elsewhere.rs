//! Where there are no namespaces, there is no disk of its own for the cache directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The namespaces of a volume; there are none.
#[derive(Debug)]
pub enum Namespace {}

impl Namespace {
    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn join(&self) -> io::Result<()> {
        match *self {}
    }
}

/// A mounted disk; there is none.
#[derive(Debug)]
pub enum Volume {}

impl Volume {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn mount(_: &Path, _: u64) -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Never called.
    pub fn namespace(&self) -> Arc<Namespace> {
        match *self {}
    }

    /// Never called.
    pub fn view(&self) -> PathBuf {
        match *self {}
    }

    /// Never called.
    pub fn seen_by_clients(&self, _: &Path) -> PathBuf {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn set_read_only(&self, _: bool) -> io::Result<()> {
        match *self {}
    }
}

/// Whether such a disk can be had on this machine.
///
/// # Errors
/// Why not, in half a sentence.
pub fn available() -> Result<(), String> {
    Err("a disk of its own for the cache directory needs Linux".to_owned())
}
