//! The directories of a run, made anew: where clients run, and what the cache directory lies on.

use std::fs;
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::service;
use crate::client::needs::{packages, printed};
use crate::client::prepare::Surroundings;
use crate::client::process::NOBODY;
use crate::client::volume::Volume;
use crate::engine::{EngineError, RunSpec};
use crate::inject::disk::{Disk, Innocents};
use crate::model::units::Span;
use crate::record::roles::Roles;
use crate::record::watch::Planted;

/// Makes the directories below `work`, and the disk that the scenario asks for.
///
/// # Errors
/// When the system refuses.
pub fn make(spec: &RunSpec, ttl: Span) -> Result<Disk, EngineError> {
    let (home, tmp) = (fresh(spec, "home")?, fresh(spec, "tmp")?);
    let catalogue_file = fresh(spec, "handed")?.join("catalogue.json");
    let cache = Cache::make(spec)?;
    // Who becomes another user must own what it writes to.
    let is_root = geteuid().is_root();
    let ordinary = spec.scenario.clients.under.user.is_some();
    if is_root && ordinary {
        for dir in [&cache.dir, &home, &tmp] {
            chown(dir, Some(NOBODY), Some(NOBODY))
                .map_err(EngineError::system(format!("give {} away", dir.display())))?;
        }
    }
    let files = &spec.client.files;
    let wildcard = |glob: &&String| !glob.contains(['*', '?', '[', '{']);
    Ok(Disk {
        surroundings: Surroundings {
            cache_dir: cache.seen_by_clients,
            published: cache.dir.join(&files.published),
            home,
            tmp,
            catalogue_file,
            client_dir: spec.client_dir.clone(),
            packages: packages(&spec.client.name),
            needs: printed(&spec.client, &spec.client_dir),
            cache_client: spec.cache_client.clone(),
            ttl,
            patience: spec.scenario.clients.patience,
            ports: service::ports(&spec.client)
                .map_err(EngineError::system("find a free port for a service"))?,
        },
        dir: cache.dir,
        volume: cache.volume,
        permissions_bind: !is_root || ordinary,
        temporary: files.planted_temporary().map(PathBuf::from),
        innocents: Innocents::default(),
        roles: Roles::new(files)?,
        lock: files.locks.iter().find(wildcard).map(PathBuf::from),
        staging: cache.staging,
        planted: Planted::default(),
    })
}

/// The cache directory and what it lies on.
struct Cache {
    /// As the harness sees it.
    dir: PathBuf,
    /// On the same disk.
    staging: PathBuf,
    seen_by_clients: PathBuf,
    volume: Option<Volume>,
}

impl Cache {
    fn make(spec: &RunSpec) -> Result<Self, EngineError> {
        let disk = spec.scenario.disk;
        let mut cache = match disk.size {
            None => {
                let dir = fresh(spec, "cache")?;
                let staging = fresh(spec, "staging")?;
                Self { seen_by_clients: dir.clone(), dir, staging, volume: None }
            }
            Some(size) => {
                let at = fresh(spec, "volume")?;
                let volume = Volume::mount(&at, size.0)
                    .map_err(EngineError::system("make a disk for the cache directory"))?;
                let (dir, staging) = (volume.view().join("cache"), volume.view().join("staging"));
                for folder in [&dir, &staging] {
                    fs::create_dir(folder).map_err(create(folder))?;
                }
                let seen_by_clients = at.join("cache");
                Self { dir, staging, seen_by_clients, volume: Some(volume) }
            }
        };
        if disk.linked {
            let link = fresh(spec, "links")?.join("cache");
            symlink(&cache.seen_by_clients, &link).map_err(create(&link))?;
            cache.seen_by_clients = link;
        }
        Ok(cache)
    }
}

/// An empty directory below `work`, by its whole path: clients run elsewhere. What an earlier run of the same
/// name has left would be judged as this run's: names repeat where they hold a process id, as in a
/// container that always starts alike.
fn fresh(spec: &RunSpec, name: &str) -> Result<PathBuf, EngineError> {
    let path = spec.work.join(name);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(EngineError::system(format!("empty {}", path.display()))(error));
        }
        _ => {}
    }
    fs::create_dir_all(&path).map_err(create(&path))?;
    path.canonicalize().map_err(EngineError::system(format!("resolve {}", path.display())))
}

fn create(path: &Path) -> impl FnOnce(io::Error) -> EngineError + use<> {
    EngineError::system(format!("create {}", path.display()))
}
