//! Tasks of the project; `cargo xtask --help` lists them.

mod bench;
mod beside;
mod dist;
#[cfg(test)]
mod engines;
mod folder_difference;
mod fuzz;
mod install;
mod istio;
mod lint;
mod mutants;
mod parts;
mod requirement;
mod service_worker;
mod style;
mod test;
mod testbed_command;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Run tests, benchmarks and test beds of fedmesh, and build its page
#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "\
Examples:
  cargo xtask test                       install missing tools, run all tests
  cargo xtask test --only fmt --only unit
  cargo xtask test --allow-missing       skip the parts that this machine cannot run
  cargo xtask lint                       check formatting, code, spelling, words, licenses
  cargo xtask dist                       build the page into dist/
  cargo xtask dist --check               check whether dist/ is up to date
  cargo xtask testbed up --clusters 3    start real API servers
  cargo xtask testbed down
  cargo xtask mutants --file shared/src/text/duration.rs
  cargo xtask istio --check              compare the table of Istio's fields with the test bed's Istio
  cargo xtask istio v1.32.0              add the fields of a new Istio
  cargo xtask bench
  cargo xtask bench mesh -- --sizes 10x100
  cargo xtask fuzz --seconds 1800 import  fuzz the import of manifests for half an hour
  cargo xtask tools                      build the test tools and print their paths

Built tools are kept in $FEDMESH_CACHE, else $XDG_CACHE_HOME/fedmesh, else
~/.cache/fedmesh; that folder can be removed at any time."
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the tests, including those with real API servers and a real browser
    Test(test::Arguments),
    /// Build the page into dist/, with the same bytes on every machine
    Dist(dist::Arguments),
    /// Start and stop API servers for manual tests
    Testbed(testbed_command::Arguments),
    /// Check formatting, code, spelling, words, licenses
    Lint,
    /// Test the tests of the core: each small, wrong change has to fail one
    Mutants(mutants::Arguments),
    /// Compare the table of pass-through fields with the schema of an Istio, and add what it lacks
    Istio(istio::Arguments),
    /// Run the benchmarks
    Bench(bench::Arguments),
    /// Fuzz the code that reads input from outside
    Fuzz(fuzz::Arguments),
    /// Build or install the test tools and print their paths
    Tools,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Dist(arguments) => dist::run(&arguments),
        Task::Testbed(arguments) => testbed_command::run(&arguments),
        Task::Lint => lint::run_command(),
        Task::Mutants(arguments) => mutants::run_command(&arguments),
        Task::Istio(arguments) => istio::run_command(&arguments),
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
