//! `cachestorm serve`: the mock Catwalk server alone.

use std::process::ExitCode;

use super::args::ServeArgs;
use super::{Failure, Outcome, output};
use crate::catwalk::{Backend, Catwalk, Settings, serve_until};
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
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::harness)?;
    let mut stop = cancel.subscribe();
    let until = async move {
        // The sender lives in `cancel` as long as this program.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let served = runtime.block_on(serve_until(settings, args.port, until, greet, output::print));
    let counts = served.map_err(Failure::usage)?;
    output::note(&format!(
        "{} requests: {} fetches, {} answered with 200, {} with 304",
        counts.requests, counts.fetches, counts.ok, counts.not_modified
    ));
    Ok(ExitCode::SUCCESS)
}

fn greet(catwalk: &Catwalk) {
    output::note(&format!("Catwalk listens at http://{}; Ctrl-C ends it.", catwalk.addr()));
    output::note(&format!("  CATWALK_URL={}", catwalk.base_url(ClientId(1))));
}
