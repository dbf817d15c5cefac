//! What lies outside of the territory, and a link in it leads to.

use std::fs;
use std::os::unix::fs::symlink;

use super::programs::needed;
use super::*;
use crate::model::record::Role;

/// A call and its role.
type Step = (String, Option<Role>);

/// The calls of a script of Python's that change something or lock, with their roles, and what was seen after each
/// change. `{}` in the script is a directory outside, which `prepare` fills with the territory beside it.
fn followed(prepare: impl FnOnce(&Path, &Path), script: &str) -> Option<(Vec<Step>, Vec<String>)> {
    let python = needed("python3")?;
    let (mut bench, seen) = Bench::looking();
    let outside = tempfile::tempdir().unwrap();
    let elsewhere = outside.path().canonicalize().unwrap();
    prepare(&bench.root, &elsewhere);
    let elsewhere = elsewhere.to_string_lossy();
    let script = format!("import fcntl, os\n{}", script.replace("{}", &elsewhere));
    let process = bench.start(1, &python, &["-c", &script]);
    let calls = bench.run_alone(process);
    let steps = calls.iter().filter(|call| call.is_step());
    let told = |call: &Call| (call.to_string().replace(&*elsewhere, "{}"), call.role());
    let steps = steps.map(told).collect();
    let seen = seen.lock().unwrap().clone();
    Some((steps, seen))
}

fn published(call: &str) -> (&str, Role) {
    (call, Role::Published)
}

fn with_roles(expected: &[(&str, Role)]) -> Vec<Step> {
    expected.iter().map(|(call, role)| ((*call).to_owned(), Some(*role))).collect()
}

#[test]
fn what_is_published_through_a_link_is_seen_at_every_change() {
    let prepare = |root: &Path, elsewhere: &Path| {
        fs::write(elsewhere.join("real"), "old").unwrap();
        symlink(elsewhere.join("real"), elsewhere.join("on the way")).unwrap();
        symlink(elsewhere.join("on the way"), root.join("list.json")).unwrap();
    };
    let script = "f = os.open('list.json', os.O_RDWR); os.write(f, b'new'); os.close(f)\n\
        f = os.open('{}/real', os.O_RDWR | os.O_TRUNC); os.write(f, b'newer'); os.fsync(f); os.close(f)\n\
        os.truncate('{}/real', 3)\n\
        f = os.open('{}/other', os.O_RDWR | os.O_CREAT); os.write(f, b'newest'); os.close(f)\n\
        os.rename('{}/other', '{}/real')\n\
        os.unlink('{}/real')\n\
        f = os.open('{}/real', os.O_RDWR | os.O_CREAT); os.write(f, b'again')\n\
        os.symlink('{}/nowhere', '{}/x'); os.rename('{}/x', '{}/on the way')\n\
        os.write(f, b'unseen')\n";
    let Some((steps, seen)) = followed(prepare, script) else { return };
    assert_eq!(
        steps,
        with_roles(&[
            published("write(list.json, 3 bytes) = 3"),
            published("open({}/real, O_RDWR|O_TRUNC) = 3"),
            published("write(list.json, 5 bytes) = 5"),
            published("fsync(list.json) = 0"),
            published("truncate({}/real, to 3 bytes) = 0"),
            published("rename({}/other -> {}/real) = 0"),
            published("unlink({}/real) = 0"),
            published("open({}/real, O_RDWR|O_CREAT) = 3"),
            published("write(list.json, 5 bytes) = 5"),
            published("rename({}/x -> {}/on the way) = 0"),
        ])
    );
    assert_eq!(seen, ["new", "", "newer", "new", "newest", "", "", "again", ""]);
}

/// A release is a folder, and the published path leads through a link to the present one.
#[test]
fn what_is_published_through_a_folder_that_is_a_link_is_seen_when_that_changes() {
    let prepare = |root: &Path, elsewhere: &Path| {
        for release in ["1", "2"] {
            fs::create_dir_all(elsewhere.join("rel").join(release)).unwrap();
            fs::write(elsewhere.join("rel").join(release).join("list.json"), release).unwrap();
        }
        symlink("../rel/./1", elsewhere.join("rel/current")).unwrap();
        symlink(elsewhere.join("rel"), elsewhere.join("a")).unwrap();
        symlink(elsewhere.join("a/current/list.json"), root.join("list.json")).unwrap();
    };
    let script = "os.symlink('2', '{}/rel/next'); os.rename('{}/rel/next', '{}/rel/current')\n\
        os.rename('{}/rel/1', '{}/rel/old')\n\
        os.rename('{}/rel/2', '{}/rel/3'); os.rename('{}/rel/3', '{}/a/2')\n\
        for part in ['{}', '{}/rel', '{}/rel/2']:\n\
        \x20   try: os.mkdir(part)\n\
        \x20   except FileExistsError: pass\n\
        os.unlink('{}/a'); os.symlink('a', '{}/a')\n\
        os.mkdir('{}/b')\n";
    let Some((steps, seen)) = followed(prepare, script) else { return };
    assert_eq!(
        steps,
        with_roles(&[
            published("rename({}/rel/next -> {}/rel/current) = 0"),
            published("rename({}/rel/2 -> {}/rel/3) = 0"),
            published("rename({}/rel/3 -> {}/a/2) = 0"),
            published("unlink({}/a) = 0"),
            published("symlink({}/a) = 0"),
        ])
    );
    assert_eq!(seen, ["2", "", "2", "", ""]);
}

#[test]
fn what_is_published_is_seen_under_another_name_of_the_same_file() {
    let prepare = |root: &Path, elsewhere: &Path| {
        fs::write(root.join("list.json"), "old").unwrap();
        fs::hard_link(root.join("list.json"), elsewhere.join("twin")).unwrap();
    };
    let script = "f = os.open('{}/twin', os.O_RDWR); os.write(f, b'new')\n\
        f = os.open('{}/other', os.O_RDWR | os.O_CREAT); os.write(f, b'x')\n\
        os.rename('{}/other', '{}/twin')\n";
    let Some((steps, seen)) = followed(prepare, script) else { return };
    // The rename leaves the published file as it is: only the other name is another file's from then on.
    assert_eq!(steps, with_roles(&[published("write(list.json, 3 bytes) = 3")]));
    assert_eq!(seen, ["new"]);
}

#[test]
fn a_lock_that_is_a_link_is_one_once_it_was_opened_by_its_name() {
    let prepare = |root: &Path, elsewhere: &Path| {
        fs::write(elsewhere.join("held"), "").unwrap();
        symlink(elsewhere.join("held"), root.join("a.lock")).unwrap();
    };
    let script = "f = os.open('a.lock', os.O_RDWR); fcntl.flock(f, fcntl.LOCK_EX); os.ftruncate(f, 0)\n\
        fcntl.flock(f, fcntl.LOCK_UN)\n";
    let Some((steps, _)) = followed(prepare, script) else { return };
    assert_eq!(
        steps,
        with_roles(&[
            ("flock(a.lock, LOCK_EX) = 0", Role::Lock),
            ("truncate(a.lock, to 0 bytes) = 0", Role::Lock),
            ("flock(a.lock, LOCK_UN) = 0", Role::Lock),
        ])
    );
}
