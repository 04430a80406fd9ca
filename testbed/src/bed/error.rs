//! What can go wrong with a bed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::images::ImageError;
use crate::tools::ToolError;

/// A bed can't be started or used.
#[derive(Debug, thiserror::Error)]
pub enum BedError {
    /// A tool can't be had.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file can't be read or written, or a program not started.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A daemon ended.
    #[error("{daemon} ended ({status}); the end of its log:\n{log}")]
    Ended {
        /// Which one.
        daemon: String,
        /// How.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// A daemon doesn't answer.
    #[error("{daemon} is not ready after {} s; the end of its log:\n{log}", after.as_secs())]
    NotReady {
        /// Which one.
        daemon: String,
        /// How long it was given.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// Every port that was tried was taken by somebody else in the meantime.
    #[error("no free port for {daemon}")]
    NoPort {
        /// Which daemon.
        daemon: String,
    },
    /// kubectl failed.
    #[error("kubectl --context {context} {arguments} failed:\n{output}")]
    Kubectl {
        /// The context.
        context: String,
        /// What it was asked.
        arguments: String,
        /// What it printed.
        output: String,
    },
    /// Another command failed.
    #[error("{command} failed:\n{output}")]
    Command {
        /// The command.
        command: String,
        /// What it printed.
        output: String,
    },
    /// Images can't be made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Namespaces and mounts are for root.
    #[error("clusters with pods need root\nhint: run this as root")]
    NotRoot,
    /// The nodes' pods need control groups of version 1.
    #[error(
        "this machine has no control groups of version 1, which clusters with pods need\n\
         hint: use kind instead, see CONTRIBUTING.md"
    )]
    NoCgroups,
    /// No such pod runs.
    #[error("{context} has no running pod {pod}")]
    NoPod {
        /// The context.
        context: String,
        /// Its namespace and labels.
        pod: String,
    },
    /// A wrong name.
    #[error("the bed has no context {context}\nhint: it has {known}")]
    NoSuchContext {
        /// The name.
        context: String,
        /// The right ones.
        known: String,
    },
    /// The API server was stopped.
    #[error("the API server of {context} is not running\nhint: call start_api_server first")]
    NotRunning {
        /// The context.
        context: String,
    },
    /// A signal could not be sent.
    #[error("cannot signal the API server of {context}")]
    Signal {
        /// The context.
        context: String,
        /// Why.
        source: io::Error,
    },
}
