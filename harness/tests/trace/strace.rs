//! What strace says of a command, read from what it prints.

mod parts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cachestorm::model::call::CallName;

use super::bench::Line;
use super::compare::{Event, known_words};
use parts::{address, address_of, arguments, class, described, normal, peer, quoted, relative};

/// A call of the kernel by the name of strace, its family, and where strace prints what it is about.
type Row = (&'static str, CallName, Shape);

#[derive(Clone, Copy)]
enum Shape {
    /// Paths, as many as the number says, from the argument of the other number on.
    Paths(usize, usize),
    /// Directories with paths relative to them.
    At(usize, usize),
    /// Descriptors at these arguments.
    Fds(&'static [usize]),
    /// The file that is mapped at the first argument.
    Mapped,
    /// The whole directory.
    Root,
    /// Nothing.
    None,
}

/// What a program has mapped: where it begins and ends, and the file as strace writes it.
type Maps = Vec<(u64, u64, String)>;

/// Every call that the comparison is about, from the manual pages and not from the tracer's own table.
fn rows() -> Vec<Row> {
    use CallName as N;
    use Shape::{At, Fds, Paths};
    let mut rows = vec![
        ("sendfile", N::Sendfile, Fds(&[1, 0])),
        ("splice", N::Sendfile, Fds(&[0, 2])),
        ("copy_file_range", N::CopyFileRange, Fds(&[0, 2])),
        ("ioctl", N::CopyFileRange, Fds(&[2, 0])),
        ("rename", N::Rename, Paths(0, 2)),
        ("renameat", N::Rename, At(0, 2)),
        ("renameat2", N::Rename, At(0, 2)),
        ("link", N::Link, Paths(0, 2)),
        ("linkat", N::Link, At(0, 2)),
        ("symlink", N::Symlink, Paths(1, 1)),
        ("symlinkat", N::Symlink, At(1, 1)),
        ("mmap", N::Mmap, Fds(&[4])),
        ("exit_group", N::Exit, Shape::None),
        ("socket", N::Socket, Shape::None),
        ("sync", N::Sync, Shape::Root),
        ("msync", N::Msync, Shape::Mapped),
        // What had the second descriptor is closed.
        ("dup2", N::Close, Fds(&[1])),
        ("dup3", N::Close, Fds(&[1])),
        ("connect", N::Connect, Fds(&[0])),
    ];
    let mut all = |shape, family, names: &[&'static str]| {
        rows.extend(names.iter().map(|name| (*name, family, shape)));
    };
    let (path, at, fd) = (Paths(0, 1), At(0, 1), Fds(&[0]));
    all(path, N::Open, &["open", "creat"]);
    all(at, N::Open, &["openat", "openat2"]);
    all(fd, N::Read, &["read", "pread64", "readv", "preadv", "preadv2", "getdents", "getdents64"]);
    all(fd, N::Write, &["write", "pwrite64", "writev", "pwritev", "pwritev2"]);
    all(path, N::Unlink, &["unlink"]);
    all(at, N::Unlink, &["unlinkat"]);
    all(path, N::Mkdir, &["mkdir"]);
    all(at, N::Mkdir, &["mkdirat"]);
    all(path, N::Rmdir, &["rmdir"]);
    all(path, N::Mknod, &["mknod"]);
    all(at, N::Mknod, &["mknodat"]);
    all(path, N::Truncate, &["truncate"]);
    all(fd, N::Truncate, &["ftruncate"]);
    all(fd, N::Fallocate, &["fallocate"]);
    all(fd, N::Fsync, &["fsync"]);
    all(fd, N::Sync, &["syncfs"]);
    all(fd, N::SyncFileRange, &["sync_file_range"]);
    all(fd, N::Fdatasync, &["fdatasync"]);
    all(fd, N::Flock, &["flock"]);
    all(fd, N::Fcntl, &["fcntl"]);
    all(path, N::Utimens, &["utime", "utimes"]);
    all(at, N::Utimens, &["futimesat", "utimensat"]);
    let attributes = ["setxattr", "lsetxattr", "removexattr", "lremovexattr"];
    all(path, N::Chmod, &["chmod"]);
    all(path, N::Chmod, &attributes);
    all(fd, N::Chmod, &["fchmod", "fsetxattr", "fremovexattr"]);
    all(at, N::Chmod, &["fchmodat", "fchmodat2"]);
    all(path, N::Chown, &["chown", "lchown"]);
    all(fd, N::Chown, &["fchown"]);
    all(at, N::Chown, &["fchownat"]);
    all(path, N::Stat, &["stat", "lstat"]);
    all(fd, N::Stat, &["fstat"]);
    all(at, N::Stat, &["newfstatat", "statx"]);
    all(path, N::Access, &["access"]);
    all(at, N::Access, &["faccessat", "faccessat2"]);
    all(path, N::Readlink, &["readlink"]);
    all(at, N::Readlink, &["readlinkat"]);
    all(fd, N::Send, &["sendto", "sendmsg", "sendmmsg"]);
    all(fd, N::Recv, &["recvfrom", "recvmsg", "recvmmsg"]);
    all(fd, N::Close, &["close"]);
    rows
}

/// Runs a command under strace in a directory, and returns what it did there.
pub fn run(line: &Line, root: &Path) -> Vec<Event> {
    let output = tempfile::NamedTempFile::new().unwrap();
    // A question mark lets strace pass over what it does not know.
    let calls: Vec<String> = rows().iter().map(|(name, ..)| format!("?{name}")).collect();
    let status = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qq", "-yy", "-s", "0", "-e", "signal=none", "-e"])
        .arg(format!("trace={},chdir,fchdir", calls.join(",")))
        .arg("-o")
        .arg(output.path())
        .arg(&line.program)
        .args(&line.args)
        .env_clear()
        .envs(line.environment(root))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let text = std::fs::read_to_string(output.path()).unwrap();
    assert!(status.code().is_some_and(|code| code != 127), "{status}: {text}");
    read(&text, root)
}

/// Reads what strace has printed.
fn read(text: &str, root: &Path) -> Vec<Event> {
    let rows: HashMap<&str, (CallName, Shape)> =
        rows().into_iter().map(|(name, family, shape)| (name, (family, shape))).collect();
    // A child begins in the directory of its parent, which no program here leaves before it has children.
    let mut dirs: HashMap<u32, PathBuf> = HashMap::new();
    let mut unfinished: HashMap<u32, String> = HashMap::new();
    let mut opened: HashMap<(u32, String), String> = HashMap::new();
    let mut maps = Maps::new();
    let mut events = Vec::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let thread: u32 = thread.parse().unwrap_or_else(|_| panic!("{line}"));
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, begun.to_owned());
            continue;
        }
        let whole = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (_, end) = resumed.split_once(" resumed>").unwrap();
                format!("{}{end}", unfinished.remove(&thread).unwrap())
            }
            None => rest.to_owned(),
        };
        let Some((call, result)) = whole.rsplit_once(" = ") else { continue };
        let (name, args) = call.trim_end().split_once('(').unwrap();
        let mut args = arguments(args.strip_suffix(')').unwrap_or(args));
        if family_of(&rows, name) == Some(CallName::Open) {
            let number = result.trim().split('<').next().unwrap_or_default();
            opened.insert((thread, number.to_owned()), result.trim().to_owned());
        }
        if let Some(range) = args.get(2).and_then(|it| it.strip_prefix("{src_fd=")) {
            args[2] = range.split(',').next().unwrap_or_default().to_owned();
        }
        if name == "mmap"
            && let Some(begin) = address_of(result.trim())
        {
            let length: u64 = args[1].parse().unwrap();
            maps.push((begin, begin + length, args[4].clone()));
        }
        // Here strace does not say what the descriptor stands for that is copied from.
        if name == "ioctl"
            && let Some(from) = args.get(2).and_then(|arg| opened.get(&(thread, arg.clone())))
        {
            args[2].clone_from(from);
        }
        let dir = dirs.entry(thread).or_insert_with(|| root.to_owned());
        if name == "chdir" || name == "fchdir" {
            let to = quoted(&args[0]).or_else(|| described(&args[0])).unwrap();
            if result.trim() == "0" {
                *dir = normal(&dir.join(to));
            }
            continue;
        }
        let Some((family, shape)) = rows.get(name) else { panic!("{line}") };
        let call = Call { name, args: &args, dir, root, maps: &maps };
        events.extend(call.event(thread, *family, *shape, result.trim()));
    }
    events
}

fn family_of(rows: &HashMap<&str, (CallName, Shape)>, name: &str) -> Option<CallName> {
    rows.get(name).map(|(family, _)| *family)
}

struct Call<'a> {
    name: &'a str,
    args: &'a [String],
    dir: &'a Path,
    root: &'a Path,
    maps: &'a Maps,
}

impl Call<'_> {
    /// The call as an event, where it is about the directory or a connection.
    fn event(&self, thread: u32, family: CallName, shape: Shape, result: &str) -> Option<Event> {
        let mut family = family;
        let of_interest = match family {
            CallName::Fcntl => self.args[1].contains("SETLK"),
            CallName::CopyFileRange if self.name == "ioctl" => {
                ["FICLONE", "BTRFS_IOC_CLONE"].iter().any(|it| self.args[1].starts_with(it))
            }
            CallName::Socket => ["AF_INET", "AF_INET6"].contains(&self.args[0].as_str()),
            // The same descriptor twice closes nothing, and nothing does that fails.
            CallName::Close if self.name != "close" => {
                let number = |at: usize| self.args[at].split('<').next().unwrap_or_default();
                number(0) != number(1) && !result.starts_with('-')
            }
            CallName::Mmap => !self.args[3].contains("MAP_ANONYMOUS"),
            _ => true,
        };
        if !of_interest {
            return None;
        }
        let places: Vec<String> = match shape {
            Shape::Paths(from, count) => (from..from + count).map(|at| self.path(at)).collect(),
            Shape::At(from, count) => (0..count).map(|at| self.at(from + 2 * at)).collect(),
            Shape::Fds(at) => {
                at.iter().filter_map(|at| described(&self.args[*at])).map(Into::into).collect()
            }
            Shape::Mapped => self.mapped().into_iter().collect(),
            Shape::Root => vec![self.root.to_string_lossy().into_owned()],
            Shape::None => Vec::new(),
        };
        let by = if family == CallName::Close && self.name != "close" {
            format!(" by {}", self.name)
        } else {
            String::new()
        };
        let mut peer = places.iter().find_map(|place| peer(place));
        if family == CallName::Connect {
            peer = address(&self.args[1]);
        }
        if let Some(peer) = peer {
            match family {
                CallName::Read => family = CallName::Recv,
                CallName::Write => family = CallName::Send,
                _ => {}
            }
            let text = format!("{family}({peer}{by})");
            return Some(Event::new(thread, family, &text, &class(result)));
        }
        if family == CallName::Unlink && self.args.iter().any(|it| it.contains("AT_REMOVEDIR")) {
            family = CallName::Rmdir;
        }
        if family == CallName::Exit {
            return Some(Event::new(thread, family, &format!("exit({})", self.args[0]), "never"));
        }
        if family == CallName::Socket {
            let text = format!("socket({})", known_words(&self.args.join("|")));
            return Some(Event::new(thread, family, &text, &class(result)));
        }
        let inside: Vec<Result<String, String>> =
            places.iter().map(|place| relative(place, self.root)).collect();
        if !inside.iter().any(Result::is_ok) {
            return None;
        }
        let places: Vec<String> = inside.into_iter().map(|it| it.unwrap_or_else(|it| it)).collect();
        let mut flags = known_words(&self.args.join("|"));
        if self.name == "creat" {
            flags = known_words("O_WRONLY|O_CREAT|O_TRUNC");
        }
        let text = format!("{family}({}{by}{flags})", places.join(" -> "));
        Some(Event::new(thread, family, &text, &class(result)))
    }

    fn path(&self, at: usize) -> String {
        let path = quoted(&self.args[at]).unwrap_or_default();
        normal(&self.dir.join(path)).to_string_lossy().into_owned()
    }

    fn mapped(&self) -> Option<String> {
        let address = address_of(&self.args[0])?;
        let mut maps = self.maps.iter().rev();
        let (.., file) = maps.find(|(begin, end, _)| (*begin..*end).contains(&address))?;
        described(file).map(str::to_owned)
    }

    fn at(&self, at: usize) -> String {
        let dir = described(&self.args[at]).map_or(self.dir, Path::new);
        match quoted(&self.args[at + 1]) {
            Some(path) if !path.is_empty() => {
                normal(&dir.join(path)).to_string_lossy().into_owned()
            }
            _ => dir.to_string_lossy().into_owned(),
        }
    }
}

/// That what strace prints is read as it is meant.
pub fn reading() {
    let text = "12 openat(AT_FDCWD</r>, \"a,b\", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3</r/a,b>\n\
        12 write(3</r/a,b>, \"\"..., 4 <unfinished ...>\n\
        13 unlinkat(4</r/d>, \"x\", AT_REMOVEDIR) = -1 ENOENT (No such file or directory)\n\
        12 <... write resumed>) = 4\n\
        12 chdir(\"d\") = 0\n\
        12 rename(\"x\", \"../y\") = 0\n\
        12 stat(\"/etc/hosts\", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0\n\
        12 fstat(3</r/a,b>(deleted), {st_mode=S_IFREG|0644, ...}) = 0\n\
        12 connect(5<TCP:[77]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 EINPROGRESS (Operation now in progress)\n\
        12 read(5<TCP:[127.0.0.1:9->127.0.0.1:80]>, \"\"..., 9) = 9\n\
        12 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 6<TCP:[78]>\n\
        12 socket(AF_UNIX, SOCK_STREAM, 0) = 7<UNIX-STREAM:[79]>\n\
        12 dup2(1</dev/null>, 3</r/a,b>) = 3</dev/null>\n\
        12 dup2(3</dev/null>, 3</dev/null>) = 3</dev/null>\n\
        12 mmap(NULL, 8192, PROT_READ, MAP_SHARED, 4</r/d/m>, 0) = 0x7f0000\n\
        12 msync(0x7f1000, 4096, MS_SYNC) = 0\n\
        12 ioctl(4</r/d/m>, BTRFS_IOC_CLONE_RANGE or FICLONERANGE, {src_fd=8</r/s>, src_offset=0}) = -1 EXDEV (Invalid cross-device link)\n\
        12 sync() = 0\n\
        12 exit_group(3) = ?\n";
    let read: Vec<String> = read(text, Path::new("/r"))
        .into_iter()
        .map(|it| format!("{} {}", it.thread, it.text))
        .collect();
    let expected = [
        "12 open(a,b O_WRONLY O_CREAT) = ok",
        "13 rmdir(d/x) = ENOENT",
        "12 write(a,b) = 4",
        "12 rename(d/x -> y) = ok",
        "12 stat(a,b) = ok",
        "12 connect(127.0.0.1:80) = EINPROGRESS",
        "12 recv(127.0.0.1:80) = 9",
        "12 socket( AF_INET SOCK_STREAM) = ok",
        "12 close(a,b by dup2) = ok",
        "12 mmap(d/m) = ok",
        "12 msync(d/m MS_SYNC) = ok",
        "12 copy-file-range(s -> d/m) = EXDEV",
        "12 sync(.) = ok",
        "12 exit(3) = never",
    ];
    assert_eq!(read, expected);
}
