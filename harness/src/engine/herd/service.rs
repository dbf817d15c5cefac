//! The programs that run beside a client: started before it, and taken away by injections.
//!
//! A service is no client: nothing that it does is recorded or judged, except that one which ends by
//! itself breaks the run off.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::world::Herd;
use crate::client::prepare;
use crate::client::process::{self, Ended, Notice, Scope, send};
use crate::model::client::Client;
use crate::model::record::What;
use crate::model::units::ClientId;

/// Below the ports that systems choose from for outgoing connections: one of these could otherwise take a
/// service's port while that is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The time between two looks at a service that is about to listen.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A service that was started and not killed.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    hangs: bool,
    notices: mpsc::UnboundedReceiver<Notice>,
}

/// A port for each of the client's services that nobody listens on now.
pub fn ports(client: &Client) -> std::io::Result<BTreeMap<String, u16>> {
    let mut held = Vec::new();
    client
        .services
        .keys()
        .map(|name| {
            // A first port that is taken says nothing about the next.
            let mut found = Err(std::io::Error::from(std::io::ErrorKind::AddrInUse));
            for _ in 0..100 {
                let port = rand::rng().random_range(PORTS);
                found = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
                if found.is_ok() {
                    break;
                }
            }
            let listener = found?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            Ok((name.clone(), port))
        })
        .collect()
}

impl Herd<'_> {
    /// Brings every service up; where one does not come, the run is broken off.
    pub async fn services_up(&mut self) {
        let names: Vec<String> = self.spec.client.services.keys().cloned().collect();
        for name in names {
            if let Err(why) = self.service_up(&name).await {
                self.interrupt(&format!("the service `{name}` is not up: {why}"));
                return;
            }
        }
    }

    /// Ends every service. One that had ended by itself breaks the run off: what the clients did without
    /// it was not the scenario's doing.
    pub async fn end_services(&mut self) {
        for (name, mut running) in std::mem::take(&mut self.services) {
            if let Ok(Notice::Ended(ended)) = running.notices.try_recv() {
                self.interrupt(&format!("the service `{name}` ended by itself {}", how(&ended)));
                continue;
            }
            end(&mut running).await;
        }
    }

    /// Lets a service answer: it is started, or goes on. When this returns it takes connections.
    pub(super) async fn service_up(&mut self, name: &str) -> Result<(), String> {
        if let Some(running) = self.services.get_mut(name) {
            if running.hangs {
                running.hangs = false;
                send(running.pid, libc::SIGCONT, Scope::Group)
                    .map_err(|error| error.to_string())?;
            }
            return Ok(());
        }
        let described = self.spec.client.services.get(name).zip(self.port(name));
        let (service, port) = described.ok_or("the client describes no such service")?;
        let words: Vec<String> =
            service.command.iter().map(|word| word.replace("{port}", &port.to_string())).collect();
        let marker = format!("{}{name}", self.tag());
        let surroundings = &self.disk.surroundings;
        let url = self.own_base_url();
        let invocation =
            prepare::invocation_of(&self.spec.client, &words, surroundings, &url, &marker)
                .map_err(|error| error.to_string())?;
        let explain = |error: std::io::Error| process::explain(&error, &invocation.program);
        let held = process::Held::start_free(&invocation).map_err(explain)?;
        let pid = held.pid();
        let (tell, notices) = mpsc::unbounded_channel();
        let deadline = self.deadline.saturating_duration_since(Instant::now());
        // It stands at no barrier, so there is nothing to let go.
        held.ready().map_err(explain)?.watch(ClientId(0), deadline, tell);
        let mut running = Running { pid, hangs: false, notices };
        if let Err(why) = self.until_it_listens(&mut running, port).await {
            end(&mut running).await;
            return Err(why);
        }
        let text = format!("the service {name} is up (pid {pid}, port {port})");
        self.recorder.add(Instant::now(), What::Note { text });
        self.services.insert(name.to_owned(), running);
        Ok(())
    }

    async fn until_it_listens(&self, running: &mut Running, port: u16) -> Result<(), String> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        loop {
            if TcpStream::connect(addr).await.is_ok() {
                return Ok(());
            }
            match running.notices.try_recv() {
                Ok(Notice::Ended(ended)) => return Err(format!("it ended {}", how(&ended))),
                Ok(Notice::Lost { error, .. }) => return Err(error),
                _ => {}
            }
            if *self.spec.cancel.borrow() {
                return Err("stopped by the user".to_owned());
            }
            if Instant::now() >= self.deadline {
                return Err(format!("nothing listened on port {port} in time"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn port(&self, name: &str) -> Option<u16> {
        self.disk.surroundings.ports.get(name).copied()
    }

    /// Kills a service. When this returns, connections to it are refused.
    pub(super) async fn service_down(&mut self, name: &str) -> Result<(), String> {
        let mut running = self.services.remove(name).ok_or("it was down already")?;
        end(&mut running).await;
        Ok(())
    }

    /// Suspends a service.
    pub(super) fn service_hang(&mut self, name: &str) -> Result<(), String> {
        let running = self.services.get_mut(name).ok_or("it was down already")?;
        running.hangs = true;
        send(running.pid, libc::SIGSTOP, Scope::Group).map_err(|error| error.to_string())
    }
}

/// Kills a service's process group and waits for its end.
async fn end(running: &mut Running) {
    // A group that is gone has ended by itself.
    let _ = send(running.pid, libc::SIGKILL, Scope::Group);
    while let Some(notice) = running.notices.recv().await {
        if matches!(notice, Notice::Ended(_) | Notice::Lost { .. }) {
            return;
        }
    }
}

fn how(ended: &Ended) -> String {
    let how = match ended.status {
        Ok(code) => format!("with exit code {code}"),
        Err(number) => format!("by signal {number}"),
    };
    let streams = [&ended.stderr.kept, &ended.stdout.kept];
    let said = streams.into_iter().find(|kept| !kept.is_empty());
    let said = said.map(|kept| String::from_utf8_lossy(kept).into_owned()).unwrap_or_default();
    match said.lines().last() {
        Some(line) => format!("{how}, saying \"{line}\""),
        None => how,
    }
}
