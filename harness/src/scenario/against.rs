//! What a scenario needs of a client, and the client may not have.

use cachestorm_model::client::{Client, LockKind};
use cachestorm_model::scenario::{Action, Scenario, Target, Trigger};
use cachestorm_model::verdict::Invariant;

/// The reasons why a scenario cannot run against a client, a sentence each: it is `skipped` for them.
/// Empty where it can run.
pub fn check_against(scenario: &Scenario, client: &Client) -> Vec<String> {
    let mut reasons = Vec::new();
    commands(scenario, client, &mut reasons);
    sessions(scenario, client, &mut reasons);
    herd(scenario, client, &mut reasons);
    files(scenario, client, &mut reasons);
    ttl(scenario, client, &mut reasons);
    promises(scenario, client, &mut reasons);
    tells(scenario, client, &mut reasons);
    let mut seen = std::collections::BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    reasons
}

/// Why another client cannot run beside the client under test, a sentence each.
pub fn check_beside(scenario: &Scenario, client: &Client, other: &Client) -> Vec<String> {
    let mut reasons = Vec::new();
    commands(scenario, other, &mut reasons);
    let (name, beside) = (&client.name, &other.name);
    if other.files.published != client.files.published || other.files.form != client.files.form {
        reasons.push(format!("`{beside}` does not publish the file that `{name}` publishes"));
    }
    let ttl = |client: &Client| client.effective_ttl(scenario.cache.ttl);
    if ttl(other) != ttl(client) {
        let (one, two) = (ttl(other), ttl(client));
        reasons.push(format!("the TTL of `{beside}` is {one}, and that of `{name}` {two}"));
    }
    reasons
}

fn commands(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    for command in scenario.commands() {
        if client.command_named(&command).is_none() {
            reasons.push(format!(
                "the scenario runs the command `{command}`, which `{}` does not describe: add it under [commands]",
                client.name
            ));
        }
    }
}

/// Whether who is asked again lives that long, and what is proven of what it keeps in memory is promised.
fn sessions(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    let again = || scenario.resolved_waves().into_iter().filter(|wave| wave.again.is_some());
    for wave in again().filter(|wave| client.command_named(&wave.command).is_some()) {
        if !client.is_session(&wave.command) {
            reasons.push(format!(
                "the scenario asks the processes of `{}` again, and those of `{}` end: list a command that lives on in `sessions`",
                wave.command, client.name
            ));
        }
    }
    let about = [Invariant::Freshness, Invariant::NoTimeTravel];
    if again().next().is_some()
        && scenario.expect.proves.iter().any(|proves| about.contains(proves))
        && !client.claims.coherent_memory
    {
        reasons.push(format!(
            "the scenario is about memory that follows the file, which `{}` does not claim to have",
            client.name
        ));
    }
}

fn herd(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    let most = scenario.resolved_waves().iter().map(|wave| wave.count).max().unwrap_or(0);
    if let Some(max) = client.herd_max.filter(|max| most > *max) {
        reasons.push(format!(
            "the scenario starts {most} processes at once, and `{}` is to be run with {max} at most",
            client.name
        ));
    }
}

fn files(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    for injection in scenario.inject.iter().filter(|injection| !injection.optional) {
        if let Trigger::Created(path)
        | Trigger::Written(path)
        | Trigger::Renamed(path)
        | Trigger::Removed(path) = &injection.on
        {
            role(path, client, reasons);
        }
        action(&injection.action, client, reasons);
        if injection.target == Some(Target::Holder) && client.files.locks.is_empty() {
            reasons.push(format!(
                "the scenario hits the holder of the lock, and the description of `{}` names none",
                client.name
            ));
        }
    }
    for step in scenario.resolved_waves().iter().flat_map(|wave| &wave.before) {
        action(step, client, reasons);
    }
}

fn action(action: &Action, client: &Client, reasons: &mut Vec<String>) {
    match action {
        Action::Remove(path) => role(path, client, reasons),
        Action::AgePastBound if client.claims.stale_bound.is_none() => reasons.push(format!(
            "the scenario is about a catalogue that is too old to be served, and `{}` states no such bound",
            client.name
        )),
        Action::Chmod(chmod) => {
            role(&chmod.path, client, reasons);
            if chmod.path == "lock" && client.files.lock_kind == LockKind::Existence {
                reasons.push(format!(
                    "the scenario is about a lock file that stays, and that of `{}` lies there only while it is held",
                    client.name
                ));
            }
        }
        Action::Plant(plant) if plant.path == "temp" => {
            role("temp", client, reasons);
            if !client.files.temporaries.is_empty() && client.files.planted_temporary().is_none() {
                reasons.push(format!(
                    "the scenario plants a temporary, and the globs of `{}` do not tell a name for one",
                    client.name
                ));
            }
        }
        Action::ServiceDown(name) | Action::ServiceHang(name) | Action::ServiceUp(name)
            if !client.services.contains_key(name) =>
        {
            reasons.push(format!(
                "the scenario is about the service `{name}`, and `{}` describes none of this name",
                client.name
            ));
        }
        Action::Plant(plant) if plant.path == "lock" => {
            role("lock", client, reasons);
            let one_name = |glob: &String| !glob.contains(['*', '?', '[', '{']);
            if !client.files.locks.is_empty() && !client.files.locks.iter().any(one_name) {
                reasons.push(format!(
                    "the scenario plants a lock file, and no lock of `{}` has a fixed name",
                    client.name
                ));
            }
        }
        _ => {}
    }
}

fn role(path: &str, client: &Client, reasons: &mut Vec<String>) {
    let (none, what) = match path {
        "lock" => (client.files.locks.is_empty(), "lock file"),
        "temp" => (client.files.temporaries.is_empty(), "temporary"),
        _ => return,
    };
    if none {
        reasons.push(format!(
            "the scenario is about a {what}, and the description of `{}` names none",
            client.name
        ));
    }
}

fn ttl(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    let whole = scenario.cache.ttl.0.subsec_nanos() == 0;
    let commands = std::iter::once(&client.command).chain(client.commands.values()).flatten();
    let in_seconds = commands.chain(client.env.values()).any(|word| word.contains("{ttl_seconds}"));
    if client.ttl.is_none() && in_seconds && !whole {
        reasons.push(format!(
            "the scenario's TTL is {}, and `{}` can only be told whole seconds",
            scenario.cache.ttl, client.name
        ));
    }
}

fn promises(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    let about = |invariant| scenario.expect.proves.contains(&invariant);
    if about(Invariant::StaleIfError) && client.claims.stale_if_error.is_none() {
        reasons.push(format!(
            "the scenario is about serving stale data in place of an error, which `{}` does not claim to do",
            client.name
        ));
    }
    let kept = |action: &Action| {
        let Action::Chmod(chmod) = action else { return false };
        chmod.path == "published" && chmod.leaves_owner()
    };
    let listed = scenario.inject.iter().filter(|it| !it.optional).any(|it| kept(&it.action));
    let steps = || scenario.resolved_waves().into_iter().flat_map(|wave| wave.before);
    // Where the scenario proves something else, whether they are kept is no matter.
    if about(Invariant::NoBlockingLeftover)
        && !client.claims.permissions
        && (listed || steps().any(|step| kept(&step)))
    {
        reasons.push(format!(
            "the scenario is about permissions that are kept, which `{}` does not claim to do",
            client.name
        ));
    }
    if about(Invariant::ValidatorFidelity) && !client.claims.validators {
        reasons.push(format!(
            "the scenario is about validators, which `{}` does not claim to send",
            client.name
        ));
    }
}

/// Whether one of the commands that the scenario runs tells what it is about.
fn tells(scenario: &Scenario, client: &Client, reasons: &mut Vec<String>) {
    let commands = scenario.commands();
    // What a command would tell that is not there has been said.
    if commands.iter().any(|command| client.command_named(command).is_none()) {
        return;
    }
    let tells = || commands.iter().filter_map(|command| client.tells.get(command));
    for fact in scenario.expect.told.iter().filter(|fact| !tells().any(|it| it.can_tell(**fact))) {
        reasons.push(format!(
            "the scenario is about what a command tells of `{fact}`, and none of `{}` tells it: add it under [tells]",
            client.name
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scenario: &str, client: &str, expected: &[&str]) {
        let scenario: Scenario = toml::from_str(&format!("summary = 'x'\n{scenario}")).unwrap();
        let client: Client =
            toml::from_str(&format!("name = 'c'\nsummary = 'x'\n{client}")).unwrap();
        assert_eq!(check_against(&scenario, &client), expected);
    }

    const PLAIN: &str = "command = ['c', '{ttl_seconds}']\nfiles = { published = 'p' }";

    #[test]
    fn a_scenario_that_needs_nothing_runs_against_every_client() {
        check("", PLAIN, &[]);
        check("[cache]\nttl = '2s'", PLAIN, &[]);
    }

    #[test]
    fn what_the_client_lacks_is_said_once() {
        check(
            "[clients]\nwaves = 2\ncommand = 'update'",
            PLAIN,
            &[
                "the scenario runs the command `update`, which `c` does not describe: add it under [commands]",
            ],
        );
        check(
            "[[inject]]\non = { created = 'lock' }\ndo = { plant = { path = 'lock', content = 'dead-pid' } }",
            PLAIN,
            &["the scenario is about a lock file, and the description of `c` names none"],
        );
        check(
            "[clients]\nwaves = 2\nbetween = [{ remove = 'temp' }]",
            PLAIN,
            &["the scenario is about a temporary, and the description of `c` names none"],
        );
        check(
            "[cache]\nttl = '1500ms'",
            PLAIN,
            &["the scenario's TTL is 1s 500ms, and `c` can only be told whole seconds"],
        );
        check(
            "[[inject]]\non = 'begin'\ndo = { plant = { path = 'lock', content = 'dead-pid' } }",
            "command = ['c']\nfiles = { published = 'p', locks = ['*.lock'] }",
            &["the scenario plants a lock file, and no lock of `c` has a fixed name"],
        );
    }

    #[test]
    fn who_is_asked_again_must_live_on() {
        let again = "[[wave]]\ncommand = 's'\n[[wave]]\nagain = 1";
        let ends = format!("commands = {{ s = ['c'] }}\n{PLAIN}");
        let reason = "the scenario asks the processes of `s` again, and those of `c` end: list a command that lives on in `sessions`";
        check(again, &ends, &[reason]);
        let lives = format!("sessions = ['s']\n{ends}");
        check(again, &lives, &[]);
        let about = format!("{again}\n[expect]\nproves = ['freshness']");
        let reason =
            "the scenario is about memory that follows the file, which `c` does not claim to have";
        check(&about, &lives, &[reason]);
        check(&about, &format!("{lives}\nclaims = {{ coherent-memory = true }}"), &[]);
    }

    #[test]
    fn a_promise_that_was_never_made_is_not_tested() {
        let about = "[expect]\nproves = ['stale-if-error']";
        let reason = "the scenario is about serving stale data in place of an error, which `c` does not claim to do";
        check(about, PLAIN, &[reason]);
        check(about, &format!("{PLAIN}\nclaims = {{ stale-if-error = 'stale' }}"), &[]);
        let about = "[cache]\ninitial = 'fresh'\n[[wave]]\nbefore = ['age-past-bound']";
        let reason = "the scenario is about a catalogue that is too old to be served, and `c` states no such bound";
        check(about, PLAIN, &[reason]);
        check(about, &format!("{PLAIN}\nclaims = {{ stale-bound = '7d' }}"), &[]);
        let chmod =
            "[[inject]]\non = 'begin'\ndo = { chmod = { path = 'published', mode = 0o640 } }";
        check(chmod, PLAIN, &[]);
        let about = &format!("{chmod}\n[expect]\nproves = ['no-blocking-leftover']");
        let reason =
            "the scenario is about permissions that are kept, which `c` does not claim to do";
        check(about, PLAIN, &[reason]);
        check(about, &format!("{PLAIN}\nclaims = {{ permissions = true }}"), &[]);
        let step = "[[wave]]\nbefore = [{ chmod = { path = 'published', mode = 0o640 } }]";
        check(step, PLAIN, &[]);
        check(&format!("{step}\n[expect]\nproves = ['no-blocking-leftover']"), PLAIN, &[reason]);
        let about = "[expect]\nproves = ['validator-fidelity']";
        let reason = "the scenario is about validators, which `c` does not claim to send";
        check(about, PLAIN, &[reason]);
        check(about, &format!("{PLAIN}\nclaims = {{ validators = true }}"), &[]);
    }

    #[test]
    fn who_does_not_tell_is_not_held_to_it() {
        let about = "[clients]\ncommand = 'health'\n[expect]\ntold = ['stale', 'locked']";
        let commands = "[commands]\nhealth = ['c', 'health']";
        let reason = |fact| {
            format!(
                "the scenario is about what a command tells of `{fact}`, and none of `c` tells it: add it under [tells]"
            )
        };
        let (stale, locked) = (reason("stale"), reason("locked"));
        check(about, &format!("{PLAIN}\n{commands}"), &[&stale, &locked]);
        let told = "[tells.health]\nexit = { stale = 1 }";
        check(about, &format!("{PLAIN}\n{commands}\n{told}"), &[&locked]);
        let told = "[tells.health]\noutput = { state = '/s', locked = '/l' }";
        check(about, &format!("{PLAIN}\n{commands}\n{told}"), &[]);
    }

    #[test]
    fn one_more_process_needs_its_command() {
        check(
            "[[inject]]\non = { request = 1 }\ndo = { run = 'health' }",
            PLAIN,
            &[
                "the scenario runs the command `health`, which `c` does not describe: add it under [commands]",
            ],
        );
    }

    #[test]
    fn a_herd_may_be_too_large_for_a_client() {
        let reason =
            "the scenario starts 300 processes at once, and `c` is to be run with 200 at most";
        check("[clients]\ncount = 300", &format!("herd-max = 200\n{PLAIN}"), &[reason]);
        check("[clients]\ncount = 200", &format!("herd-max = 200\n{PLAIN}"), &[]);
    }

    #[test]
    fn two_clients_on_one_cache_publish_one_file_and_know_one_ttl() {
        let beside = |other: &str, expected: &[&str]| {
            let scenario: Scenario = toml::from_str("summary = 'x'").unwrap();
            let [client, other] = [PLAIN, other].map(|text| {
                toml::from_str::<Client>(&format!("name = 'c'\nsummary = 'x'\n{text}")).unwrap()
            });
            assert_eq!(check_beside(&scenario, &client, &other), expected);
        };
        beside(PLAIN, &[]);
        beside(
            "command = ['c']\nttl = '1m'\nfiles = { published = 'q' }",
            &[
                "`c` does not publish the file that `c` publishes",
                "the TTL of `c` is 1m, and that of `c` 1h",
            ],
        );
    }

    #[test]
    fn a_lock_that_is_its_file_does_not_stay_to_be_closed() {
        let chmod = "[[inject]]\non = 'begin'\ndo = { chmod = { path = 'lock', mode = 0 } }";
        let files = |kind: &str| {
            format!(
                "command = ['c']\nfiles = {{ published = 'p', locks = ['l'], lock-kind = '{kind}' }}"
            )
        };
        let reason = "the scenario is about a lock file that stays, and that of `c` lies there only while it is held";
        check(chmod, &files("existence"), &[reason]);
        check(chmod, &files("advisory"), &[]);
    }

    #[test]
    fn the_holder_of_no_lock_is_nobody() {
        let holder = "[[inject]]\non = { request = 1 }\ntarget = 'holder'\ndo = 'stop'";
        let reason =
            "the scenario hits the holder of the lock, and the description of `c` names none";
        check(holder, PLAIN, &[reason]);
        check(&format!("{holder}\noptional = true"), PLAIN, &[]);
    }

    #[test]
    fn what_is_optional_is_not_needed() {
        check("[[inject]]\non = { created = 'temp' }\ndo = 'bump'\noptional = true", PLAIN, &[]);
    }
}
