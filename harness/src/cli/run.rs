//! `cachestorm run`: scenarios against a client, a report at the end.

use std::env;
use std::ffi::OsString;

use anyhow::{Context, anyhow, ensure};
use tempfile::TempDir;

use super::args::RunArgs;
use super::progress::Live;
use super::{Failure, Outcome, output, publish};
use crate::client::strays;
use crate::model::plan::Shard;
use crate::scenario::load::Entry;
use crate::scenario::{builtin, resolve};
use crate::shard::engines::Asked;
use crate::shard::{self, engines};
use crate::suite::{self, Options, Progress, Subject};

pub use crate::suite::default_jobs;

/// The seed of a part where none is given: every part of a run must have the same.
const SEED_OF_SHARDS: u64 = 0;

/// Runs the subcommand.
pub fn run(args: &RunArgs) -> Outcome {
    let entries =
        resolve::scenarios(&args.scenarios, builtin::scenarios()).map_err(Failure::usage)?;
    let (subject, _helpers) = subject(&args.client)?;
    publish::can_be(&args.wanted).map_err(Failure::usage)?;
    let mut options = Options::new(&args.out);
    options.repeat = args.repeat;
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.shard = shard(args.shard).map_err(Failure::usage)?;
    options.seed = args.seed.unwrap_or_else(|| match options.shard {
        Some(_) => SEED_OF_SHARDS,
        None => rand::random(),
    });
    let total = share(&entries, &subject, &options).map_err(Failure::usage)?;
    options.cancel.on_signals().map_err(Failure::harness)?;
    let live = Live::new(total, args.repeat);
    let childless = strays::is_childless();
    let (run, dir) = suite::run(&entries, &subject, &options, &live as &dyn Progress)
        // The folder is the user's to choose.
        .map_err(|error| Failure::usage(anyhow::Error::new(error).context("no run was begun")))?;
    live.end();
    if childless {
        end_unmarked();
    }
    publish::publish(&run, &dir, &args.wanted)
}

/// The part to run, where one is asked for by the argument or by the variable.
fn shard(argument: Option<Asked>) -> anyhow::Result<Option<Shard>> {
    let variable = env::var(shard::VARIABLE).ok().filter(|text| !text.is_empty());
    let asked = match (argument, variable) {
        (Some(asked), _) => asked,
        (None, Some(text)) => {
            let asked = text.parse::<Asked>();
            let asked = asked.map_err(|error| anyhow!("{}: {error}", shard::VARIABLE))?;
            output::note(&format!("{} asks for a part: {text}.", shard::VARIABLE));
            asked
        }
        (None, None) => return Ok(None),
    };
    match asked {
        Asked::Shard(shard) => Ok(Some(shard)),
        Asked::Auto { of } => {
            let (shard, engine) =
                engines::detect(of, |name| env::var(name).ok()).map_err(anyhow::Error::msg)?;
            output::note(&format!("{engine} says that this is shard {shard}."));
            Ok(Some(shard))
        }
    }
}

/// How many trials this run is to make; it says so where that is a part of all.
fn share(entries: &[Entry], subject: &Subject, options: &Options) -> anyhow::Result<u64> {
    let plan = shard::plan(entries, subject, options);
    let all = plan.trials().count();
    let own = shard::partition(&plan, plan.shard).len();
    if !plan.shard.is_whole() {
        let (shard, seed) = (plan.shard, options.seed);
        // Said to every part alike, so that none passes because it had nothing to do.
        ensure!(
            all >= usize::try_from(shard.of())?,
            "shard {shard}: there are only {all} trials, and some shards would have none; \
             write --shard K/N with N up to {all}"
        );
        output::note(&format!("Shard {shard}: {own} of {all} trials, seed {seed}."));
    }
    Ok(u64::try_from(own)?)
}

/// Ends what clients have left behind in an environment of their own, which the engine cannot find.
pub fn end_unmarked() {
    let pids = strays::end_unmarked();
    if !pids.is_empty() {
        output::note(&format!(
            "Clients left processes behind whose environment does not tell whose they were; killed: {}.",
            pids.len()
        ));
    }
}

/// A client with its helper files; these live as long as the folder that is returned with it.
pub fn subject(client: &str) -> Result<(Subject, TempDir), Failure> {
    let chosen = resolve::client(client).map_err(Failure::usage)?;
    let helpers = tempfile::tempdir().map_err(Failure::harness)?;
    let dir = chosen.materialise(helpers.path()).map_err(Failure::harness)?;
    let cache_client = cache_client().map_err(Failure::harness)?;
    Ok((Subject { client: chosen.client, dir, cache_client }, helpers))
}

/// The clients that this program holds itself are this program, called in another way.
fn cache_client() -> anyhow::Result<Vec<OsString>> {
    let program = env::current_exe().context("find the program itself")?;
    Ok(vec![program.into_os_string(), "client".into()])
}
