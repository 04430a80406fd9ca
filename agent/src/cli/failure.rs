//! How a command ends, and what it says when it does not end well.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use shared::check::{Finding, Severity};
use shared::import::ImportError;
use shared::mesh::ReadError;
use shared::shorten;

use super::input::InputError;
use super::origin::{Origin, Placed};
use super::output::{self, WriteError};
use super::saved_plan::SavedPlanError;
use crate::file;
use crate::follow::FollowError;
use crate::http::ServeError;
use crate::lock::LockError;
use crate::operation::{Blocked, PlanError};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, and everything is as it should be.
    Success,
    /// Not done, or not as it should be.
    Failed,
    /// Wrong usage, an input that cannot be read, or something that could not be checked.
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

/// What programs read on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Programs {
    /// One JSON document.
    Document,
    /// A JSON document on each line.
    Lines,
}

/// Why a command failed, for programs: as `check` has it for a document with errors, and the error.
#[derive(Serialize)]
struct Answer {
    findings: Vec<Value>,
    error: Told,
}

#[derive(Serialize)]
struct Told {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// An error in a text in the form of a finding, which only the rules of `docs/findings.md` give a code.
fn unreadable(error: &ReadError) -> Value {
    let ReadError {
        path,
        line,
        column,
        message,
        hint,
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

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It has to do with the document that was read.
    #[error("{failure}")]
    About {
        /// Where that was written.
        origin: Origin,
        /// What went wrong.
        failure: Box<Failure>,
    },
    /// The document.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Manifests that cannot be read.
    #[error(transparent)]
    Manifests(InputError),
    /// Manifests that give no document.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The document can be read, but not rendered.
    #[error("{name}: the document has errors, so nothing is rendered")]
    Findings {
        /// Where the document comes from.
        name: String,
        /// What the checks found.
        findings: Vec<Finding>,
    },
    /// Options that do not go together, or lack something.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// A name that the document does not have.
    #[error("{name}: no manifests for a cluster named {cluster:?}; there are: {known}")]
    NoSuchCluster {
        /// Where the document comes from.
        name: String,
        /// The name asked for.
        cluster: String,
        /// Those there are.
        known: String,
    },
    /// The file or folder written to.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Standard output.
    #[error("standard output cannot be written: {}", file::reason(.0))]
    Output(#[from] std::io::Error),
    /// The runtime.
    #[error("no worker threads can be started: {}", file::reason(.0))]
    Runtime(std::io::Error),
    /// Planning.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Planning, for a verification: nothing could be checked.
    #[error("nothing could be checked: {0}")]
    Unchecked(PlanError),
    /// Following.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Another writer is at work.
    #[error("nothing was changed: {0}")]
    Lock(#[from] LockError),
    /// A plan that is not carried out.
    #[error("nothing was changed: {0}")]
    Blocked(Blocked),
    /// The person said no.
    #[error("nothing was changed: the question was not answered with yes")]
    Declined,
    /// A request to end came before anything was changed.
    #[error("nothing was changed: stopped on request")]
    Stopped,
    /// The plan is no longer the one that was saved.
    #[error("nothing was changed: the clusters changed since the plan was saved")]
    Changed,
    /// A saved plan that cannot be read or written.
    #[error(transparent)]
    SavedPlan(#[from] SavedPlanError),
    /// The local API.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl Failure {
    /// Tells people on standard error, unless nobody is listening any more.
    pub(super) fn report(&self) {
        if self.is_closed_pipe() {
            return;
        }
        // There is nothing left to do where even this cannot be written.
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

    /// What went wrong, as it can be printed.
    fn message(&self) -> String {
        let text = self.to_string();
        let text = shorten::message(&text);
        match self {
            // Its files stand on lines of their own.
            Self::Input(InputError::Mismatch { .. }) => output::paragraph(&text).into_owned(),
            _ => output::printable(&text).into_owned(),
        }
    }

    /// Tells programs on standard output.
    pub(super) fn tell(&self, programs: Programs) -> std::io::Result<()> {
        if self.is_closed_pipe() {
            return Ok(());
        }
        let (origin, failure) = match self {
            Self::About { origin, failure } => (Some(origin), failure.as_ref()),
            failure => (None, failure),
        };
        let answer = Answer {
            findings: failure.told(origin),
            error: Told {
                message: failure.message(),
                hint: failure.hint(),
            },
        };
        let mut stdout = output::stdout();
        match programs {
            Programs::Document => output::json(&mut stdout, &answer),
            Programs::Lines => output::json_line(&mut stdout, &answer),
        }
    }

    /// What is wrong with the document, each with its place.
    fn told(&self, origin: Option<&Origin>) -> Vec<Value> {
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
        // They have text keys only.
        placed
            .iter()
            .map(|one| serde_json::to_value(one).unwrap_or_default())
            .collect()
    }

    /// What the checks found, where that is why.
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
                "name files with manifests (YAML or JSON), folders with such files, or - for standard input"
                    .to_owned(),
            ),
            Self::Import(ImportError::NoSuffix) => Some(
                "give it with --suffix, or add the VirtualServices, ServiceEntries or DNSEndpoints with the names"
                    .to_owned(),
            ),
            Self::Import(error) => Some(error.hint()),
            Self::Findings { .. } => Some("fix what is listed above and try again".to_owned()),
            Self::Usage { hint, .. } => Some((*hint).to_owned()),
            Self::NoSuchCluster { .. } => Some("give --cluster one of these names".to_owned()),
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

    /// The exit code that it ends with.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::About { failure, .. } => failure.exit(),
            // As for a reader such as `head` that has seen enough.
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
