//! Starts and stops the HTTP server.

use std::fmt;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::token::state_folder;
use super::{Agent, Origin, RequestGuard, Token, TokenFile, connections, rest, router};
use crate::operation::Operations;
use crate::signals::Signals;

/// The default port.
const DEFAULT_PORT: u16 = 8642;

/// Time for connections to close after the last response.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A loopback address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl ListenAddress {
    /// The default address.
    pub const DEFAULT: Self = Self(SocketAddr::new(
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        DEFAULT_PORT,
    ));
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a loopback address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// It is not an address and a port.
    #[error(
        "it is not an address and a port\nhint: use 127.0.0.1:{DEFAULT_PORT} or [::1]:{DEFAULT_PORT}"
    )]
    NotAnAddress,
    /// Other machines could reach the address.
    #[error(
        "{0} is not a loopback address; the agent can change clusters, so it listens on this machine only\n\
        hint: use 127.0.0.1, and `ssh -L` to reach it from another machine"
    )]
    NotLoopback(IpAddr),
}

impl FromStr for ListenAddress {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text
            .strip_prefix("localhost:")
            .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let address: SocketAddr = text.parse().map_err(|_| ListenError::NotAnAddress)?;
        if address.ip().is_loopback() {
            Ok(Self(address))
        } else {
            Err(ListenError::NotLoopback(address.ip()))
        }
    }
}

/// Options of the server.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Address to listen on; port 0 stands for any free port.
    pub listen: ListenAddress,
    /// Origins of pages hosted elsewhere that may use the API.
    pub allow_origins: Vec<Origin>,
    /// Whether to open a browser.
    pub open: bool,
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be used, usually because another agent does.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No folder for the token is known.
    #[error("the folder for the agent's token is unknown")]
    NoHome,
    /// The token cannot be generated or written.
    #[error("cannot write the agent's token below {}: {source}", folder.display())]
    Token {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another error of the operating system.
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// The hint.
    pub fn hint(&self) -> String {
        match self {
            Self::Listen { source, address } if source.kind() == io::ErrorKind::AddrInUse => {
                format!(
                    "use --listen {}:0 for a free port; another program, possibly another agent, uses this one",
                    if address.is_ipv6() {
                        "[::1]"
                    } else {
                        "127.0.0.1"
                    }
                )
            }
            Self::Listen { .. } => "set --listen to another address or port".to_owned(),
            Self::NoHome => "set HOME or XDG_STATE_HOME to an absolute path".to_owned(),
            Self::Token { .. } => {
                "set XDG_STATE_HOME to a writable folder, or check the permissions".to_owned()
            }
            Self::Io(_) => "check the limits of the system, such as that of open files".to_owned(),
        }
    }
}

/// Serves until a signal stops it.
pub async fn serve(options: ServeOptions, operations: Operations) -> Result<(), ServeError> {
    let asked = options.listen.0;
    let listener = TcpListener::bind(asked)
        .await
        .map_err(|source| ServeError::Listen {
            address: asked,
            source,
        })?;
    let address = listener.local_addr()?;

    let state = state_folder().ok_or(ServeError::NoHome)?;
    let failed = |source| ServeError::Token {
        folder: state.clone(),
        source,
    };
    let token = Token::random().map_err(failed)?;
    let file = TokenFile::create(&state, address, &token).map_err(failed)?;
    let link = format!("http://{address}/#token={}", token.reveal());

    let agent = Agent::new(
        RequestGuard::new(address, token, options.allow_origins),
        operations,
    );
    let runs = agent.0.runs.clone();
    let resting = tokio::spawn(rest::between_work(agent.0.worked.clone(), runs.clone()));
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let mut signals = Signals::new()?;
    let server = connections::serve(listener, router(agent), async move {
        // An error means that the sender is gone, which also stops the server.
        _ = stopped.wait_for(|stop| *stop).await;
    });
    let server = tokio::spawn(server);

    announce(&link, &file);
    if options.open {
        open(&file, &link);
    }

    signals.next().await;
    resting.abort();
    _ = stop.send(true);
    // A stopped verification still reports its checks, and a drill restores the replicas.
    runs.stop_verifications();
    let active = runs.active();
    if active > 0 {
        tell(&format!(
            "stopping: waiting for {active} running applies and verifications, which restore the replicas of drills; \
            press Ctrl-C again to stop at once"
        ));
    }
    tokio::select! {
        () = async {
            runs.idle().await;
            // A client that does not read its response must not keep the agent running.
            _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        } => {}
        () = signals.next() => {
            if runs.active() > 0 {
                tell(
                    "stopped during a run; the next apply or verification continues from there; to restore the \
                     replicas of a drill, run `fedmesh-agent verify --restore`",
                );
            }
        }
    }
    Ok(())
}

/// Prints the link to standard output, and the explanation to standard error.
fn announce(link: &str, file: &TokenFile) {
    // A failed write does not stop the agent.
    _ = writeln!(io::stdout(), "{link}");
    tell(&format!(
        "Open this link in a browser on this machine. Its token is also in {}. Ctrl-C stops the agent.",
        file.path().display()
    ));
}

fn tell(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}

fn open(file: &TokenFile, link: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = file.write_opener(link).and_then(|page| {
        Command::new(program)
            .arg(page)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    });
    match started {
        Ok(mut child) => {
            // Waiting for the process prevents a zombie.
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tell(&format!(
            "cannot start {program} ({error}); open the link yourself"
        )),
    }
}
