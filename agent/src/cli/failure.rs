//! Exit codes and errors of commands.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use shared::check::{Finding, Severity};
use shared::import::ImportError;
use shared::mesh::ReadError;
use shared::text::shorten;

use super::input::{Input, InputError};
use super::origin::{Origin, Placed};
use super::output::{self, WriteError};
use super::saved_plan::SavedPlanError;
use crate::file;
use crate::follow::FollowError;
use crate::http::ServeError;
use crate::lock::LockError;
use crate::operation::{Blocked, PlanError};

/// The result of a command, which becomes its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, and no check failed.
    Success,
    /// Not done, or a check failed.
    Failed,
    /// Wrong usage, unreadable input, or a check that could not be made.
    Usage,
    /// `plan --exit-code` found changes.
    Changes,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage | Exit::Changes => Self::from(2),
        }
    }
}

/// The form of standard output for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Programs {
    /// One JSON document.
    Document,
    /// One JSON document per line.
    Lines,
}

/// The error of a command in JSON: findings in the form that `check` prints, and the error.
#[derive(Serialize)]
struct FailureOutput {
    findings: Vec<Value>,
    error: ErrorBody,
}

#[derive(Serialize)]
struct ErrorBody {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// A syntax error of a document in the form of a finding; it has no code, since only the rules of
/// `docs/findings.md` have one.
fn unreadable(error: &ReadError) -> Value {
    let ReadError {
        path,
        line,
        column,
        message,
        hint,
        missing: _,
    } = error;
    json!({
        "severity": Severity::Error,
        "path": path,
        "message": message,
        "hint": hint,
        "line": line,
        "column": column,
    })
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// An error that belongs to the document that was read.
    #[error("{failure}")]
    About {
        /// The file of the document.
        origin: Origin,
        /// The error.
        failure: Box<Failure>,
    },
    /// The document cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Manifests that cannot be read.
    #[error(transparent)]
    Manifests(InputError),
    /// Manifests from which no document can be made.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The document can be read, but not rendered.
    #[error("{name}: the document has errors, so nothing is rendered")]
    Findings {
        /// The file of the document.
        name: String,
        /// The findings of the checks.
        findings: Vec<Finding>,
    },
    /// Options that conflict or are incomplete.
    #[error("{message}")]
    Usage {
        /// The message.
        message: String,
        /// The hint.
        hint: &'static str,
    },
    /// A cluster that is not in the document.
    #[error("{name}: no manifests for cluster {cluster:?}; known clusters: {known}")]
    NoSuchCluster {
        /// The file of the document.
        name: String,
        /// The name on the command line.
        cluster: String,
        /// The clusters of the document.
        known: String,
    },
    /// An output file or folder cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Standard output cannot be written.
    #[error("cannot write standard output: {}", file::reason(.0))]
    Output(#[from] std::io::Error),
    /// The asynchronous runtime cannot be started.
    #[error("cannot start worker threads: {}", file::reason(.0))]
    Runtime(std::io::Error),
    /// Planning failed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Planning for a verification failed, so no check was made.
    #[error("nothing could be checked: {0}")]
    Unchecked(PlanError),
    /// `follow` failed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Another run changes the mesh.
    #[error("nothing was changed: {0}")]
    Lock(#[from] LockError),
    /// The plan is blocked.
    #[error("nothing was changed: {0}")]
    Blocked(Blocked),
    /// The question was declined.
    #[error("nothing was changed: the plan was not confirmed")]
    Declined,
    /// The run was stopped before anything was changed.
    #[error("nothing was changed: stopped on request")]
    Stopped,
    /// The plan differs from the saved one.
    #[error("nothing was changed: the clusters changed since the plan was saved")]
    Changed,
    /// A saved plan that cannot be read or written.
    #[error(transparent)]
    SavedPlan(#[from] SavedPlanError),
    /// The local API cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Failure {
    /// Prints the error to standard error, unless standard output is a closed pipe.
    pub(super) fn report(&self) {
        if self.is_closed_pipe() {
            return;
        }
        // No way is left to report a failed write.
        _ = match self {
            Self::About { origin, failure } => failure.write(Some(origin)),
            failure => failure.write(None),
        };
    }

    fn write(&self, origin: Option<&Origin>) -> std::io::Result<()> {
        let mut stderr = output::stderr();
        output::findings(&mut stderr, origin, self.findings())?;
        if let Self::Input(InputError::Document { file, errors }) = self {
            output::read_errors(&mut stderr, file, errors)?;
        }
        let (error, hint) = (output::ERROR, output::HINT);
        writeln!(stderr, "{error}error:{error:#} {}", self.message())?;
        if let Some(text) = self.hint() {
            writeln!(stderr, "{hint}hint:{hint:#} {}", output::printable(&text))?;
        }
        Ok(())
    }

    /// The message without control characters.
    fn message(&self) -> String {
        let text = self.to_string();
        let text = shorten::message(&text);
        match self {
            // It lists each file on its own line.
            Self::Input(InputError::Mismatch { .. }) => output::paragraph(&text).into_owned(),
            _ => output::printable(&text).into_owned(),
        }
    }

    /// Prints the error as JSON to standard output.
    pub(super) fn tell(&self, programs: Programs) -> std::io::Result<()> {
        if self.is_closed_pipe() {
            return Ok(());
        }
        let (origin, failure) = match self {
            Self::About { origin, failure } => (Some(origin), failure.as_ref()),
            failure => (None, failure),
        };
        let output = FailureOutput {
            findings: failure.findings_of(origin),
            error: ErrorBody {
                message: failure.message(),
                hint: failure.hint(),
            },
        };
        let mut stdout = output::stdout();
        match programs {
            Programs::Document => output::json(&mut stdout, &output),
            Programs::Lines => output::json_line(&mut stdout, &output),
        }
    }

    /// The findings about the document, with lines and columns.
    fn findings_of(&self, origin: Option<&Origin>) -> Vec<Value> {
        if let Self::Input(InputError::Document { errors, .. }) = self {
            return errors.iter().map(unreadable).collect();
        }
        let findings = self.findings().iter();
        let placed: Vec<Placed<'_>> = match origin {
            Some(origin) => origin.placed(findings),
            None => findings
                .map(|finding| Placed {
                    finding,
                    place: None,
                })
                .collect(),
        };
        // It cannot fail: all keys are strings.
        placed
            .iter()
            .map(|one| serde_json::to_value(one).unwrap_or_default())
            .collect()
    }

    /// The findings of the checks, if they are the reason.
    fn findings(&self) -> &[Finding] {
        match self {
            Self::Findings { findings, .. }
            | Self::Plan(PlanError::Findings(findings))
            | Self::Unchecked(PlanError::Findings(findings))
            | Self::Follow(FollowError::Findings(findings)) => findings,
            _ => &[],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::About { failure, .. } => failure.hint(),
            Self::Input(error) | Self::Manifests(error @ InputError::Utf16 { .. }) => error.hint(),
            Self::Manifests(InputError::Folder(error)) => Some(error.hint()),
            Self::Manifests(InputError::Url { url }) => Some(format!(
                "download it and pipe it in: curl -fsSL '{url}' | fedmesh-agent import -"
            )),
            Self::Manifests(_) => Some(
                "add files with manifests (YAML or JSON), folders with such files, or - for standard input"
                    .to_owned(),
            ),
            Self::Import(ImportError::NoSuffix) => Some(
                "use --suffix, or add the VirtualServices, ServiceEntries or DNSEndpoints with the names"
                    .to_owned(),
            ),
            Self::Import(error) => Some(error.hint()),
            Self::Findings { .. } => Some("fix the errors above and try again".to_owned()),
            Self::Usage { hint, .. } => Some((*hint).to_owned()),
            Self::NoSuchCluster { .. } => Some("set --cluster to one of these names".to_owned()),
            Self::Write(error) => Some(error.hint()),
            Self::Plan(error) | Self::Unchecked(error) => Some(error.hint()),
            Self::Blocked(blocked) => Some(blocked.hint()),
            Self::Lock(error) => Some(error.hint()),
            Self::Follow(error) => error.hint(),
            Self::Changed => {
                Some("review the differences, then save a new plan with `plan --out`".to_owned())
            }
            Self::SavedPlan(error) => Some(error.hint()),
            Self::Serve(error) => Some(error.hint()),
            Self::Output(_) | Self::Runtime(_) | Self::Declined | Self::Stopped => None,
        }
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::About { failure, .. } => failure.exit(),
            // The reader, such as `head`, has read enough.
            _ if self.is_closed_pipe() => Exit::Success,
            Self::Input(error) if error.is_unreadable() => Exit::Usage,
            Self::SavedPlan(error) if error.is_unreadable() => Exit::Usage,
            Self::Usage { .. }
            | Self::NoSuchCluster { .. }
            | Self::Unchecked(_)
            | Self::Manifests(_)
            | Self::Import(_) => Exit::Usage,
            _ => Exit::Failed,
        }
    }

    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl Input {
    /// An error that belongs to this document.
    pub(super) fn failed(&self, failure: impl Into<Failure>) -> Failure {
        Failure::About {
            origin: self.origin.clone(),
            failure: Box::new(failure.into()),
        }
    }

    /// The error of a document that cannot be rendered.
    pub(super) fn has_errors(&self, findings: Vec<Finding>) -> Failure {
        let name = self.name.clone();
        self.failed(Failure::Findings { name, findings })
    }
}
