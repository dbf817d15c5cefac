//! Why the system refused to start or watch a process, in words that say what to do.

use std::io;
use std::path::Path;

/// Explains a refusal to start or watch `program`, which was there and executable when it was looked for.
pub fn explain(error: &io::Error, program: &Path) -> String {
    let program = program.display();
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => {
            "too many open files; raise the limit with `ulimit -n`, or run fewer scenarios at once"
                .into()
        }
        Some(libc::EAGAIN) => {
            "too many processes; raise the limit with `ulimit -u`, or run fewer scenarios at once"
                .into()
        }
        Some(libc::ENOENT) => {
            format!(
                "{program} cannot be run: the interpreter that its first line names does not exist"
            )
        }
        Some(libc::ENOEXEC) => format!("{program} is no program for this machine"),
        _ => format!("{program}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let check = |error: io::Error, expected: &str| {
            let text = explain(&error, Path::new("/bin/x"));
            assert!(text.contains(expected), "{text}");
        };
        let system = io::Error::from_raw_os_error;
        check(system(libc::EMFILE), "raise the limit with `ulimit -n`");
        check(system(libc::ENFILE), "too many open files");
        check(system(libc::EAGAIN), "raise the limit with `ulimit -u`");
        check(system(libc::ENOENT), "/bin/x cannot be run: the interpreter");
        check(system(libc::ENOEXEC), "/bin/x is no program");
        check(system(libc::EACCES), "/bin/x: Permission denied");
        check(io::Error::other("the process ended"), "/bin/x: the process ended");
    }
}
