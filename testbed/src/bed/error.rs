//! Errors of a bed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::images::ImageError;
use crate::tools::ToolError;

/// A bed cannot be started or used.
#[derive(Debug, thiserror::Error)]
pub enum BedError {
    /// A tool is not available.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file cannot be read or written, or a program cannot be started.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// A certificate cannot be created.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A daemon ended.
    #[error("{daemon} ended ({status}); the end of its log:\n{log}")]
    Ended {
        /// The daemon.
        daemon: String,
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// A daemon does not become ready.
    #[error("{daemon} is not ready after {} s; the end of its log:\n{log}", after.as_secs())]
    NotReady {
        /// The daemon.
        daemon: String,
        /// The deadline.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// Other processes have bound every port that was tried.
    #[error("no free port for {daemon}")]
    NoPort {
        /// The daemon.
        daemon: String,
    },
    /// kubectl failed.
    #[error("kubectl --context {context} {arguments} failed:\n{output}")]
    Kubectl {
        /// The context.
        context: String,
        /// The other arguments.
        arguments: String,
        /// The output.
        output: String,
    },
    /// Another command failed.
    #[error("{command} failed:\n{output}")]
    Command {
        /// The command.
        command: String,
        /// The output.
        output: String,
    },
    /// Images cannot be created.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The machine does not support clusters with pods.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The pod does not exist or does not run.
    #[error("{context} has no running pod {pod}")]
    NoPod {
        /// The context.
        context: String,
        /// Its namespace and labels.
        pod: String,
    },
    /// The context is unknown.
    #[error("the bed has no context {context}\nhint: it has {known}")]
    NoSuchContext {
        /// The name.
        context: String,
        /// The known contexts.
        known: String,
    },
    /// The API server is not running.
    #[error("the API server of {context} is not running\nhint: call start_api_server first")]
    NotRunning {
        /// The context.
        context: String,
    },
    /// A signal cannot be sent.
    #[error("cannot signal the API server of {context}")]
    Signal {
        /// The context.
        context: String,
        /// The I/O error.
        source: io::Error,
    },
}

/// Why a machine does not support clusters with pods.
#[derive(Debug, thiserror::Error)]
#[error("{}\nhint: {}", self.reason(), self.remedy())]
pub enum Unsupported {
    /// Namespaces and mounts require root.
    NotRoot,
    /// The nodes' pods require control groups of version 1.
    NoCgroups,
}

impl Unsupported {
    /// The error alone.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotRoot => "clusters with pods need root",
            Self::NoCgroups => {
                "this machine has no control groups of version 1, which clusters with pods need"
            }
        }
    }

    /// How to get such clusters.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotRoot => "run this as root",
            Self::NoCgroups => "use kind instead, see CONTRIBUTING.md",
        }
    }
}
