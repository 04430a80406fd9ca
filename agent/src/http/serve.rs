//! Listening, and stopping.

use std::fmt;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::token::state_folder;
use super::{Agent, Door, Origin, Token, TokenFile, connections, rest, router};
use crate::operation::Operations;
use crate::signals::Signals;

/// The port where none is asked for.
const DEFAULT_PORT: u16 = 8642;

/// How long connections may take to end after the last answer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// An address on loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl ListenAddress {
    /// Where the agent listens unless told otherwise.
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

/// A text that is not an address on loopback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// Not an address at all.
    #[error(
        "it is not an address and a port\nhint: write 127.0.0.1:{DEFAULT_PORT}, or [::1]:{DEFAULT_PORT}"
    )]
    NotAnAddress,
    /// Others could reach it.
    #[error(
        "{0} is not a loopback address: the agent changes clusters and listens to this machine only\n\
         hint: listen on 127.0.0.1 and reach it from elsewhere through `ssh -L`"
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

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: ListenAddress,
    /// Origins of pages elsewhere that may use the API.
    pub allow_origins: Vec<Origin>,
    /// Whether to start a browser.
    pub open: bool,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Usually another agent.
    #[error("the agent cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Nowhere to put the token.
    #[error("there is no folder for the agent's token")]
    NoHome,
    /// No source of randomness, or the file cannot be written.
    #[error("the agent's token cannot be written below {}: {source}", folder.display())]
    Token {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Anything else of the operating system.
    #[error("the agent cannot serve: {0}")]
    Io(#[from] io::Error),
}

impl ServeError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Listen { source, address } if source.kind() == io::ErrorKind::AddrInUse => {
                format!(
                    "another program, perhaps another agent, has the port; give --listen {}:0 for a free one",
                    if address.is_ipv6() {
                        "[::1]"
                    } else {
                        "127.0.0.1"
                    }
                )
            }
            Self::Listen { .. } => "give --listen another address or port".to_owned(),
            Self::NoHome => "set HOME or XDG_STATE_HOME to an absolute path".to_owned(),
            Self::Token { .. } => {
                "set XDG_STATE_HOME to a folder that can be written, or look at the permissions"
                    .to_owned()
            }
            Self::Io(_) => {
                "look at the limits of the system, such as that of open files".to_owned()
            }
        }
    }
}

/// Serves until it is told to stop.
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

    let agent = Agent::new(Door::new(address, token, options.allow_origins), operations);
    let runs = agent.0.runs.clone();
    let resting = tokio::spawn(rest::between_work(agent.0.worked.clone(), runs.clone()));
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let mut signals = Signals::new()?;
    let server = connections::serve(listener, router(agent), async move {
        // An error says that the sender is gone, which is a reason to stop as well.
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
    // A verification shows what it has seen; a drill gives back what it took away.
    runs.stop_verifications();
    let active = runs.active();
    if active > 0 {
        tell(&format!(
            "waiting for {active} running apply(s) and verification(s) to end; what a drill took away is given back; \
             once more to quit at once"
        ));
    }
    tokio::select! {
        () = async {
            runs.idle().await;
            // A client that does not read its answer must not keep the agent alive.
            _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        } => {}
        () = signals.next() => {
            if runs.active() > 0 {
                tell(
                    "stopped in the middle of a run; the next apply or verification goes on from there, and what a \
                     drill took away is given back by `fedmesh-agent verify --restore`",
                );
            }
        }
    }
    Ok(())
}

/// The link is data, for a person or a script; the rest is talk.
fn announce(link: &str, file: &TokenFile) {
    // An agent whose output nobody reads still serves.
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
            // Waited for, so that it does not stay behind as a zombie.
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tell(&format!(
            "{program} cannot be started ({error}); open the link yourself"
        )),
    }
}
