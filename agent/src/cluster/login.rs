//! Login tools: programs that print credentials (`users[].user.exec`), run as by client-go
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>).
//!
//! A tool runs once for all concurrent users of its credential, and again when the credential has expired or was
//! refused. Its standard output is a credential and is never shown; its standard error is.

mod credential;
mod process;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde_json::json;
use tokio::process::Command;

pub(in crate::cluster) use credential::bearer;
pub(super) use credential::{Certificate, Credential};
pub(crate) use process::kill_all;
use process::{RunError, Said, locked};

/// Deadline of a tool: enough for a person to log in with a browser. kubectl waits forever, but a person sees why; the
/// agent also has to show the clusters whose tools do answer.
const DEADLINE: Duration = Duration::from_mins(1);
/// Time after which, and interval at which, a waiting tool is reported.
pub(super) const TAKES_LONG: Duration = Duration::from_secs(2);
/// Limit of a tool's output that is shown.
const SHOWN: usize = 500;
/// The API versions that client-go supports.
const API_VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// All tools that were used, each with its credential, for the life of the process as in client-go. The key is the
/// tool's whole input.
static TOOLS: LazyLock<Mutex<BTreeMap<String, Arc<LoginTool>>>> = LazyLock::new(Mutex::default);
/// Two tools that prompt for a password on the same terminal would both fail.
static TERMINAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

type Outcome = Result<Arc<Credential>, LoginError>;
type Run = Shared<BoxFuture<'static, Outcome>>;

/// A program that prints credentials.
pub(super) struct LoginTool {
    command: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    /// `KUBERNETES_EXEC_INFO`.
    info: String,
    api_version: String,
    install_hint: Option<String>,
    has_terminal: bool,
    deadline: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    credential: Option<Arc<Credential>>,
    /// Standard error of this run.
    said: Said,
    run: Option<WeakShared<BoxFuture<'static, Outcome>>>,
}

/// Why a tool gave no credential. Contains nothing of its standard output.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum LoginError {
    #[error("exec in the kubeconfig is invalid: {0}")]
    Invalid(&'static str),
    #[error(
        "its login tool `{tool}` needs a terminal, and standard input is not one: log in with kubectl first"
    )]
    NoTerminal { tool: String },
    #[error("its login tool `{tool}` is not installed: {why}{hint}")]
    Missing {
        tool: String,
        why: String,
        /// With its separator.
        hint: String,
    },
    #[error("its login tool `{tool}` does not start: {why}")]
    Start { tool: String, why: String },
    #[error("its login tool `{tool}` failed ({status}){said}")]
    Failed {
        tool: String,
        status: String,
        /// With its separator.
        said: String,
    },
    #[error("its login tool `{tool}` did not end within {} s and was stopped{said}", .deadline.as_secs())]
    Timeout {
        tool: String,
        deadline: Duration,
        /// With its separator.
        said: String,
    },
    #[error("its login tool `{tool}` printed no valid ExecCredential: {why}")]
    Output { tool: String, why: &'static str },
}

impl LoginTool {
    /// The tool of an entry, shared with earlier uses and their credential.
    pub(super) fn of(exec: &ExecConfig) -> Result<Arc<Self>, LoginError> {
        let tool = Self::new(exec)?;
        let mut tools = locked(&TOOLS);
        Ok(tools.entry(tool.key()).or_insert(Arc::new(tool)).clone())
    }

    fn new(exec: &ExecConfig) -> Result<Self, LoginError> {
        let invalid = |why| Err(LoginError::Invalid(why));
        let Some(command) = exec.command.clone().filter(|command| !command.is_empty()) else {
            return invalid("command is missing");
        };
        let api_version = exec.api_version.clone().unwrap_or_default();
        if !API_VERSIONS.contains(&api_version.as_str()) {
            return invalid(
                "apiVersion is not client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1",
            );
        }
        let variables = exec.env.iter().flatten();
        let env: Vec<(String, String)> = variables
            .filter_map(|entry| Some((entry.get("name")?.clone(), entry.get("value")?.clone())))
            .collect();
        // The system rejects such texts with errors that quote them.
        let args = exec.args.clone().unwrap_or_default();
        let has_nul = |text: &String| text.contains('\0');
        let in_env = |(name, value): &(String, String)| has_nul(name) || has_nul(value);
        if env.iter().any(in_env) || args.iter().any(has_nul) || has_nul(&command) {
            return invalid("command, args or env has a zero byte");
        }
        if env
            .iter()
            .any(|(name, _)| name.is_empty() || name.contains('='))
        {
            return invalid("env has an invalid name");
        }
        let wants_person = exec.interactive_mode != Some(ExecInteractiveMode::Never);
        let has_terminal = wants_person && io::stdin().is_terminal();
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) && !has_terminal {
            return Err(LoginError::NoTerminal {
                tool: name_of(&command),
            });
        }
        let mut spec = json!({ "interactive": has_terminal });
        if exec.provide_cluster_info {
            spec["cluster"] = json!(exec.cluster);
        }
        let info = json!({ "apiVersion": api_version, "kind": "ExecCredential", "spec": spec });
        Ok(Self {
            command,
            args,
            env,
            info: info.to_string(),
            api_version,
            install_hint: exec.install_hint.clone(),
            has_terminal,
            deadline: DEADLINE,
            state: Mutex::default(),
        })
    }

    fn key(&self) -> String {
        json!([self.command, self.args, self.env, self.info]).to_string()
    }

    /// The program's name, for display.
    pub(super) fn name(&self) -> String {
        name_of(&self.command)
    }

    /// The stored credential if it is still valid; else runs the tool, or joins a run. Calls `on_wait` with the elapsed
    /// time while that takes long.
    pub(super) async fn credential(self: &Arc<Self>, on_wait: impl Fn(Duration)) -> Outcome {
        let run = {
            let mut state = locked(&self.state);
            if let Some(credential) = state.credential.as_ref().filter(|held| held.is_valid()) {
                return Ok(credential.clone());
            }
            self.join(&mut state)
        };
        let begun = Instant::now();
        let mut run = std::pin::pin!(run);
        loop {
            match tokio::time::timeout(TAKES_LONG, &mut run).await {
                Ok(outcome) => return outcome,
                Err(_) => on_wait(begun.elapsed()),
            }
        }
    }

    /// Joins the run in progress, or starts one. It is cancelled when no caller waits any more.
    fn join(self: &Arc<Self>, state: &mut State) -> Run {
        if let Some(run) = state.run.as_ref().and_then(WeakShared::upgrade) {
            return run;
        }
        let said = Said::default();
        state.said = said.clone();
        let tool = self.clone();
        let run = async move {
            let outcome = tool.run(&said).await.map(Arc::new);
            let mut state = locked(&tool.state);
            state.credential = outcome.as_ref().ok().cloned();
            state.run = None;
            outcome
        };
        let run = run.boxed().shared();
        state.run = run.downgrade();
        run
    }

    /// Drops a credential that a server refused.
    pub(super) fn refused(&self, credential: &Arc<Credential>) {
        let mut state = locked(&self.state);
        if state
            .credential
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, credential))
        {
            state.credential = None;
        }
    }

    /// The message while it is waited for, with its standard error so far, such as a URL to log in at.
    pub(super) fn awaited(&self, context: &str) -> String {
        let said = locked(&self.state).said.clone();
        let tool = self.name();
        let said = after_colon(&said);
        format!("waiting for the login tool `{tool}` of context {context}{said}")
    }

    async fn run(&self, said: &Said) -> Result<Credential, LoginError> {
        let _terminal = if self.has_terminal {
            Some(TERMINAL.lock().await)
        } else {
            None
        };
        let mut command = Command::new(&self.command);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBERNETES_EXEC_INFO", &self.info);
        let ended = process::run(command, self.has_terminal, said, self.deadline)
            .await
            .map_err(|error| self.failed(error, said))?;
        if !ended.status.success() {
            return Err(LoginError::Failed {
                tool: self.name(),
                status: ended.status.to_string(),
                said: after_colon(said),
            });
        }
        Credential::read(&ended.stdout, &self.api_version).map_err(|why| LoginError::Output {
            tool: self.name(),
            why,
        })
    }

    fn failed(&self, error: RunError, said: &Said) -> LoginError {
        let tool = self.name();
        match error {
            RunError::Start(error) if error.kind() == io::ErrorKind::NotFound => {
                let hint = self.install_hint.as_deref().map(shown);
                LoginError::Missing {
                    tool,
                    why: error.to_string(),
                    hint: hint.map_or_else(String::new, |hint| format!("; {hint}")),
                }
            }
            RunError::Start(error) | RunError::Read(error) => LoginError::Start {
                tool,
                why: error.to_string(),
            },
            RunError::TooLong => LoginError::Output {
                tool,
                why: "it is longer than 1 MiB",
            },
            RunError::Timeout(deadline) => LoginError::Timeout {
                tool,
                deadline,
                said: after_colon(said),
            },
        }
    }
}

/// The file name: the path is of no use in a message.
fn name_of(command: &str) -> String {
    let name = Path::new(command).file_name().unwrap_or_default();
    shown(&name.to_string_lossy())
}

fn after_colon(said: &Said) -> String {
    match shown(&String::from_utf8_lossy(&locked(said))) {
        nothing if nothing.is_empty() => nothing,
        said => format!(": {said}"),
    }
}

/// External text on one line, shortened, and without control characters.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
pub(super) use tests::tool;

#[cfg(test)]
mod tests;
