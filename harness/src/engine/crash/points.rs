//! The calls of a recorded run at which a client can be killed or a call can fail. Pure.

use std::collections::BTreeSet;
use std::path::Path;

use super::company::Company;
use crate::model::call::{Call, CallName, CallResult};
use crate::model::errno::Errno;
use crate::model::record::{Part, Record, Role, What};
use crate::model::scenario::{Action, Injection, OnCall, Phase, ResolvedWave, Trigger};
use crate::model::sweep::{Deed, Point};
use crate::model::units::{ByteSize, ClientId};
use crate::record::roles::Pattern;
use crate::trace::terms::about;

/// What is done at every point of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Clients are killed at the steps of their protocol.
    pub kills: bool,
    /// Calls fail.
    pub failures: bool,
}

/// The points of a run: the calls of the first client of the wave that is swept, or else of that in all waves which
/// first asked the server, or of the first that made any.
///
/// A call that found nothing, or something in its way, is failed otherwise and no more: nobody is the wiser for
/// a client killed there. One that failed for another reason is no point, because it may be made any number of
/// times, as a lock is asked for that somebody else has.
pub fn points(record: &Record) -> Vec<Point> {
    points_with(record, &Fickle::new())
}

/// Patterns of files that have other names in every run.
pub(super) type Fickle = BTreeSet<String>;

/// The same where some files are known again by their folder alone.
pub(super) fn points_with(record: &Record, fickle: &Fickle) -> Vec<Point> {
    let Some(victim) = victim(record) else { return Vec::new() };
    let calls: Vec<&Call> = calls(record).filter(|call| call.client == victim).collect();
    let company = Company::of(record, victim);
    let mut points: Vec<Point> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let Some(mut point) = point(call, &calls[..index], fickle) else { continue };
        (point.among_others, point.by_child) = (company.is_around(call), company.is_child(call));
        point.by = command(record);
        if !points.iter().any(|known| known.id() == point.id()) {
            points.push(point);
        }
    }
    points
}

/// How many processes of that client were seen to make calls.
pub fn processes(record: &Record) -> u32 {
    let size = victim(record).map_or(0, |victim| Company::of(record, victim).size());
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The first point after the client has got the lock, where others were seen to wait for one: held there until
/// another waits, the client comes to all later points with a herd behind it. The index is that of the first of
/// these. (At the lock call itself, whoever asked in vain would be held.)
pub fn rendezvous(record: &Record, points: &[Point]) -> Option<(Injection, usize)> {
    let victim = victim(record)?;
    let waits = |what: &What| matches!(what, What::LockWaited { client, .. } if *client != victim);
    if !record.events.iter().any(|event| waits(&event.what)) {
        return None;
    }
    let of_victim: Vec<&Call> = calls(record).filter(|call| call.client == victim).collect();
    let at = of_victim.iter().position(|call| takes_lock(call))?;
    let id = point(of_victim[at], &of_victim[..at], &Fickle::new())?.id();
    let index = points.iter().position(|known| known.id() == id)? + 1;
    let Point { call, path, by, nth, .. } = points.get(index)?.clone();
    let injection = Injection {
        on: Trigger::Syscall(OnCall { call, path, phase: Phase::Before, by }),
        nth: Some(nth),
        each_wave: false,
        times: None,
        target: None,
        action: Action::HoldUntil(Box::new(Trigger::LockWaited(1))),
        optional: false,
    };
    Some((injection, index + 1))
}

/// Whether a call has got its client a lock, of the kernel's or by a file that is there.
fn takes_lock(call: &Call) -> bool {
    let is_lock = call.role() == Some(Role::Lock) && matches!(call.result, CallResult::Returned(_));
    is_lock
        && match call.name {
            CallName::Flock => call.flags.contains("LOCK_EX"),
            CallName::Fcntl => call.flags.contains("F_WRLCK"),
            CallName::Open => call.flags.contains("O_EXCL"),
            CallName::Mkdir | CallName::Link | CallName::Symlink => true,
            _ => false,
        }
}

/// Everything that is done at a point.
pub fn deeds(point: &Point, choice: Choice) -> Vec<Deed> {
    let mut deeds = Vec::new();
    if choice.kills && point.is_step {
        deeds.extend([Deed::Kill(Phase::Before), Deed::Kill(Phase::After)]);
        // One that is alone has died altogether by that.
        if point.among_others {
            deeds.extend([Deed::KillAlone(Phase::Before), Deed::KillAlone(Phase::After)]);
        }
        if point.by_child {
            deeds.push(Deed::Orphan);
        }
    }
    if choice.failures {
        deeds.extend(errors(point.call).iter().map(|errno| Deed::Fail(*errno)));
        if point.call.may_be_short() && point.bytes.is_some_and(|asked| asked > 1) {
            deeds.push(Deed::Short(ByteSize(1)));
        }
    }
    deeds
}

/// The errors that a call can come to on a machine in trouble (the manual page of each).
fn errors(call: CallName) -> &'static [Errno] {
    use Errno::{
        Acces, ConnRefused, ConnReset, DQuot, Intr, Io, MFile, NFile, NoLck, NoMem, NoSpc, Pipe,
        RoFs, TimedOut,
    };
    match call {
        CallName::Open => &[Acces, MFile, NoSpc, DQuot, RoFs, Io, Intr],
        CallName::Read => &[Io, Intr],
        CallName::Write | CallName::Sendfile | CallName::CopyFileRange => &[NoSpc, DQuot, Io, Intr],
        CallName::Truncate | CallName::Fallocate => &[NoSpc, DQuot, Io, Intr],
        CallName::Rename | CallName::Link | CallName::Symlink | CallName::Mkdir => {
            &[NoSpc, DQuot, Acces, RoFs, Io]
        }
        CallName::Mknod => &[NoSpc, DQuot, Acces, RoFs, Io],
        CallName::Unlink | CallName::Rmdir => &[Acces, RoFs, Io],
        CallName::Fsync | CallName::Fdatasync | CallName::Sync => &[Io, NoSpc, DQuot],
        CallName::SyncFileRange => &[Io, NoSpc],
        CallName::Msync => &[Io, NoMem],
        CallName::Flock | CallName::Fcntl => &[NoLck, Intr],
        CallName::Utimens | CallName::Chmod | CallName::Chown => &[Acces, RoFs, Io],
        CallName::Stat | CallName::Access | CallName::Readlink => &[Acces, Io],
        CallName::Close => &[Io, DQuot, Intr],
        CallName::Socket => &[MFile, NFile, Acces],
        // Not `EINTR`: after it a connection goes on being made, which a call that is not made cannot do.
        CallName::Connect => &[ConnRefused, TimedOut],
        CallName::Send => &[Pipe, ConnReset, Intr],
        CallName::Recv => &[ConnReset, Intr],
        CallName::Mmap | CallName::Exec | CallName::Exit => &[],
    }
}

fn calls(record: &Record) -> impl Iterator<Item = &Call> {
    record.events.iter().filter_map(|event| match &event.what {
        What::Call(call) if call.is_over() => Some(call),
        _ => None,
    })
}

pub(super) fn victim(record: &Record) -> Option<ClientId> {
    let swept = swept(record).map(|wave| wave.number);
    let of_waves: Vec<ClientId> = record
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Spawned { client, part: Part::Wave(wave), .. }
                if swept.is_none_or(|swept| swept == *wave) =>
            {
                Some(*client)
            }
            _ => None,
        })
        .collect();
    let in_wave = || calls(record).filter(|call| of_waves.contains(&call.client));
    let asks = in_wave().find(|call| call.name == CallName::Connect);
    asks.or_else(|| in_wave().next()).map(|call| call.client)
}

fn swept(record: &Record) -> Option<ResolvedWave> {
    record.scenario.resolved_waves().into_iter().find(|wave| wave.swept)
}

/// The command that is swept, where that is one of several.
pub(super) fn command(record: &Record) -> Option<String> {
    swept(record).map(|wave| wave.command)
}

/// The point of a call, after those before it; `None` where nothing can be done to it.
fn point(call: &Call, before: &[&Call], fickle: &Fickle) -> Option<Point> {
    let made = matches!(call.result, CallResult::Returned(_))
        || call.name == CallName::Connect && call.error() == Some(libc::EINPROGRESS);
    let found_out = matches!(call.error(), Some(libc::ENOENT | libc::EEXIST));
    let matters = call.role().is_some() || call.name.is_network();
    // What another call has closed is no call, and no trigger counts it.
    if !(made || found_out) || !matters || call.is_implied() {
        return None;
    }
    let path = pattern(call, fickle);
    let compiled = path.as_deref().map(Pattern::new).transpose().ok()?;
    // By the rule by which a trigger counts.
    let alike =
        |it: &&&Call| it.name == call.name && !it.is_implied() && about(compiled.as_ref(), it);
    let earlier = before.iter().filter(alike).count();
    let nth = u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(1);
    let is_step = made && call.is_step();
    let shown = call.to_string();
    let (among_others, by_child) = (false, false);
    Some(Point {
        call: call.name,
        path,
        by: None,
        nth,
        shown,
        is_step,
        bytes: most(call),
        among_others,
        by_child,
    })
}

/// The bytes that a call can transfer at most, as far as the run tells: what it asks for, of which a read gets no more than
/// is there. One that got none, as at the end of a file, is not cut by any number. Of messages only their number is known.
fn most(call: &Call) -> Option<u64> {
    let asked = call.bytes?;
    let got = match call.result {
        CallResult::Returned(got) if reads(call) && !call.returns_messages() => {
            u64::try_from(got).unwrap_or(asked)
        }
        _ => asked,
    };
    Some(got.min(asked))
}

/// Whether a call reads or copies, and so asks for more than there may be.
fn reads(call: &Call) -> bool {
    use CallName::{CopyFileRange, Read, Recv, Sendfile};
    matches!(call.name, Read | Recv | Sendfile | CopyFileRange)
}

/// The pattern by which a call is known again: what its file is, where the description says so, since temporaries
/// have other names in every run; else its path, or its folder where it has another name in every run, too.
fn pattern(call: &Call, fickle: &Fickle) -> Option<String> {
    let place = call.subject().filter(|place| place.role.is_some()).or_else(|| {
        [call.path.as_ref(), call.to.as_ref()].into_iter().flatten().find(|it| it.role.is_some())
    })?;
    Some(match place.role? {
        Role::Other => {
            let path = Path::new(&place.path);
            let exact = escaped(path);
            match path.parent() {
                Some(folder) if fickle.contains(&exact) && folder != Path::new("") => {
                    format!("{}/*", escaped(folder))
                }
                Some(_) if fickle.contains(&exact) => "*".to_owned(),
                _ => exact,
            }
        }
        role => role.to_string(),
    })
}

fn escaped(path: &Path) -> String {
    globset::escape(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::call::Place;

    fn call(name: CallName, path: &str, role: Option<Role>) -> Call {
        Call {
            client: ClientId(1),
            pid: 1,
            tid: 1,
            name,
            path: Some(Place { path: path.to_owned(), role }),
            to: None,
            flags: String::new(),
            bytes: None,
            result: CallResult::Returned(0),
        }
    }

    #[test]
    fn a_point_is_known_again_by_what_its_file_is() {
        let write = call(CallName::Write, ".p.Ab3.tmp", Some(Role::Temp));
        let again = call(CallName::Write, ".p.Xy9.tmp", Some(Role::Temp));
        let first = point(&write, &[], &Fickle::new()).unwrap();
        assert_eq!(first.id(), "write-temp-1");
        assert_eq!(point(&again, &[&write], &Fickle::new()).unwrap().id(), "write-temp-2");
        let other = call(CallName::Mkdir, "crush[1]", Some(Role::Other));
        let other = point(&other, &[&write], &Fickle::new()).unwrap();
        assert_eq!(
            (other.id().as_str(), other.path.as_deref()),
            ("mkdir-crush---1-1", Some("crush[[]1[]]"))
        );
    }

    #[test]
    fn what_nobody_closed_by_name_is_no_point_and_is_not_counted() {
        let close = call(CallName::Close, "p.lock", Some(Role::Lock));
        let implied = Call { flags: "by dup2".to_owned(), ..close.clone() };
        assert_eq!(point(&implied, &[], &Fickle::new()), None);
        assert_eq!(point(&close, &[&implied], &Fickle::new()).unwrap().id(), "close-lock-1");
        assert_eq!(
            point(&close, &[&implied, &close], &Fickle::new()).unwrap().id(),
            "close-lock-2"
        );
    }

    #[test]
    fn what_found_nothing_is_failed_only_and_what_was_refused_is_no_point() {
        let mut failed = call(CallName::Open, "p", Some(Role::Published));
        failed.flags = "O_RDWR|O_CREAT".to_owned();
        assert!(point(&failed, &[], &Fickle::new()).unwrap().is_step);
        failed.result = CallResult::Failed(libc::ENOENT);
        assert!(!point(&failed, &[], &Fickle::new()).unwrap().is_step);
        failed.result = CallResult::Failed(libc::EACCES);
        assert_eq!(point(&failed, &[], &Fickle::new()), None);
        let mut lock = call(CallName::Flock, "p.lock", Some(Role::Lock));
        lock.result = CallResult::Failed(libc::EAGAIN);
        assert_eq!(point(&lock, &[], &Fickle::new()), None);
        assert_eq!(point(&call(CallName::Open, "/etc/hosts", None), &[], &Fickle::new()), None);
        let mut connect = call(CallName::Connect, "127.0.0.1:1", None);
        connect.result = CallResult::Failed(libc::EINPROGRESS);
        assert_eq!(point(&connect, &[], &Fickle::new()).unwrap().id(), "connect-network-1");
    }

    #[test]
    fn a_client_is_killed_at_its_steps_only() {
        let choice = Choice { kills: true, failures: true };
        let stat =
            point(&call(CallName::Stat, "p", Some(Role::Published)), &[], &Fickle::new()).unwrap();
        assert_eq!(deeds(&stat, choice), [Deed::Fail(Errno::Acces), Deed::Fail(Errno::Io)]);
        let rename =
            point(&call(CallName::Rename, "p", Some(Role::Published)), &[], &Fickle::new())
                .unwrap();
        let kills = deeds(&rename, Choice { failures: false, ..choice });
        assert_eq!(kills, [Deed::Kill(Phase::Before), Deed::Kill(Phase::After)]);
        let write = |bytes| {
            let call = Call { bytes, ..call(CallName::Write, "p", Some(Role::Temp)) };
            deeds(&point(&call, &[], &Fickle::new()).unwrap(), choice)
                .contains(&Deed::Short(ByteSize(1)))
        };
        assert!(write(Some(2)));
        assert!(!write(Some(1)), "there is nothing to be cut");
        assert!(!write(None));
        let read = |got| {
            let result = CallResult::Returned(got);
            let of_temp = call(CallName::Read, "p", Some(Role::Temp));
            let call = Call { bytes: Some(4096), result, ..of_temp };
            deeds(&point(&call, &[], &Fickle::new()).unwrap(), choice)
                .contains(&Deed::Short(ByteSize(1)))
        };
        assert!(read(2));
        assert!(!read(1) && !read(0), "it gets no more in any case");
        let messages = call(CallName::Recv, "127.0.0.1:1", None);
        let flags = crate::model::call::IN_MESSAGES.to_owned();
        let result = CallResult::Returned(1);
        let messages = Call { bytes: Some(4096), result, flags, ..messages };
        assert_eq!(most(&messages), Some(4096), "that is one message of any length");
        // It is killed in parts where it has several, and orphans are made of those that it has started.
        let parts = |among_others, by_child| {
            let point = Point { among_others, by_child, ..rename.clone() };
            deeds(&point, choice).into_iter().filter(|deed| deed.parts()).collect::<Vec<_>>()
        };
        let alone = [Deed::KillAlone(Phase::Before), Deed::KillAlone(Phase::After)];
        assert_eq!(parts(false, false), []);
        assert_eq!(parts(true, false), alone);
        assert_eq!(parts(true, true), [&alone[..], &[Deed::Orphan]].concat());
        let failures = Choice { kills: false, failures: true };
        let point = Point { among_others: true, by_child: true, ..rename };
        assert!(!deeds(&point, failures).iter().any(|deed| deed.kills()));
    }

    #[test]
    fn every_error_is_swept_at_some_call() {
        use Errno::{Acces, DQuot, Intr, Io, MFile, NoLck, NoSpc, RoFs};
        for errno in [NoSpc, DQuot, Io, Intr, Acces, RoFs, MFile, NoLck] {
            assert!(CallName::ALL.iter().any(|call| errors(*call).contains(&errno)), "{errno}");
        }
        // Whatever takes room may find none, or none that its user may have.
        for call in [
            CallName::Open,
            CallName::Write,
            CallName::Truncate,
            CallName::Fallocate,
            CallName::Rename,
            CallName::Mkdir,
            CallName::Mknod,
            CallName::Fsync,
        ] {
            let errors = errors(call);
            assert!(errors.contains(&NoSpc) && errors.contains(&DQuot), "{call}");
        }
    }
}
