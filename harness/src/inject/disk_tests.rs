//! Files are planted, removed and aged in a real directory.

use tempfile::TempDir;

use super::*;
use crate::model::client::{Files, LockKind, PublishedForm};
use crate::model::units::Span;

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
    };
    let disk = Disk {
        surroundings: Surroundings {
            cache_dir: make("cache"),
            home: make("home"),
            tmp: make("tmp"),
            client_dir: "/".into(),
            cache_client: Vec::new(),
            ports: std::collections::BTreeMap::new(),
            ttl: Span(TTL),
            patience: Span(TTL),
        },
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
    let path = disk.surroundings.cache_dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn read(disk: &Disk, path: &str) -> Vec<u8> {
    fs::read(disk.surroundings.cache_dir.join(path)).unwrap()
}

/// How old a file is; negative where it is from the future.
fn age(disk: &Disk, path: &str) -> i64 {
    let modified = disk.surroundings.cache_dir.join(path).metadata().unwrap().modified().unwrap();
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
    let nothing = disk.age_mtimes().unwrap_err().to_string();
    assert_eq!(nothing, "nothing is published that could be aged");
    for file in ["crush/providers.json", "crush/x.etag", "crush/a.lock"] {
        write(&disk, file, b"x");
    }
    disk.age_mtimes().unwrap();
    for file in ["crush/providers.json", "crush/x.etag"] {
        assert!(age(&disk, file) > i64::try_from(TTL.as_secs()).unwrap(), "{file}");
        assert_eq!(read(&disk, file), b"x");
    }
    // A lock does not age: how long it has been held is the client's to judge.
    assert!(age(&disk, "crush/a.lock") < i64::try_from(TTL.as_secs()).unwrap());
    // From before the clock's zero nothing can be subtracted.
    set_mtime(&disk.surroundings.cache_dir.join("crush/providers.json"), SystemTime::UNIX_EPOCH)
        .unwrap();
    disk.age_mtimes().unwrap();
}

#[test]
fn what_was_planted_stays_the_harness_s_own_when_it_ages() {
    let (_root, disk) = place();
    let path = disk.surroundings.cache_dir.join("crush/providers.json");
    let id = || FileId::of(&path.metadata().unwrap());
    disk.plant(&plant("published", Content::Garbage, Mtime::Now), CATALOGUE).unwrap();
    disk.age_mtimes().unwrap();
    assert!(disk.planted.contains(id()));
    write(&disk, "crush/providers.json", b"a client's own");
    disk.age_mtimes().unwrap();
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
        assert!(fs::write(disk.surroundings.cache_dir.join("crush/new"), "").is_err());
    }
    disk.set_writable(true).unwrap();
    write(&disk, "crush/new", b"");
}
