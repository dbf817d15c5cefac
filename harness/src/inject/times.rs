//! The actions on the times of files: what a clock, or the lack of a good one, does to a cache.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::disk::{Disk, DiskError, io_error, set_mtime};
use crate::model::record::Role;
use crate::record::watch::FileId;

/// What is added to a TTL so that an aged cache is beyond doubt too old.
pub const AGE_MARGIN: Duration = Duration::from_secs(1);

impl Disk {
    /// By how much a cache is made older so that its window has ended.
    pub fn age_by(&self) -> Duration {
        self.surroundings.ttl.0 + AGE_MARGIN
    }

    /// Moves the modification times of the published file and its sidecars into the past.
    ///
    /// # Errors
    /// When nothing is published, or the system refuses.
    pub fn age_mtimes(&self, by: Duration) -> Result<(), DiskError> {
        self.date(|modified| modified.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Moves the same times ahead, as a clock that is set back leaves them.
    ///
    /// # Errors
    /// As [`Disk::age_mtimes`].
    pub fn clock_back(&self, by: Duration) -> Result<(), DiskError> {
        self.date(|modified| modified.checked_add(by).unwrap_or(modified))
    }

    /// Moves the same times back to a whole multiple of `grain`, as a file system with coarse times has them.
    ///
    /// # Errors
    /// As [`Disk::age_mtimes`].
    pub fn coarse_times(&self, grain: Duration) -> Result<(), DiskError> {
        self.date(|modified| rounded_down(modified, grain))
    }

    fn date(&self, change: impl Fn(SystemTime) -> SystemTime) -> Result<(), DiskError> {
        let published: Vec<PathBuf> = self
            .files()?
            .into_iter()
            .filter(|(_, role)| matches!(role, Role::Published | Role::Sidecar))
            .map(|(path, _)| self.dir.join(path))
            .collect();
        if published.is_empty() {
            return Err(DiskError::Nothing("nothing is published that could be aged".to_owned()));
        }
        for path in published {
            let metadata = path.metadata().map_err(io_error("stat", &path))?;
            let dated = change(metadata.modified().map_err(io_error("stat", &path))?);
            let id = FileId::of(&metadata);
            if self.planted.contains(id) {
                // What the harness has planted stays its own when it dates it anew.
                self.planted.add(id.dated(dated));
            }
            set_mtime(&path, dated).map_err(io_error("date", &path))?;
        }
        Ok(())
    }
}

fn rounded_down(time: SystemTime, grain: Duration) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let rest = since.checked_rem(grain.as_nanos()).unwrap_or(0);
    time - Duration::from_nanos(u64::try_from(rest).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_down_to_a_grain() {
        let check = |nanos: u64, grain: u64, expected: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
            let rounded = rounded_down(time, Duration::from_secs(grain));
            assert_eq!(rounded, SystemTime::UNIX_EPOCH + Duration::from_secs(expected));
        };
        check(5_999_999_999, 1, 5);
        check(5_999_999_999, 2, 4);
        check(6_000_000_000, 2, 6);
    }
}
