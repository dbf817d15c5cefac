//! The command `cachestorm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cachestorm::cli::main()
}
