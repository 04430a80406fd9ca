//! The command line: one file per command.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 success, 1 failure or a failed
//! check, 2 wrong usage or unreadable input.

mod access;
mod apply;
mod check;
mod decisions;
mod duration;
mod explain;
mod failure;
mod follow;
mod import;
mod input;
mod input_file;
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
mod usage;
mod verify;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use crate::operation::Operations;
use failure::{Exit, Failure, Programs};
use output::Format;

/// Share services between Istio clusters: render, apply and verify one document.
#[derive(Debug, Parser)]
#[command(
    name = "fedmesh-agent",
    version,
    after_help = "\
Examples:
  fedmesh-agent check -f mesh.yaml                    find errors in a document
  fedmesh-agent render -f mesh.yaml --to bundle       write the manifests for every cluster to a folder
  fedmesh-agent plan -f mesh.yaml                     show what an apply would change
  fedmesh-agent apply -f mesh.yaml                    change the clusters
  fedmesh-agent verify -f mesh.yaml                   check with real traffic that it works
  fedmesh-agent explain FM0401                        explain a finding, or a cause of a failed check
  fedmesh-agent serve --open                          do all of this in the browser
  fedmesh-agent import manifests/ > mesh.yaml         create a document from existing manifests

Exit codes: 0 success; 1 failure or a failed check; 2 wrong usage or unreadable input."
)]
struct Cli {
    /// Log level on standard error: off, error, warn, info, debug or trace.
    #[arg(long, global = true, value_name = "LEVEL", env = "FEDMESH_LOG", value_parser = log_level())]
    log_level: Option<LogLevel>,

    /// Log each request to a cluster: method, path, status and duration; -vv logs more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

/// A log level from the command line; `None` for an empty variable.
#[derive(Debug, Clone, Copy)]
struct LogLevel(Option<LevelFilter>);

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
    Explain(explain::Explain),
    Schema(schema::Schema),
    Import(import::Import),
}

impl Command {
    /// The form of the output for programs, if it is for programs.
    fn programs(&self) -> Option<Programs> {
        let format = match self {
            Self::Render(command) => return command.is_json().then_some(Programs::Document),
            Self::Import(command) => return command.is_json().then_some(Programs::Document),
            Self::Names(command) => return command.is_json().then_some(Programs::Document),
            Self::Explain(command) => return command.is_json().then_some(Programs::Document),
            Self::Access(command) => return command.is_json().then_some(Programs::Document),
            Self::Verify(command) => return command.is_json().then_some(Programs::Document),
            // They read no input, or write no output for programs.
            Self::Schema(_) | Self::Serve(_) => return None,
            Self::Apply(command) => return command.is_json().then_some(Programs::Lines),
            Self::Follow(command) => return command.is_json().then_some(Programs::Lines),
            Self::Remove(command) => return command.programs(),
            Self::Check(command) => command.output,
            Self::Simulate(command) => command.output,
            Self::Plan(command) => command.output,
            Self::Status(command) => command.output,
        };
        (format.format == Format::Json).then_some(Programs::Document)
    }
}

/// The document to read.
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

/// The format of the output.
#[derive(Debug, Clone, Copy, Args)]
struct OutputFormat {
    /// Output format.
    #[arg(short = 'o', long = "output", alias = "format", value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

/// Access to the clusters.
#[derive(Debug, Clone, Args)]
struct Access {
    /// Kubeconfig to use [default: the files in KUBECONFIG, or ~/.kube/config].
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
    // With this flag, exit code 2 means "changes" and nothing else.
    let two_is_taken = arguments.iter().any(|argument| argument == "--exit-code");
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(cli),
        Err(error) => {
            // A closed pipe is not a failure: the reader, such as `head`, has read enough.
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    _ = error.print();
                    Exit::Success
                }
                _ => {
                    _ = write!(
                        output::stderr(),
                        "{}",
                        usage::printable(error).render().ansi()
                    );
                    Exit::Usage
                }
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
    // Other commands are short-lived and render on all cores.
    if matches!(cli.command, Command::Serve(_) | Command::Follow(_)) {
        crate::memory::limit_arenas();
    }
    let usual = if matches!(cli.command, Command::Serve(_)) {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    let LogLevel(level) = cli.log_level.unwrap_or(LogLevel(None));
    crate::logging::start(level.unwrap_or(usual), cli.verbose);
    let programs = cli.command.programs();
    let result = match cli.command {
        Command::Render(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Explain(command) => command.run(),
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
        if let Some(programs) = programs {
            // No way is left to report a failed write.
            _ = failure.tell(programs);
        }
        failure.exit()
    })
}

/// Two workers are enough, since commands mostly wait for the network, and keep memory small.
fn on_runtime(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = runtime.block_on(command);
    // Tasks that still wait for the network have no effect on the result.
    runtime.shutdown_background();
    crate::cluster::end_login_tools();
    result
}

fn log_level() -> impl clap::builder::TypedValueParser<Value = LogLevel> {
    use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let levels = levels.map(PossibleValue::new).into_iter();
    PossibleValuesParser::new(levels.chain([PossibleValue::new("").hide(true)]))
        .map(|level| LogLevel((!level.is_empty()).then(|| level.parse().ok()).flatten()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn clap_accepts_the_command_line() {
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
