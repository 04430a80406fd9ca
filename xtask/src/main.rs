//! The project's own tasks; `cargo xtask --help` lists them.

mod bench;
mod beside;
mod dist;
mod folder_difference;
mod fuzz;
mod install;
mod lint;
mod parts;
mod requirement;
mod style;
mod test;
mod testbed_command;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the fedmesh project: tests, the page, test beds, benchmarks
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "\
Examples:
  cargo xtask test                       install what is missing, run every test
  cargo xtask test --only fmt --only unit
  cargo xtask test --allow-missing       leave out what this machine can't run
  cargo xtask lint                       check formatting, code, spelling, words, licences
  cargo xtask dist                       build the page into dist/
  cargo xtask dist --check               see whether dist/ is what the sources give
  cargo xtask testbed up --clusters 3    real API servers to try things on
  cargo xtask testbed down
  cargo xtask bench
  cargo xtask bench mesh -- --sizes 10x100
  cargo xtask fuzz --seconds 1800 import  broken manifests for half an hour
  cargo xtask tools                      build the test tools, print where they are

Built tools are kept in $FEDMESH_CACHE, else $XDG_CACHE_HOME/fedmesh, else
~/.cache/fedmesh; that folder can be removed at any time."
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests, real API servers and a real browser included
    Test(test::Arguments),
    /// Build the page into dist/, the same bytes on every machine
    Dist(dist::Arguments),
    /// Start and stop API servers to try things on
    Testbed(testbed_command::Arguments),
    /// Check formatting, code, spelling, words, licences
    Lint,
    /// Run the benchmarks
    Bench(bench::Arguments),
    /// Feed what is read from outside with broken inputs
    Fuzz(fuzz::Arguments),
    /// Build or install the test tools and print where they are
    Tools,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Dist(arguments) => dist::run(&arguments),
        Task::Testbed(arguments) => testbed_command::run(&arguments),
        Task::Lint => lint::run_command(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run_command(&arguments),
        Task::Tools => tools::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
