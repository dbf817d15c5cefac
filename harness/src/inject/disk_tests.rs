//! Files are planted, removed and aged in a real directory.

use tempfile::TempDir;

use super::*;
use crate::model::client::{Files, LockKind, PublishedForm};
use crate::model::scenario::Chmod;
use crate::model::units::Span;
use std::os::unix::fs::PermissionsExt;

const CATALOGUE: &[u8] = b"[the whole catalogue]";
const TTL: Duration = Duration::from_secs(3600);

/// A cache directory of a client whose locks are a file and a folder.
fn place() -> (TempDir, Disk) {
    let root = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let path = root.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let files = Files {
        published: "crush/providers.json".into(),
        form: PublishedForm::Catalogue,
        locks: vec!["crush/*.lock".into(), "crush/lock.d".into()],
        lock_kind: LockKind::Existence,
        temporaries: vec!["crush/*.tmp".into()],
        sidecars: vec!["crush/*.etag".into()],
        embedded: None,
    };
    let dir = make("cache");
    let disk = Disk {
        surroundings: Surroundings {
            cache_dir: dir.clone(),
            published: dir.join(&files.published),
            home: make("home"),
            tmp: make("tmp"),
            catalogue_file: "/handed".into(),
            client_dir: "/".into(),
            packages: "/".into(),
            needs: std::collections::BTreeMap::new(),
            cache_client: Vec::new(),
            ports: std::collections::BTreeMap::new(),
            ttl: Span(TTL),
            patience: Span(TTL),
        },
        dir,
        volume: None,
        permissions_bind: !rustix::process::geteuid().is_root(),
        temporary: files.planted_temporary().map(PathBuf::from),
        innocents: Innocents::default(),
        roles: Roles::new(&files).unwrap(),
        lock: Some("crush/p.lock".into()),
        staging: make("staging"),
        planted: Planted::default(),
    };
    (root, disk)
}

fn plant(path: &str, content: Content, mtime: Mtime) -> Plant {
    Plant { path: path.into(), content, mtime }
}

fn write(disk: &Disk, path: &str, bytes: &[u8]) {
    let path = disk.dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn read(disk: &Disk, path: &str) -> Vec<u8> {
    fs::read(disk.dir.join(path)).unwrap()
}

/// How old a file is; negative where it is from the future.
fn age(disk: &Disk, path: &str) -> i64 {
    let modified = disk.dir.join(path).metadata().unwrap().modified().unwrap();
    match SystemTime::now().duration_since(modified) {
        Ok(age) => i64::try_from(age.as_secs()).unwrap(),
        Err(ahead) => -i64::try_from(ahead.duration().as_secs()).unwrap(),
    }
}

#[test]
fn every_content_is_planted_over_what_is_there() {
    let check = |content: Content, expected: &[u8]| {
        let (_root, disk) = place();
        write(&disk, "crush/providers.json", b"what was there");
        disk.plant(&plant("published", content, Mtime::Now), CATALOGUE).unwrap();
        assert_eq!(read(&disk, "crush/providers.json"), expected, "{content}");
        assert!(
            fs::read_dir(&disk.staging).unwrap().next().is_none(),
            "nothing is left in staging"
        );
    };
    check(Content::Empty, b"");
    check(Content::Truncated, b"what wa");
    check(Content::Unchanged, b"what was there");
    check(Content::Catalogue, CATALOGUE);
    check(Content::Garbage, b"\0\x01garbage: neither JSON nor a catalogue\xff\n");
}

#[test]
fn where_nothing_is_there_folders_are_made_and_half_is_half_of_the_catalogue() {
    let (_root, disk) = place();
    disk.plant(&plant("published", Content::Truncated, Mtime::Now), CATALOGUE).unwrap();
    assert_eq!(read(&disk, "crush/providers.json"), b"[the whole");
    disk.plant(&plant("deep/er/file", Content::Empty, Mtime::Now), CATALOGUE).unwrap();
    assert_eq!(read(&disk, "deep/er/file"), b"");
    let error = disk.plant(&plant("gone", Content::Unchanged, Mtime::Epoch), CATALOGUE);
    assert!(error.unwrap_err().to_string().starts_with("read "), "there is nothing to keep");
}

#[test]
fn the_pid_of_a_dead_process_is_nobody_s() {
    let (_root, mut disk) = place();
    disk.plant(&plant("lock", Content::DeadPid, Mtime::Now), CATALOGUE).unwrap();
    let text = String::from_utf8(read(&disk, "crush/p.lock")).unwrap();
    assert!(text.trim().parse::<u32>().is_ok(), "{text}");
    disk.lock = None;
    let error = disk.plant(&plant("lock", Content::DeadPid, Mtime::Now), CATALOGUE).unwrap_err();
    assert_eq!(error.to_string(), "the client's description names no lock file");
}

#[test]
fn every_time_is_planted() {
    let check = |mtime: Mtime, ages: std::ops::RangeInclusive<i64>| {
        let (_root, disk) = place();
        disk.plant(&plant("file", Content::Empty, mtime), CATALOGUE).unwrap();
        let age = age(&disk, "file");
        assert!(ages.contains(&age), "{mtime:?}: {age}");
    };
    // An hour more or less is what a machine under load may take.
    const HOUR: i64 = 3600;
    check(Mtime::Now, -1..=HOUR);
    check(Mtime::Expired, HOUR..=2 * HOUR + 1);
    check(Mtime::Future, -365 * 24 * HOUR..=-364 * 24 * HOUR);
    check(Mtime::Epoch, 50 * 365 * 24 * HOUR..=i64::MAX);
}

#[test]
fn files_are_removed_by_role_and_by_glob() {
    let check = |pattern: &str, left: &[&str]| {
        let (_root, disk) = place();
        for file in
            ["crush/providers.json", "crush/a.lock", "crush/b.tmp", "c.tmp", "crush/lock.d/pid"]
        {
            write(&disk, file, b"x");
        }
        disk.remove(pattern).unwrap();
        let files = disk.files().unwrap();
        let found: Vec<_> = files.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        assert_eq!(found, left, "{pattern}");
    };
    let all = [
        "c.tmp",
        "crush/a.lock",
        "crush/b.tmp",
        "crush/lock.d",
        "crush/lock.d/pid",
        "crush/providers.json",
    ];
    let without = |gone: &[&str]| -> Vec<&str> {
        all.into_iter().filter(|file| !gone.contains(file)).collect()
    };
    check("published", &without(&["crush/providers.json"]));
    check("lock", &without(&["crush/a.lock", "crush/lock.d", "crush/lock.d/pid"]));
    check("temp", &without(&["crush/b.tmp"]));
    check("*.tmp", &without(&["c.tmp"]));
    check("**/*.tmp", &without(&["c.tmp", "crush/b.tmp"]));
    check("**", &[]);
}

#[test]
fn a_pattern_that_names_nothing_or_is_none_is_an_error() {
    let (_root, disk) = place();
    let check = |pattern: &str, expected: &str| {
        let error = disk.remove(pattern).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("lock", "there is no file \"lock\" to remove");
    check("a{", "\"a{\" is no glob");
}

#[test]
fn published_files_and_sidecars_age_by_more_than_the_ttl() {
    let (_root, disk) = place();
    let nothing = disk.age_mtimes(disk.age_by()).unwrap_err().to_string();
    assert_eq!(nothing, "nothing is published that could be aged");
    for file in ["crush/providers.json", "crush/x.etag", "crush/a.lock"] {
        write(&disk, file, b"x");
    }
    disk.age_mtimes(disk.age_by()).unwrap();
    for file in ["crush/providers.json", "crush/x.etag"] {
        assert!(age(&disk, file) > i64::try_from(TTL.as_secs()).unwrap(), "{file}");
        assert_eq!(read(&disk, file), b"x");
    }
    // A lock does not age: how long it has been held is the client's to judge.
    assert!(age(&disk, "crush/a.lock") < i64::try_from(TTL.as_secs()).unwrap());
    // From before the clock's zero nothing can be subtracted.
    set_mtime(&disk.dir.join("crush/providers.json"), SystemTime::UNIX_EPOCH).unwrap();
    disk.age_mtimes(disk.age_by()).unwrap();
}

#[test]
fn what_was_planted_stays_the_harness_s_own_when_it_ages() {
    let (_root, disk) = place();
    let path = disk.surroundings.cache_dir.join("crush/providers.json");
    let id = || FileId::of(&path.metadata().unwrap());
    disk.plant(&plant("published", Content::Garbage, Mtime::Now), CATALOGUE).unwrap();
    disk.age_mtimes(disk.age_by()).unwrap();
    assert!(disk.planted.contains(id()));
    write(&disk, "crush/providers.json", b"a client's own");
    disk.age_mtimes(disk.age_by()).unwrap();
    assert!(!disk.planted.contains(id()));
}

#[test]
fn a_read_only_directory_stops_all_but_root_and_is_given_back() {
    let (_root, disk) = place();
    write(&disk, "crush/providers.json", b"x");
    let taken = disk.set_writable(false);
    if rustix::process::geteuid().is_root() {
        assert!(taken.unwrap_err().to_string().contains("run as an ordinary user"));
    } else {
        taken.unwrap();
        assert!(fs::write(disk.dir.join("crush/new"), "").is_err());
    }
    disk.set_writable(true).unwrap();
    write(&disk, "crush/new", b"");
}

#[test]
fn the_number_of_a_live_process_is_planted_as_long_as_the_disk_is_there() {
    let (_root, disk) = place();
    disk.plant(&plant("lock", Content::LivePid, Mtime::Now), CATALOGUE).unwrap();
    let pid = String::from_utf8(read(&disk, "crush/p.lock")).unwrap().trim().parse().unwrap();
    let lives =
        || crate::client::process::send(pid, 0, crate::client::process::Scope::Group).is_ok();
    assert!(lives());
    drop(disk);
    assert!(!lives());
}

#[test]
fn a_temporary_and_links_are_planted() {
    let (_root, disk) = place();
    disk.plant(&plant("temp", Content::Garbage, Mtime::Ago(Span(TTL))), CATALOGUE).unwrap();
    assert_eq!(age(&disk, "crush/planted.tmp"), 3600);
    disk.plant(&plant("published", Content::DanglingLink, Mtime::Now), CATALOGUE).unwrap();
    let published = disk.dir.join("crush/providers.json");
    assert!(!published.exists() && published.is_symlink());
    disk.plant(&plant("published", Content::Catalogue, Mtime::Now), CATALOGUE).unwrap();
    disk.plant(&plant("published", Content::Link, Mtime::Now), CATALOGUE).unwrap();
    assert!(published.is_symlink());
    assert_eq!(read(&disk, "crush/providers.json"), CATALOGUE);
    // A link to a link leads to the same file, and not to itself.
    disk.plant(&plant("published", Content::Link, Mtime::Now), CATALOGUE).unwrap();
    assert_eq!(read(&disk, "crush/providers.json"), CATALOGUE);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the user `nobody` has another number elsewhere")]
fn what_is_planted_belongs_to_whom_the_directory_belongs_to() {
    use std::os::unix::fs::{MetadataExt, chown};
    let (_root, disk) = place();
    let is_root = rustix::process::geteuid().is_root();
    let user = if is_root { 65534 } else { disk.dir.metadata().unwrap().uid() };
    if is_root {
        chown(&disk.dir, Some(user), Some(user)).unwrap();
    }
    disk.plant(&plant("lock", Content::LivePid, Mtime::Expired), CATALOGUE).unwrap();
    disk.plant(&plant("published", Content::Catalogue, Mtime::Now), CATALOGUE).unwrap();
    disk.plant(&plant("published", Content::Link, Mtime::Now), CATALOGUE).unwrap();
    let linked = fs::canonicalize(disk.dir.join("crush/providers.json")).unwrap();
    let folders = ["crush", "crush/p.lock"].map(|path| disk.dir.join(path));
    for path in folders.iter().chain([&linked, &linked.parent().unwrap().to_path_buf()]) {
        assert_eq!(path.metadata().unwrap().uid(), user, "{}", path.display());
    }
}

#[test]
fn a_directory_is_wiped_whole() {
    let (_root, disk) = place();
    assert!(disk.wipe().unwrap_err().to_string().contains("empty already"));
    write(&disk, "crush/deep/x", b"");
    write(&disk, "y", b"");
    disk.wipe().unwrap();
    assert_eq!(fs::read_dir(&disk.dir).unwrap().count(), 0);
}

#[test]
fn permission_bits_are_changed_and_given_back() {
    let (_root, mut disk) = place();
    disk.permissions_bind = false;
    let chmod = |path: &str| Chmod { path: path.into(), mode: 0o400 };
    assert!(disk.chmod(&chmod("published")).unwrap_err().to_string().contains("binds root"));
    disk.permissions_bind = true;
    assert!(disk.chmod(&chmod("published")).unwrap_err().to_string().contains("no file"));
    write(&disk, "crush/providers.json", CATALOGUE);
    let mode = |disk: &Disk| {
        disk.dir.join("crush/providers.json").metadata().unwrap().permissions().mode() & 0o777
    };
    let before = mode(&disk);
    disk.chmod(&chmod("published")).unwrap();
    assert_eq!(mode(&disk), 0o400);
    disk.heal().unwrap();
    assert_eq!(mode(&disk), before);
}

#[test]
fn a_disk_of_its_own_is_filled_and_freed() {
    let (root, mut disk) = place();
    assert!(disk.fill(0).unwrap_err().to_string().contains("no disk of its own"));
    if crate::client::volume::available().is_err() {
        return;
    }
    let at = root.path().canonicalize().unwrap().join("home");
    let volume = Volume::mount(&at, 1 << 20).unwrap();
    disk.dir = volume.view();
    disk.volume = Some(volume);
    assert!(disk.fill(4 << 20).unwrap_err().to_string().contains("bytes were free"));
    disk.fill(8 << 10).unwrap();
    let full = |bytes: usize| fs::write(disk.dir.join("x"), vec![0; bytes]).is_err();
    assert!(full(12 << 10));
    assert!(!full(4 << 10));
    disk.free().unwrap();
    assert!(!full(256 << 10));
    assert!(disk.free().unwrap_err().to_string().contains("was not filled"));
}

#[test]
fn times_move_ahead_and_lose_their_fraction() {
    let (_root, disk) = place();
    write(&disk, "crush/providers.json", CATALOGUE);
    disk.clock_back(Duration::from_secs(7200)).unwrap();
    assert!((-7200..=-7190).contains(&age(&disk, "crush/providers.json")));
    disk.coarse_times(Duration::from_secs(2)).unwrap();
    let modified = disk.dir.join("crush/providers.json").metadata().unwrap().modified().unwrap();
    let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!((since.subsec_nanos(), since.as_secs() % 2), (0, 0));
}
