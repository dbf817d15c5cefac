//! What a scenario needs of the machine, and the machine or the user may not have.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::client::prepare::program_of;
use crate::client::volume;
use crate::model::client::Client;
use crate::model::scenario::{Action, Scenario, User};
use crate::trace;

/// The reasons why a scenario cannot run on this machine as this user, a sentence each: it is `skipped`
/// for them. Empty where it can run. `places` are the files and folders that clients must get at.
pub fn lacks(scenario: &Scenario, places: &[PathBuf]) -> Vec<String> {
    let is_root = rustix::process::geteuid().is_root();
    let mut reasons = lacks_as(scenario, is_root);
    let waves = scenario.resolved_waves();
    let becomes_another = waves.iter().any(|wave| wave.under.user.is_some()) && is_root;
    if becomes_another && let Some(place) = places.iter().find_map(|place| closed(place)) {
        let place = place.display();
        reasons.push(format!("{place} is closed to the user that clients are to run as"));
    }
    if scenario.disk.size.is_some() {
        reasons.extend(volume::available().err());
    }
    if scenario.needs_tracer() {
        reasons.extend(trace::lacks().map(str::to_owned));
    }
    reasons
}

/// Whether another user may get at the folder in which this program was started, at the program itself and at that
/// of a client, so that clients may run as that user.
pub fn is_open_to_others(client: &Client) -> bool {
    let is_open = |place: &Path| closed(place).is_none();
    let own = [std::env::current_dir(), std::env::current_exe()];
    // What stands beside the description or within this program lies in one of these places.
    let program = program_of(client, Path::new("/"), &[]);
    own.into_iter().all(|place| place.is_ok_and(|place| is_open(&place)))
        && program.is_none_or(|program| is_open(&program))
}

fn lacks_as(scenario: &Scenario, is_root: bool) -> Vec<String> {
    let mut reasons = Vec::new();
    let waves = scenario.resolved_waves();
    if !is_root && waves.iter().any(|wave| wave.under.user == Some(User::Other)) {
        reasons.push("only root can run clients as another user".to_owned());
    }
    let steps = waves.iter().flat_map(|wave| &wave.before);
    let mut actions = scenario.inject.iter().map(|it| &it.action).chain(steps);
    let by_permission = |action: &Action| match action {
        Action::Chmod(_) => true,
        Action::ReadOnly => scenario.disk.size.is_none(),
        _ => false,
    };
    let bound = !is_root || scenario.clients.under.user.is_some();
    if !bound && actions.any(by_permission) {
        reasons.push(
            "no permission binds root: run as an ordinary user, or write `under = { user = \"ordinary\" }` in `[clients]`"
                .to_owned(),
        );
    }
    reasons
}

/// What others may not enter or execute on the way to a folder or program, if anything.
fn closed(path: &Path) -> Option<&Path> {
    let may_enter = |folder: &&Path| {
        folder.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    path.ancestors().filter(|folder| folder.is_absolute()).find(|folder| !may_enter(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_root: bool, expected: &[&str]) {
        let scenario: Scenario = toml::from_str(&format!("summary = 'x'\n{text}")).unwrap();
        assert_eq!(lacks_as(&scenario, is_root), expected, "{text}");
    }

    #[test]
    fn another_user_needs_root() {
        let other = "[[wave]]\nunder = { user = 'other' }";
        check(other, true, &[]);
        check(other, false, &["only root can run clients as another user"]);
        check("[clients]\nunder = { user = 'ordinary' }", false, &[]);
    }

    #[test]
    fn permissions_bind_nobody_who_is_root() {
        let reason = "no permission binds root: run as an ordinary user, or write `under = { user = \"ordinary\" }` in `[clients]`";
        let read_only = "[[inject]]\non = 'begin'\ndo = 'read-only'";
        check(read_only, true, &[reason]);
        check(read_only, false, &[]);
        check(&format!("{read_only}\n[disk]\nsize = '1MiB'"), true, &[]);
        check(&format!("{read_only}\n[clients]\nunder = {{ user = 'ordinary' }}"), true, &[]);
        let chmod = "[[inject]]\non = 'begin'\ndo = { chmod = { path = 'lock', mode = 0 } }";
        check(&format!("{chmod}\n[disk]\nsize = '1MiB'"), true, &[reason]);
    }

    #[test]
    fn a_folder_that_others_may_not_enter_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(dir.path(), 0o700);
        assert_eq!(closed(&inner), Some(dir.path()));
        set(dir.path(), 0o711);
        assert_ne!(closed(&inner), Some(dir.path()));
    }
}
