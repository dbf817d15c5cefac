//! `cachestorm serve`: the mock Catwalk server alone.

use std::process::ExitCode;

use super::args::ServeArgs;
use super::{Failure, Outcome, output};
use crate::catwalk::{Backend, Catwalk, Interference, Settings, serve_until};
use crate::model::units::ClientId;
use crate::suite::cancel::Cancel;

/// Runs the subcommand, until Ctrl-C.
pub fn run(args: &ServeArgs) -> Outcome {
    let cancel = Cancel::default();
    cancel.on_signals().map_err(Failure::harness)?;
    let settings = Settings {
        latency: args.latency,
        body: args.body,
        etag: args.etag,
        cache_control: None,
        backend: Backend::default(),
        seed: args.seed,
        ..Settings::default()
    };
    let client = args.fault_client.map(ClientId);
    let fetches = args.fault_fetches.clone();
    let interference = args.fault.map(|fault| Interference { fault, client, fetches });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    let mut stop = cancel.subscribe();
    let until = async move {
        // The sender lives in `cancel` as long as this program.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let greet = |catwalk: &Catwalk| greet(catwalk, interference.as_ref());
    let serving =
        serve_until(settings, args.port, interference.clone(), until, greet, output::print);
    let served = runtime.block_on(serving);
    let counts = served.map_err(Failure::usage)?;
    output::note(&format!(
        "{} requests: {} fetches, {} answered with 200, {} with 304",
        counts.requests, counts.fetches, counts.ok, counts.not_modified
    ));
    Ok(ExitCode::SUCCESS)
}

fn greet(catwalk: &Catwalk, interference: Option<&Interference>) {
    output::note(&format!("Catwalk listens at http://{}; Ctrl-C ends it.", catwalk.addr()));
    let example = interference.and_then(|it| it.client).unwrap_or(ClientId(1));
    output::note(&format!("  CATWALK_URL={}", catwalk.base_url(example)));
    let Some(Interference { fault, client, fetches }) = interference else { return };
    let whose = client.map_or_else(|| "every client".to_owned(), |client| client.to_string());
    let which = match fetches.as_slice() {
        [] => String::new(),
        some => {
            let numbers: Vec<String> = some.iter().map(ToString::to_string).collect();
            format!(", by fetch {}", numbers.join(", "))
        }
    };
    let facts = fault.facts();
    output::note(&format!("  The fault {fault} is met by {whose}{which}: {}.", facts.wire));
}
