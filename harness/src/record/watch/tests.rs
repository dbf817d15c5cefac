//! The two ways to watch, told the same small history.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::model::client::{Files, LockKind, PublishedForm};
use crate::model::units::Serial;

/// How a directory is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    #[cfg(target_os = "linux")]
    Inotify,
    Polling,
}

const ALL: &[How] = &[
    #[cfg(target_os = "linux")]
    How::Inotify,
    How::Polling,
];

/// A watched directory, and what was told since the last look.
struct Scene {
    root: TempDir,
    watcher: Watcher,
    notices: mpsc::UnboundedReceiver<FileNotice>,
    planted: Planted,
    /// What is there, as far as was told.
    there: BTreeSet<PathBuf>,
}

impl Scene {
    fn new(how: How) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("cache");
        fs::create_dir(&dir).unwrap();
        let files = Files {
            published: "crush/p.json".into(),
            form: PublishedForm::Catalogue,
            locks: vec!["crush/*.lock".into()],
            lock_kind: LockKind::Advisory,
            temporaries: vec!["crush/*.tmp".into()],
            sidecars: Vec::new(),
            embedded: None,
        };
        let planted = Planted::default();
        let watched = Watched {
            dir: dir.clone(),
            roles: Roles::new(&files).unwrap(),
            identify: Arc::new(identify),
            planted: planted.clone(),
        };
        let (tell, notices) = mpsc::unbounded_channel();
        let watcher = match how {
            #[cfg(target_os = "linux")]
            How::Inotify => {
                let queue = inotify::Queue::new(&dir).unwrap();
                Watcher::by_inotify(queue, watched, tell).unwrap()
            }
            How::Polling => Watcher::by_polling(watched, tell).unwrap(),
        };
        Self { root, watcher, notices, planted, there: BTreeSet::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("cache").join(name)
    }

    /// Everything that was told until now, after which nothing that has happened is untold.
    async fn told(&mut self) -> Vec<FileNotice> {
        self.watcher.sync();
        let mut told = Vec::new();
        while let Ok(notice) = self.notices.try_recv() {
            self.take(&notice);
            told.push(notice);
        }
        told
    }

    fn take(&mut self, notice: &FileNotice) {
        let FileNotice::Changed { change, path, .. } = notice else { return };
        match change {
            Change::Removed => {
                self.there.remove(path);
            }
            Change::Renamed { from } => {
                self.there.remove(Path::new(from.as_deref().unwrap_or_default()));
                self.there.insert(path.clone());
            }
            Change::Created | Change::Written | Change::Touched => {
                self.there.insert(path.clone());
            }
        }
    }

    /// Checks that what was told of names is what is there, and what was told of the published file.
    async fn check(&mut self, step: &str, expected: &[Sighting]) {
        let told = self.told().await;
        let seen: Vec<Sighting> = told
            .iter()
            .filter_map(|notice| match notice {
                FileNotice::Published { sighting, .. } => Some(sighting.clone()),
                FileNotice::Changed { .. } => None,
                other => panic!("{step}: {other:?}"),
            })
            .collect();
        assert_eq!(seen, expected, "{step}");
        let there = found_below(&self.path("")).unwrap().into_iter().map(|found| found.path);
        assert_eq!(self.there, there.collect(), "{step}");
    }
}

/// Whole catalogues are `1`, `2` ... here, and everything else is damaged.
fn identify(bytes: &[u8]) -> Sighting {
    match std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()) {
        Some(serial) => Sighting::Whole { serial: Serial(serial), exact: true },
        None => Sighting::Damaged { bytes: bytes.len() as u64, how: "odd".into() },
    }
}

fn whole(serial: u32) -> Sighting {
    Sighting::Whole { serial: Serial(serial), exact: true }
}

fn check(body: impl AsyncFn(Scene)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for how in ALL {
        runtime.block_on(body(Scene::new(*how)));
    }
}

#[test]
fn both_tell_at_every_sync_what_is_there_and_what_is_published() {
    check(async |mut scene| {
        scene.check("nothing yet", &[]).await;
        fs::create_dir(scene.path("crush")).unwrap();
        scene.check("a folder", &[]).await;
        fs::write(scene.path("crush/x.tmp"), "1").unwrap();
        scene.check("a temporary", &[]).await;
        fs::rename(scene.path("crush/x.tmp"), scene.path("crush/p.json")).unwrap();
        scene.check("a publication", &[whole(1)]).await;
        fs::create_dir(scene.path("crush/p.lock")).unwrap();
        scene.check("a lock that is a folder", &[]).await;
        fs::write(scene.path("crush/y.tmp"), "2").unwrap();
        fs::rename(scene.path("crush/y.tmp"), scene.path("crush/p.json")).unwrap();
        fs::remove_dir(scene.path("crush/p.lock")).unwrap();
        scene.check("another publication", &[whole(2)]).await;
        fs::remove_file(scene.path("crush/p.json")).unwrap();
        scene.check("a removal", &[Sighting::Absent]).await;
        fs::rename(scene.path("crush"), scene.root.path().join("elsewhere")).unwrap();
        scene.check("the folder is gone", &[]).await;
    });
}

#[test]
fn both_tell_a_new_time_of_the_same_bytes() {
    check(async |mut scene| {
        fs::create_dir(scene.path("crush")).unwrap();
        fs::write(scene.path("crush/p.json"), "1").unwrap();
        scene.told().await;
        let file = fs::File::options().write(true).open(scene.path("crush/p.json")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(9)).unwrap();
        drop(file);
        let told = scene.told().await;
        let seen = told.iter().find_map(|notice| match notice {
            FileNotice::Published { sighting, modified_ms, .. } => Some((sighting, *modified_ms)),
            _ => None,
        });
        assert_eq!(seen, Some((&whole(1), Some(9000))), "{told:?}");
    });
}

#[test]
fn both_know_what_the_harness_planted() {
    check(async |mut scene| {
        fs::create_dir(scene.path("crush")).unwrap();
        let staged = scene.root.path().join("staged");
        fs::write(&staged, "garbage").unwrap();
        scene.planted.add(FileId::of(&staged.metadata().unwrap()));
        fs::rename(&staged, scene.path("crush/p.json")).unwrap();
        scene.check("planted", &[Sighting::Planted]).await;
        fs::write(scene.path("crush/p.json"), "rubbish").unwrap();
        let last = scene.told().await.into_iter().rev().find_map(|notice| match notice {
            FileNotice::Published { sighting, .. } => Some(sighting),
            _ => None,
        });
        assert_eq!(last, Some(identify(b"rubbish")), "the same bytes from a client are damage");
    });
}

#[test]
fn a_history_before_the_watch_knows_of_its_folder_is_told() {
    check(async |mut scene| {
        // Deep folders appear faster than they can be watched.
        fs::create_dir_all(scene.path("a/b/c.lock")).unwrap();
        fs::write(scene.path("a/b/file"), "").unwrap();
        fs::create_dir_all(scene.path("crush")).unwrap();
        fs::write(scene.path("crush/p.json"), "1").unwrap();
        let told = scene.told().await;
        let last = told.iter().rev().find_map(|notice| match notice {
            FileNotice::Published { sighting, .. } => Some(sighting.clone()),
            _ => None,
        });
        assert_eq!(last, Some(whole(1)));
        let there = found_below(&scene.path("")).unwrap().into_iter().map(|found| found.path);
        assert_eq!(scene.there, there.collect());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn inotify_tells_each_change_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut scene = Scene::new(How::Inotify);
        fs::create_dir(scene.path("crush")).unwrap();
        scene.told().await;
        fs::write(scene.path("crush/x.tmp"), "1").unwrap();
        fs::rename(scene.path("crush/x.tmp"), scene.path("crush/p.json")).unwrap();
        fs::write(scene.path("crush/p.lock"), "").unwrap();
        fs::remove_file(scene.path("crush/p.lock")).unwrap();
        fs::rename(scene.path("crush/p.json"), scene.root.path().join("out")).unwrap();
        let told: Vec<_> = scene
            .told()
            .await
            .into_iter()
            .filter_map(|notice| match notice {
                FileNotice::Changed { change, path, role, .. } => {
                    Some((change, path.to_str().unwrap().to_owned(), role))
                }
                _ => None,
            })
            .collect();
        let event = |change, path: &str, role| (change, path.to_owned(), role);
        let (temp, published, lock) = ("crush/x.tmp", "crush/p.json", "crush/p.lock");
        let expected = [
            event(Change::Created, temp, Role::Temp),
            event(Change::Written, temp, Role::Temp),
            event(Change::Renamed { from: Some(temp.into()) }, published, Role::Published),
            event(Change::Created, lock, Role::Lock),
            event(Change::Written, lock, Role::Lock),
            event(Change::Removed, lock, Role::Lock),
            event(Change::Removed, published, Role::Published),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_lack_of_descriptors_is_no_finding_about_a_file() {
    let shortage = |code| eye::is_shortage(&io::Error::from_raw_os_error(code));
    assert!([libc::EMFILE, libc::ENFILE, libc::ENOMEM].into_iter().all(shortage));
    assert!(![libc::EACCES, libc::ENOENT, libc::EISDIR, libc::EIO].into_iter().any(shortage));
}
