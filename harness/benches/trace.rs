//! What the tracer adds to the time of programs, beside what `strace -f --seccomp-bpf` adds.
//!
//! The same command runs by itself, under the tracer and under strace, in turn, each time in a fresh directory
//! on a tmpfs where there is one. What either adds is its time less that of the command by itself in the same
//! round; printed are the medians, and the median ratio of the two with its quartiles. The aim is that the
//! tracer adds no more than half of what strace adds.
//!
//! Strace is asked for the same calls. It cannot tell an `mmap` of a file or an `fcntl` of a lock from the
//! others in the kernel, as the tracer's filter does; `ioctl` is left out for that reason. It prints to a file,
//! and is not asked to say what descriptors stand for, which the tracer always finds out.
//!
//! Run with `cargo bench -p cachestorm --bench trace`; words after `--` choose programs, and a number says how
//! many rounds (15).

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() {
    linux::main();
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("{}", cachestorm::trace::lacks().unwrap_or_default());
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::collections::BTreeMap;
    use std::env;
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use cachestorm::client::prepare::Invocation;
    use cachestorm::client::process::{Confinement, Scope, send};
    use cachestorm::model::call::CallName;
    use cachestorm::model::units::ClientId;
    use cachestorm::record::roles::Roles;
    use cachestorm::trace::Tracer;
    use cachestorm::trace::terms::{Attention, Heard, Reach, Settings, Territory};

    /// What is run, by name. Each is a command that needs no more than its program and a shell.
    const PROGRAMS: [(&str, &[&str]); 7] = [
        (
            "sh",
            &[
                "sh",
                "-c",
                "for i in 1 2 3 4 5 6 7 8; do echo $i > a.tmp; mv a.tmp a; cat a > b; rm b; done",
            ],
        ),
        (
            "git",
            &[
                "sh",
                "-c",
                "git init -q .; echo 1 > a; git add a; git -c user.name=t -c user.email=t@t commit -qm one; git status",
            ],
        ),
        (
            "tar",
            &["sh", "-c", "tar -cf out.tar /usr/share/perl5 2> list; tar -xf out.tar; rm -rf usr"],
        ),
        (
            "sqlite3",
            &[
                "sqlite3",
                "db",
                "create table t (a); insert into t values (1); insert into t select a + 1 from t; \
                 update t set a = 2; delete from t; vacuum",
            ],
        ),
        (
            "python3",
            &[
                "python3",
                "-c",
                "import json, os, subprocess, http.client\nfor i in range(200):\n open('a.tmp', 'w').write('x' * 5000); os.replace('a.tmp', 'a'); open('a').read()",
            ],
        ),
        (
            "node",
            &[
                "node",
                "-e",
                "const fs = require('fs'); for (let i = 0; i < 200; i++) { fs.writeFileSync('a.tmp', 'x'.repeat(5000)); fs.renameSync('a.tmp', 'a'); fs.readFileSync('a') }",
            ],
        ),
        ("cc", &["sh", "-c", "echo 'int main(void) { return 0; }' > a.c; cc -o a a.c"]),
    ];

    /// The same calls as the tracer's, by the names of strace, which passes over those that it does not know.
    const CALLS: &str = "trace=?open,?openat,?openat2,?creat,?read,?pread64,?readv,?preadv,?preadv2,?write,\
        ?pwrite64,?writev,?pwritev,?pwritev2,?sendfile,?splice,?copy_file_range,?rename,?renameat,?renameat2,\
        ?link,?linkat,?symlink,?symlinkat,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir,?mknod,?mknodat,?truncate,\
        ?ftruncate,?fallocate,?fsync,?syncfs,?sync_file_range,?fdatasync,?flock,?fcntl,?utime,?utimes,\
        ?futimesat,?utimensat,?chmod,?fchmod,?fchmodat,?fchmodat2,?chown,?lchown,?fchown,?fchownat,?stat,\
        ?lstat,?fstat,?newfstatat,?statx,?access,?faccessat,?faccessat2,?readlink,?readlinkat,?mmap,?connect,\
        ?sendto,?sendmsg,?sendmmsg,?recvfrom,?recvmsg,?recvmmsg,?close,?exit_group,?setxattr,?fsetxattr,\
        ?lsetxattr,?removexattr,?fremovexattr,?lremovexattr,?getdents64,?getdents";

    const ROUNDS: usize = 15;

    fn find(program: &str) -> Option<PathBuf> {
        let dirs = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&dirs).map(|dir| dir.join(program)).find(|path| path.is_file())
    }

    fn environment(dir: &Path) -> BTreeMap<OsString, OsString> {
        let path = env::var_os("PATH").unwrap_or_default();
        BTreeMap::from([("PATH".into(), path), ("HOME".into(), dir.into())])
    }

    /// The time of a command that is started in the ordinary way.
    fn ordinary(program: &Path, args: &[OsString], dir: &Path) -> Duration {
        let began = Instant::now();
        let status = Command::new(program)
            .args(args)
            .env_clear()
            .envs(environment(dir))
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the command starts");
        assert!(status.success(), "{}: {status}", program.display());
        began.elapsed()
    }

    /// The time of the same under the tracer, from its start to the end of the command, and how many calls it
    /// told of.
    fn traced(program: &Path, args: &[OsString], dir: &Path) -> (Duration, usize) {
        let began = Instant::now();
        let territory = Territory { roots: vec![dir.to_owned()], roles: Roles::default() };
        let (reach, gates) = (Reach::Territory, Vec::new());
        let settings = Settings { territory, reach, gates, look: Box::new(|| {}) };
        let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let tracer = Tracer::start(settings, tell).expect("a tracer");
        let invocation = Invocation {
            program: program.to_owned(),
            args: args.to_owned(),
            env: environment(dir),
            dir: dir.to_owned(),
            confinement: Confinement::default(),
            asked: false,
        };
        let held =
            tracer.launch(ClientId(1), invocation, Attention::All).expect("the command starts");
        send(held.pid(), libc::SIGCONT, Scope::Process).expect("the command is let go");
        let mut calls = 0;
        loop {
            let Heard::Call { call, .. } = heard.blocking_recv().expect("the tracer lives") else {
                continue;
            };
            calls += 1;
            if call.name == CallName::Exit && call.pid == held.pid() {
                assert_eq!(call.flags, "0");
                break;
            }
        }
        while Path::new(&format!("/proc/{}", held.pid())).exists() {
            std::thread::yield_now();
        }
        (began.elapsed(), calls)
    }

    /// The time of the same under strace.
    fn straced(
        strace: &Path,
        program: &Path,
        args: &[OsString],
        dir: &Path,
        output: &Path,
    ) -> Duration {
        let mut all: Vec<OsString> =
            ["-f", "--seccomp-bpf", "-qq", "-e", CALLS, "-o"].map(OsString::from).into();
        all.extend([output.into(), program.into()]);
        all.extend(args.iter().cloned());
        ordinary(strace, &all, dir)
    }

    /// The value below which a share of sorted values lies.
    fn quantile(values: &mut [f64], share: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * share).round() as usize]
    }

    fn measure(name: &str, words: &[&str], strace: &Path, rounds: usize) -> Option<f64> {
        let Some(program) = find(words[0]).filter(|_| find(name).is_some()) else {
            println!("{name:>8}: left out, because it is not installed");
            return None;
        };
        let program = if name == "python3" { python(&program) } else { program };
        let args: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let directory = || tempfile::tempdir_in(&base).expect("a directory");
        let output = directory();
        let output = output.path().join("strace");
        let (mut bare, mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![], vec![]);
        let mut calls = 0;
        for round in 0..=rounds {
            let (one, two, three) = (directory(), directory(), directory());
            let alone = ordinary(&program, &args, one.path()).as_secs_f64();
            let (time, told) = traced(&program, &args, two.path());
            let added = time.as_secs_f64() - alone;
            let strace =
                straced(strace, &program, &args, three.path(), &output).as_secs_f64() - alone;
            // The first round warms the caches up.
            if round > 0 {
                bare.push(alone * 1000.0);
                ours.push(added * 1000.0);
                theirs.push(strace * 1000.0);
                ratios.push(added / strace);
                calls = told;
            }
        }
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&mut ratios, share));
        let [bare, ours, theirs] = [bare, ours, theirs].map(|mut times| quantile(&mut times, 0.5));
        println!(
            "{name:>8}: alone {bare:7.1} ms; the tracer adds {ours:7.1} ms ({calls} calls told), strace {theirs:7.1} ms: \
             {middle:.2} of strace's ({low:.2}, {high:.2})"
        );
        Some(middle)
    }

    /// Python itself: what is on the `PATH` may be a script that looks for it.
    fn python(program: &Path) -> PathBuf {
        let ask = ["-c", "import sys; print(sys.executable)"];
        let output = Command::new(program).args(ask).output().expect("python3 starts");
        String::from_utf8_lossy(&output.stdout).trim().into()
    }

    pub fn main() {
        let words: Vec<String> =
            env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
        let chosen: Vec<&String> =
            words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
        let Some(strace) = find("strace") else {
            println!("left out, because strace is not installed");
            return;
        };
        if let Some(reason) = cachestorm::trace::lacks() {
            println!("left out, because {reason}");
            return;
        }
        println!(
            "time that tracing adds, median of {rounds} rounds (quartiles of the ratio in parentheses):"
        );
        for (name, command) in PROGRAMS {
            if chosen.is_empty() || chosen.iter().any(|it| *it == name) {
                measure(name, command, &strace, rounds);
            }
        }
    }
}
