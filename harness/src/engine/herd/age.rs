//! The cache is made older, in the client's own way.

use std::time::Duration;

use tokio::sync::mpsc;

use super::errand::Errand;
use super::world::Herd;
use crate::client::prepare;
use crate::client::process::{self, Ended, Notice, Scope, send};
use crate::inject::disk::DiskError;
use crate::inject::times::AGE_MARGIN;
use crate::model::client::Age;
use crate::model::record::Part;
use crate::model::units::ClientId;

/// Who ages the cache, for the server and for the marker: no client of a wave.
const NOBODY: ClientId = ClientId(0);

impl Herd<'_> {
    /// Makes the cache older.
    pub async fn age(&mut self, by: Duration) -> Result<(), DiskError> {
        match &self.spec.client.age {
            Age::Mtime => self.disk.age_mtimes(by),
            Age::Command(words) => self.age_by_command(words, by).await.map_err(DiskError::Nothing),
        }
    }

    /// Makes the cache older than what the client promises to serve when the server is away.
    pub async fn age_past_bound(&mut self) -> Result<(), DiskError> {
        let bound = self.spec.client.effective_stale_bound(self.disk.surroundings.ttl);
        let none = || DiskError::Nothing("the client's description states no bound".to_owned());
        self.age(bound.ok_or_else(none)?.0 + AGE_MARGIN).await
    }

    /// Runs the client's own command as a client is run: in its environment, in a group of its own,
    /// under guard, and no longer than a client may live.
    async fn age_by_command(&mut self, words: &[String], by: Duration) -> Result<(), String> {
        let seconds = by.as_secs().to_string();
        let words: Vec<String> =
            words.iter().map(|word| word.replace("{seconds}", &seconds)).collect();
        let url = self.own_base_url();
        let marker = format!("{}{NOBODY}", self.tag());
        let surroundings = &self.disk.surroundings;
        let invocation =
            prepare::invocation_of(&self.spec.client, &words, surroundings, &url, &marker)
                .map_err(|error| error.to_string())?;
        let confinement = self.confinement(Errand::apart(&self.spec.scenario, Part::Setup).under);
        let invocation = prepare::Invocation { confinement, ..invocation };
        let explain = |error: std::io::Error| process::explain(&error, &invocation.program);
        let held = process::Held::start_free(&invocation).map_err(explain)?;
        let pid = held.pid();
        let (tell, mut notices) = mpsc::unbounded_channel();
        let deadline = self.spec.scenario.clients.deadline;
        // It stands at no barrier, so there is nothing to let go.
        held.ready().map_err(explain)?.watch(NOBODY, deadline.0, tell);
        let mut cancel = self.spec.cancel.clone();
        let mut overdue = false;
        loop {
            tokio::select! {
                biased;
                Ok(_) = cancel.wait_for(|cancelled| *cancelled), if !self.interrupted => {
                    self.interrupt("stopped by the user");
                    // A group that is gone has ended by itself.
                    let _ = send(pid, libc::SIGKILL, Scope::Group);
                }
                notice = notices.recv() => match notice {
                    Some(Notice::Released { .. }) => {}
                    Some(Notice::Overdue { .. }) => overdue = true,
                    Some(Notice::Ended(_)) if overdue => {
                        return Err(format!(
                            "the client's `age` command outlived the deadline of {deadline} and was killed"
                        ));
                    }
                    Some(Notice::Ended(ended)) => return judge(&ended),
                    Some(Notice::Lost { error, .. }) => return Err(error),
                    // It is no session.
                    Some(Notice::Answered(_) | Notice::Garbled { .. }) => {}
                    None => return Err("the client's `age` command has no end".to_owned()),
                },
            }
        }
    }
}

fn judge(ended: &Ended) -> Result<(), String> {
    let how = match ended.status {
        Ok(0) => return Ok(()),
        Ok(code) => format!("exit code {code}"),
        Err(number) => format!("signal {number}"),
    };
    let said = String::from_utf8_lossy(&ended.stderr.kept);
    let said = said.lines().next().map(|line| format!(": it said \"{line}\"")).unwrap_or_default();
    Err(format!("the client's `age` command ended with {how}{said}"))
}
