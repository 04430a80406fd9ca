//! The command line: one file per command.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 done, 1 not done or not as
//! it should be, 2 wrong usage or an input that cannot be read.

mod access;
mod apply;
mod check;
mod decisions;
mod duration;
mod failure;
mod follow;
mod import;
mod input;
mod interrupt;
mod lock;
mod names;
mod origin;
mod output;
mod plan;
mod question;
mod render;
mod rollout;
mod saved_plan;
mod schema;
mod serve;
mod simulate;
mod status;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::operation::Operations;
use failure::{Exit, Failure};
use output::Format;

/// Shares services between Istio clusters: manifests, proof and roll-out from one document.
#[derive(Debug, Parser)]
#[command(
    name = "fedmesh-agent",
    version,
    after_help = "\
Examples:
  fedmesh-agent check -f mesh.yaml                    what is wrong with a document
  fedmesh-agent render -f mesh.yaml --output bundle   manifests for every cluster, in a folder
  fedmesh-agent plan -f mesh.yaml                     what an apply would change
  fedmesh-agent apply -f mesh.yaml                    change it
  fedmesh-agent verify -f mesh.yaml                   prove by traffic that it works
  fedmesh-agent serve --open                          all of it in the browser
  fedmesh-agent import manifests/ > mesh.yaml         a document from manifests that exist

Exit codes: 0 done; 1 not done, or not as it should be; 2 wrong usage or unreadable input."
)]
struct Cli {
    /// How much to log to standard error: off, error, warn, info, debug or trace.
    #[arg(long, global = true, value_name = "LEVEL", env = "FEDMESH_LOG", value_parser = log_level())]
    log_level: Option<LevelFilter>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(render::Render),
    Check(check::Check),
    Names(names::Names),
    Simulate(simulate::Simulate),
    Access(access::Access),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Status(status::Status),
    Verify(verify::Verify),
    Follow(follow::Follow),
    Remove(apply::Remove),
    Serve(serve::Serve),
    Schema(schema::Schema),
    Import(import::Import),
}

/// Which document.
#[derive(Debug, Args)]
struct Document {
    /// A Mesh document (YAML or JSON) or a bundle (zip, folder or YAML stream); `-` reads standard
    /// input.
    #[arg(
        short = 'f',
        long = "filename",
        visible_alias = "file",
        value_name = "MESH"
    )]
    path: PathBuf,
}

/// In which form.
#[derive(Debug, Clone, Copy, Args)]
struct OutputFormat {
    /// The form of the output.
    #[arg(short = 'o', long = "format", value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

/// With which credentials.
#[derive(Debug, Clone, Args)]
struct Access {
    /// The kubeconfig; otherwise the files in KUBECONFIG, or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Access {
    fn operations(&self) -> Operations {
        Operations::new(self.kubeconfig.clone())
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // With this flag an exit code of 2 says "there are changes" and must say nothing else.
    let two_is_taken = arguments.iter().any(|argument| argument == "--exit-code");
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(cli),
        Err(error) => {
            // A closed pipe is no reason to fail: whoever asked for help has read enough of it.
            _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success,
                _ => Exit::Usage,
            }
        }
    };
    match exit {
        Exit::Usage if two_is_taken => Exit::Failed.into(),
        Exit::Changes => Exit::Usage.into(),
        exit => exit.into(),
    }
}

fn run(cli: Cli) -> Exit {
    // The others end when their work does, and render on all cores.
    if matches!(cli.command, Command::Serve(_) | Command::Follow(_)) {
        crate::memory::keep_together();
    }
    let usual = if matches!(cli.command, Command::Serve(_)) {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    crate::logging::start(cli.log_level.unwrap_or(usual));
    let result = match cli.command {
        Command::Render(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Names(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Access(command) => command.run(),
        Command::Plan(command) => on_runtime(command.run()),
        Command::Apply(command) => on_runtime(command.run()),
        Command::Status(command) => on_runtime(command.run()),
        Command::Verify(command) => on_runtime(command.run()),
        Command::Follow(command) => on_runtime(command.run()),
        Command::Remove(command) => on_runtime(command.run()),
        Command::Serve(command) => on_runtime(command.run()),
    };
    result.unwrap_or_else(|failure| {
        failure.report();
        failure.exit()
    })
}

/// Two workers are enough for what is nearly all waiting, and keep the memory small.
fn on_runtime(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = runtime.block_on(command);
    // Whatever still waits for the network has nothing more to say.
    runtime.shutdown_background();
    crate::cluster::end_login_tools();
    result
}

fn log_level() -> impl clap::builder::TypedValueParser<Value = LevelFilter> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"])
        // Every possible value is a level, so the fall-back is never taken.
        .map(|level| level.parse().unwrap_or(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in super::Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Examples:"), "{}", command.get_name());
        }
    }
}
