//! The program `fedmesh-agent`; its code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    fedmesh_agent::cli::main()
}
