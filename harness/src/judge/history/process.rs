//! One process of the record, from its start to its end.

use std::time::Duration;

use super::Moment;
use crate::model::client::{ROLLBACK, is_of_kind};
use crate::model::fault::Fault;
use crate::model::record::{ExitStatus, Exited, Part, Sighting};
use crate::model::units::{ClientId, Nanos, Serial, Signal, Span};

/// A process that the harness started.
pub(in crate::judge) struct Process<'a> {
    /// Which.
    pub(in crate::judge) client: ClientId,
    /// Its number with the system; those that it starts have others.
    pub(in crate::judge) pid: u32,
    /// Why it runs.
    pub(in crate::judge) part: Part,
    /// The client's command by name.
    pub(in crate::judge) command: &'a str,
    /// The client that it runs, where that is not the one under test.
    pub(in crate::judge) with: Option<&'a str>,
    /// The catalogue that its command is to publish, where that is not the server's.
    pub(in crate::judge) publishes: Option<Serial>,
    /// Where it is a reading of a session: the first one.
    pub(in crate::judge) session: Option<ClientId>,
    /// When it was made.
    pub(in crate::judge) spawned: Moment,
    /// When it was let go.
    pub(in crate::judge) released: Option<Moment>,
    /// How it ended.
    pub(in crate::judge) exited: Option<(Moment, &'a Exited)>,
    /// When it outlived its deadline, and which that was.
    pub(in crate::judge) overdue: Option<(Moment, Span)>,
    /// For how long it was ready to run and had no processor.
    pub(in crate::judge) delayed: Duration,
    /// The processes that it left behind.
    pub(in crate::judge) left_behind: Option<(Moment, &'a [u32])>,
    /// The signals that injections sent to it while it lived.
    pub(in crate::judge) kills: Vec<(Moment, Signal)>,
    /// When injections suspended it, and when they woke it; a delay at a call is such a time, too.
    pub(in crate::judge) stops: Vec<(Moment, Option<Moment>)>,
    /// When injections held one of its calls up, and for how long: to be added to `stops`.
    pub(super) held_up: Vec<(Moment, Span)>,
    /// When the first of its calls that take a lock came back with it, where that was traced.
    pub(in crate::judge) locked: Option<Moment>,
    /// When injections made its system calls fail, or transfer less than they were asked for, or killed a process of
    /// its own at one.
    pub(in crate::judge) broken_calls: Vec<Moment>,
    /// Those of them that were calls of the network and came to nothing.
    pub(in crate::judge) lost_calls: Vec<Moment>,
    /// The faults that its connections met before there was a request.
    pub(in crate::judge) met: Vec<(Moment, Fault)>,
    /// Its requests, as indices into [`super::History::exchanges`].
    pub(in crate::judge) exchanges: Vec<usize>,
}

impl<'a> Process<'a> {
    /// A process that exists and has not been let go.
    pub(super) fn new(
        client: ClientId,
        pid: u32,
        part: Part,
        command: &'a str,
        spawned: Moment,
    ) -> Self {
        Self {
            client,
            pid,
            part,
            command,
            with: None,
            publishes: None,
            session: None,
            spawned,
            released: None,
            exited: None,
            overdue: None,
            delayed: Duration::ZERO,
            left_behind: None,
            kills: Vec::new(),
            stops: Vec::new(),
            held_up: Vec::new(),
            locked: None,
            broken_calls: Vec::new(),
            lost_calls: Vec::new(),
            met: Vec::new(),
            exchanges: Vec::new(),
        }
    }

    /// Whether an injection had made one of its calls fail by now, such as the one that takes the lock.
    pub(in crate::judge) fn had_broken_call(&self, now: Moment) -> bool {
        self.broken_calls.iter().any(|call| call.index < now.index)
    }

    /// Whether it reads through the cache, so that the TTL binds it.
    pub(in crate::judge) fn is_get(&self) -> bool {
        self.command == "get"
    }

    /// The client that its process was started as, which is what the network knows it by.
    pub(in crate::judge) fn started_as(&self) -> ClientId {
        self.session.unwrap_or(self.client)
    }

    /// Whether its process had read before, so that it may have kept what it read.
    pub(in crate::judge) fn reads_again(&self) -> bool {
        self.session.is_some_and(|first| first != self.client)
    }

    /// Whether it runs a command that goes back to an earlier catalogue: `rollback`, or one whose name begins so.
    pub(in crate::judge) fn goes_back(&self) -> bool {
        is_of_kind(self.command, ROLLBACK)
    }

    /// Whether it belongs to a wave.
    pub(in crate::judge) fn is_in_wave(&self) -> bool {
        matches!(self.part, Part::Wave(_))
    }

    /// Whether it runs after the faults have ended.
    pub(in crate::judge) fn is_probe(&self) -> bool {
        matches!(self.part, Part::ProbeNow | Part::ProbeNextWindow)
    }

    /// When it ended, by itself or by the harness.
    pub(in crate::judge) fn ended(&self) -> Option<Moment> {
        self.overdue.map(|(moment, _)| moment).or(self.exited.map(|(moment, _)| moment))
    }

    /// When an injection first sent it a signal that ends processes.
    pub(in crate::judge) fn killed(&self) -> Option<Moment> {
        self.kills.first().map(|(moment, _)| *moment)
    }

    /// Its end with exit code 0, where it had one and kept its deadline.
    pub(in crate::judge) fn succeeded(&self) -> Option<(Moment, &'a Exited)> {
        let ended = self.exited.filter(|(_, exited)| exited.status.success());
        ended.filter(|_| self.overdue.is_none())
    }

    /// The whole catalogue that it returned with exit code 0.
    pub(in crate::judge) fn returned(&self) -> Option<(Moment, Serial)> {
        let (moment, exited) = self.succeeded()?;
        Some((moment, exited.got.serial()?))
    }

    /// Whether it had been let go and had not ended at an event.
    pub(in crate::judge) fn is_alive_at(&self, event: usize) -> bool {
        self.released.is_some_and(|released| released.index <= event)
            && self.ended().is_none_or(|ended| ended.index > event)
    }

    /// The events between which it ran; open where it never ended, `None` where it never ran.
    pub(in crate::judge) fn life(&self) -> Option<(usize, usize)> {
        let released = self.released?.index;
        Some((released, self.ended().map_or(usize::MAX, |ended| ended.index)))
    }

    /// How long it ran on its own time: without the time for which an injection had suspended it.
    pub(in crate::judge) fn time_run(&self) -> Option<Duration> {
        let (released, ended) = (self.released?, self.ended()?);
        Some(ended.since(released).saturating_sub(self.time_suspended()))
    }

    /// For how long injections had suspended it, until its end.
    pub(in crate::judge) fn time_suspended(&self) -> Duration {
        let Some(ended) = self.ended() else { return Duration::ZERO };
        // Nothing is done to a process that has ended, so the end of a stop comes before.
        self.stops.iter().map(|(from, to)| to.unwrap_or(ended).since(*from)).sum()
    }

    /// An injection broke one of its calls, one of the network that came to nothing if `lost`.
    pub(super) fn breaks(&mut self, now: Moment, lost: bool) {
        self.broken_calls.push(now);
        self.lost_calls.extend(lost.then_some(now));
    }

    pub(super) fn was_delayed(&mut self, micros: Option<u64>) {
        self.delayed = self.delayed.max(micros.map_or(Duration::ZERO, Duration::from_micros));
    }

    /// Whether an injection suspended it and none woke it.
    pub(in crate::judge) fn is_stopped_for_good(&self) -> bool {
        self.stops.iter().any(|(_, to)| to.is_none())
    }

    /// Counts the delays at its calls among the times for which it was suspended, now that every moment is known.
    pub(super) fn fold_delays(&mut self, moments: &[Moment]) {
        let ended = self.ended();
        for (from, span) in std::mem::take(&mut self.held_up) {
            let nanos = u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX);
            let at = Nanos(from.at.0.saturating_add(nanos));
            let index = moments.partition_point(|moment| moment.at.0 < at.0).max(from.index + 1);
            let cache_time = from.cache_time.saturating_add(nanos);
            let over = Moment { index, at, cache_time };
            let cut = ended.filter(|ended| ended.at.0 <= at.0);
            self.stops.push((from, Some(cut.unwrap_or(over))));
        }
        self.stops.sort_by_key(|(from, _)| from.index);
    }

    /// Whether its end shows a failure of its own: a code other than 0, or a signal that a program
    /// brings upon itself. `None` where a signal came that is neither the program's nor the harness's.
    pub(in crate::judge) fn failed_by_itself(&self) -> Option<bool> {
        let exited = self.exited?.1;
        match exited.status {
            ExitStatus::Code(_) => Some(!exited.is_success()),
            ExitStatus::Signal { ours: true, .. } => Some(false),
            ExitStatus::Signal { number, .. } => is_own_doing(number).then_some(true),
        }
    }

    /// Whether it was ended by a signal that neither the harness sent nor a program brings upon itself.
    pub(in crate::judge) fn foreign_signal(&self) -> Option<(Moment, i32)> {
        let (moment, exited) = self.exited?;
        match exited.status {
            ExitStatus::Signal { number, ours: false }
                if !is_own_doing(number) && self.kills.is_empty() =>
            {
                Some((moment, number))
            }
            _ => None,
        }
    }

    /// Whether what it printed may stand with exit code 0: a whole catalogue, or nothing where its
    /// description or its command promises none.
    pub(in crate::judge) fn output_is_whole(&self, got: &Sighting) -> bool {
        match got {
            Sighting::Whole { .. } | Sighting::NotShown => true,
            Sighting::Absent => !self.is_get(),
            Sighting::Damaged { .. } | Sighting::Planted => false,
        }
    }
}

/// ILL, TRAP, ABRT, BUS (Linux), FPE, SEGV, PIPE, XFSZ and SYS: a program earns these itself. BUS of
/// macOS (10) is USR1 on Linux and so cannot be told here.
fn is_own_doing(signal: i32) -> bool {
    matches!(signal, 4..=8 | 11 | 13 | 25 | 31)
}
