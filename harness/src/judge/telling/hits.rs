//! How many reads have hit: found a fresh catalogue in memory or in the file, and neither waited nor asked.

use super::{Held, Life, counts};
use crate::judge::history::{History, Process};
use crate::judge::windows::Phase;
use crate::model::tells::{Fact, Subject};

/// Holds a number against who has read by then. Whoever sent no request may have hit, or have waited for another that
/// published; who was let go in an open window and ended in it has hit.
pub(super) fn hold(history: &History<'_>, life: Life, text: &str) -> Held {
    let told = match counts::number(Subject::Hits, text) {
        Ok(told) => told,
        Err(lie) => return lie,
    };
    let Some((least, most)) = range(history, life) else { return Held::Unknown };
    if (least..=most).contains(&told) {
        return Held::True(Fact::Hits);
    }
    let lie = format!(
        "told {told} hits, and {least} had read in an open window and {most} in all had read and asked nothing"
    );
    Held::Lie(Some(Fact::Hits), lie)
}

/// Holds the number of hits in memory against who may have had any: whoever sent no request, and whose process had read
/// before. That it was the memory nobody but the process knows, so that none at all is no lie, and proves nothing.
pub(super) fn hold_memory(history: &History<'_>, life: Life, text: &str) -> Held {
    let told = match counts::number(Subject::MemoryHits, text) {
        Ok(told) => told,
        Err(lie) => return lie,
    };
    let again = history.processes.iter().filter(|process| {
        let let_go = process.released.is_some_and(|at| at.index < life.ended.index);
        process.reads_again() && let_go && history.fetches_of(process).next().is_none()
    });
    match (told, again.count() as u64) {
        (0, _) => Held::Unknown,
        (told, most) if told <= most => Held::True(Fact::MemoryHits),
        (told, most) => {
            let lie = format!(
                "told {told} memory-hits, and {most} had read in a process that had read before, and asked nothing"
            );
            Held::Lie(None, lie)
        }
    }
}

/// The least and the most that may have been counted; `None` where somebody may have read any number of times.
fn range(history: &History<'_>, life: Life) -> Option<(u64, u64)> {
    let let_go = |it: &&Process<'_>| it.released.is_some_and(|at| at.index < life.ended.index);
    let lost = counts::is_lost(history, life);
    let mut range = (0, 0);
    for process in history.processes.iter().filter(let_go) {
        match reads(process) {
            Some(0) => continue,
            Some(_) if history.fetches_of(process).next().is_some() => continue,
            Some(_) => {}
            None => return None,
        }
        range.1 += 1;
        if !lost && counts::has_counted(history, life, process) && has_hit(history, process) {
            range.0 += 1;
        }
    }
    Some(range)
}

/// How many times a command reads through the cache; `None` where that is not known, as of one that keeps watch.
fn reads(process: &Process<'_>) -> Option<u32> {
    let by_hand = process.goes_back() || process.publishes.is_some();
    let tells = process.exited.is_some_and(|(_, exited)| exited.told.is_some());
    match process.command {
        "get" => Some(1),
        "update" | "clear" => Some(0),
        _ if by_hand || tells => Some(0),
        _ => None,
    }
}

/// Whether a process that asked nothing was let go in an open window, ended in it, and returned what lay there.
fn has_hit(history: &History<'_>, process: &Process<'_>) -> bool {
    let (Some(released), Some((ended, _))) = (process.released, process.returned()) else {
        return false;
    };
    let window = history.windows.before(released.index).map(|last| &history.windows.all[last]);
    window.is_some_and(|window| {
        let open = |moment| window.phase(moment, history.ttl) == Phase::Open;
        let acts = history.faults.published_touched(released.index, ended.index);
        open(released) && open(ended) && !acts
    })
}
