//! Where the machine lets no client come to the server, that is said, and no client is blamed.
#![cfg(target_os = "linux")]
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::support::{Place, RUN};

/// One update after another: each of them must ask.
const UPDATES: &str = "[clients]\ncount = 10\nstart = \"one-by-one\"\ncommand = \"update\"\n";

/// Whether the loopback interface of the network is up, and how many ports there are to be given.
struct Network {
    up: bool,
    ports: u32,
}

/// Runs `scenario` in a network of its own, and checks what is said. It is told where the system allows
/// no such network, as some containers do.
fn check(network: Network, scenario: &str, code: i32, parts: &[&str]) {
    let place = Place::new(scenario, "exec \"$CACHESTORM\" client reference \"$@\"\n");
    let update = "commands.update = [\"sh\", \"{client_dir}/client.sh\", \"update\"]\nstdout = ";
    let client = place.read("client.toml");
    place.write("client.toml", &client.replace("stdout = ", update));
    let mut trial = Command::new("true");
    isolate(&mut trial, true, 2);
    if let Err(error) = trial.status() {
        cachestorm::suite::skip(&format!("this system allows no network of one's own: {error}"));
        return;
    }
    let mut command = place.command(RUN);
    isolate(&mut command, network.up, network.ports);
    let ended = place.start(command).end();
    ended.check(code, parts);
    assert!(!ended.said().contains("truthful-exit"), "a client was blamed: {}", ended.said());
}

/// Makes a command run in a network of its own.
fn isolate(command: &mut Command, up: bool, ports: u32) {
    let range = format!("40000 {}", 40_000 + ports - 1);
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            // Root needs no user namespace, and with one it would lose the right to its own files.
            let user = if libc::geteuid() == 0 { 0 } else { libc::CLONE_NEWUSER };
            succeed(libc::unshare(libc::CLONE_NEWNET | user))?;
            if up {
                bring_up()?;
            }
            File::options()
                .write(true)
                .open("/proc/sys/net/ipv4/ip_local_port_range")?
                .write_all(range.as_bytes())
        });
    }
}

/// Brings the loopback interface up (netdevice(7)).
fn bring_up() -> io::Result<()> {
    // SAFETY: ifreq is a plain C structure, valid when zeroed, and its name has room for what is put
    // into it; the socket is this function's own.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (place, letter) in request.ifr_name.iter_mut().zip(*b"lo") {
            *place = letter.cast_signed();
        }
        request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        succeed(socket)?;
        let done = succeed(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request));
        libc::close(socket);
        done
    }
}

fn succeed(returned: i32) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[test]
fn a_machine_without_a_free_port_is_named() {
    let said = ["no free port on 127.0.0.1", "run fewer scenarios at once"];
    check(Network { up: true, ports: 1 }, "", 70, &said);
}

#[test]
fn ports_that_run_out_in_the_midst_of_a_run_are_no_fault_of_the_clients() {
    let said = ["inconclusive", "clients cannot connect to Catwalk: no free port on 127.0.0.1"];
    check(Network { up: true, ports: 8 }, UPDATES, 2, &said);
}

#[test]
fn enough_ports_are_enough() {
    check(Network { up: true, ports: 100 }, UPDATES, 0, &["1 scenario: 1 passed"]);
}

#[test]
fn a_machine_without_loopback_is_named() {
    let said = ["127.0.0.1 cannot be reached", "ip link set lo up"];
    check(Network { up: false, ports: 100 }, "", 70, &said);
}
