//! etcd and kube-apiserver as processes, on ports that were free a moment ago.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{BedError, certificates, kubeconfig};
use crate::process::OwnedProcess;
use crate::tools::{CONTROL_PLANE, KUBECTL, ToolError};

/// Deadline on loaded machines; a server that is not ready by then never will be.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Another process may bind a free port before the daemon does.
const PORTS_TO_TRY: usize = 5;
const POLL_EVERY: Duration = Duration::from_millis(25);

/// The programs of a bed.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    etcd: PathBuf,
    kube_apiserver: PathBuf,
    namespace_controller: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Programs {
    pub(super) fn ensure() -> Result<Self, ToolError> {
        Ok(Self {
            etcd: CONTROL_PLANE.ensure_as("etcd")?,
            kube_apiserver: CONTROL_PLANE.ensure_as("kube-apiserver")?,
            namespace_controller: CONTROL_PLANE.ensure_as("namespace-controller")?,
            kubectl: KUBECTL.ensure()?,
        })
    }

    /// Starts the controller that empties and finishes deleted namespaces, in all clusters.
    pub(super) fn start_namespace_controller(
        &self,
        bed: &Path,
        kubeconfig: &Path,
    ) -> Result<OwnedProcess, BedError> {
        let program = &self.namespace_controller;
        OwnedProcess::start(
            program,
            [kubeconfig],
            &[],
            &bed.join("namespace-controller.log"),
        )
        .map_err(|source| BedError::File {
            path: program.clone(),
            source,
        })
    }
}

#[derive(Debug)]
pub(super) struct Etcd {
    process: OwnedProcess,
    port: u16,
}

impl Etcd {
    pub(super) fn start(folder: &Path, programs: &Programs) -> Result<Self, BedError> {
        let log = folder.join("etcd.log");
        with_free_port("etcd", &log, |port, attempt| {
            let peers = free_port()?;
            let arguments = [
                format!(
                    "--data-dir={}",
                    folder.join(format!("etcd-{attempt}")).display()
                ),
                format!("--listen-client-urls=http://127.0.0.1:{port}"),
                format!("--advertise-client-urls=http://127.0.0.1:{port}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peers}"),
                format!("--initial-advertise-peer-urls=http://127.0.0.1:{peers}"),
                format!("--initial-cluster=default=http://127.0.0.1:{peers}"),
                // The data is dropped with the bed.
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ];
            let process =
                OwnedProcess::start(&programs.etcd, arguments, &[], &log).map_err(|source| {
                    BedError::File {
                        path: programs.etcd.clone(),
                        source,
                    }
                })?;
            Ok((Self { process, port }, log.clone()))
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }
}

#[derive(Debug)]
pub(super) struct ApiServer {
    process: Option<OwnedProcess>,
    context: String,
    folder: PathBuf,
    port: u16,
    token: String,
    programs: Programs,
}

impl ApiServer {
    pub(super) fn start(
        bed: &Path,
        context: &str,
        etcd: u16,
        programs: &Programs,
    ) -> Result<Self, BedError> {
        let folder = bed.join(context);
        fs::create_dir(&folder).map_err(|source| BedError::File {
            path: folder.clone(),
            source,
        })?;
        certificates::write(
            &folder,
            context,
            &["localhost".to_owned(), "127.0.0.1".to_owned()],
        )?;
        let token = random_token()?;
        let tokens = folder.join("tokens.csv");
        fs::write(
            &tokens,
            format!("{token},{context}-admin,{context}-admin,system:masters\n"),
        )
        .map_err(|source| BedError::File {
            path: tokens,
            source,
        })?;
        let log = folder.join("kube-apiserver.log");
        with_free_port("kube-apiserver", &log, |port, _attempt| {
            let mut server = Self {
                process: None,
                context: context.to_owned(),
                folder: folder.clone(),
                port,
                token: token.clone(),
                programs: programs.clone(),
            };
            server.process = Some(server.spawn(etcd)?);
            Ok((server, log.clone()))
        })
    }

    pub(super) fn start_again(&mut self, etcd: u16) -> Result<(), BedError> {
        if self.process.is_none() {
            let log = self.log();
            // Output of an earlier run does not explain a failure of this one.
            fs::write(&log, "").map_err(|source| BedError::File {
                path: log.clone(),
                source,
            })?;
            self.process = Some(self.spawn(etcd)?);
            wait_until_ready("kube-apiserver", self, &log)?;
        }
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.process = None;
    }

    pub(super) fn entry(&self) -> kubeconfig::Entry {
        kubeconfig::Entry {
            context: self.context.clone(),
            server: self.url(),
            authority: self.folder.join("ca.crt"),
            token: self.token.clone(),
        }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(super) fn process(&self) -> Option<&OwnedProcess> {
        self.process.as_ref()
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(OwnedProcess::id)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("kube-apiserver.log")
    }

    fn spawn(&self, etcd: u16) -> Result<OwnedProcess, BedError> {
        let program = &self.programs.kube_apiserver;
        let file = |name: &str| self.folder.join(name).display().to_string();
        let arguments = [
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            // One etcd serves all clusters, each with a prefix of its own.
            format!("--etcd-prefix=/{}", self.context),
            "--bind-address=127.0.0.1".to_owned(),
            "--external-hostname=localhost".to_owned(),
            format!("--secure-port={}", self.port),
            // Loopback addresses are invalid in the Endpoints of the Service `kubernetes`.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--cert-dir={}", file("certificates")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", file("accounts.pub")),
            format!(
                "--service-account-signing-key-file={}",
                file("accounts.key")
            ),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            // No controller creates the default accounts that the plugin would wait for.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--profiling=false".to_owned(),
        ];
        // It runs for minutes: less garbage collection for more memory.
        let collecting = [("GOGC", "400"), ("GOMEMLIMIT", "600MiB")];
        let environment = collecting.map(|(name, value)| (name, OsStr::new(value)));
        OwnedProcess::start(program, arguments, &environment, &self.log()).map_err(|source| {
            BedError::File {
                path: program.clone(),
                source,
            }
        })
    }
}

/// A process with a readiness check.
pub(super) trait Daemon {
    fn process_mut(&mut self) -> Option<&mut OwnedProcess>;
    fn is_ready(&self) -> bool;
}

impl Daemon for Etcd {
    fn process_mut(&mut self) -> Option<&mut OwnedProcess> {
        Some(&mut self.process)
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }
}

impl Daemon for ApiServer {
    fn process_mut(&mut self) -> Option<&mut OwnedProcess> {
        self.process.as_mut()
    }

    fn is_ready(&self) -> bool {
        // kubectl costs a tenth of a second, so check the port first.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && Command::new(&self.programs.kubectl)
                .args(["get", "--raw=/readyz", "--request-timeout=5s"])
                .arg(format!("--server={}", self.url()))
                .arg(format!("--token={}", self.token))
                .arg(format!(
                    "--certificate-authority={}",
                    self.folder.join("ca.crt").display()
                ))
                .env("KUBECONFIG", "/dev/null")
                .output()
                .is_ok_and(|output| output.status.success())
    }
}

/// Starts a daemon on a free port and waits until it is ready; retries with another port if another process has bound
/// it.
pub(super) fn with_free_port<D: Daemon>(
    name: &str,
    log: &Path,
    start: impl Fn(u16, usize) -> Result<(D, PathBuf), BedError>,
) -> Result<D, BedError> {
    for attempt in 0..PORTS_TO_TRY {
        let (mut daemon, log_of_attempt) = start(free_port()?, attempt)?;
        match wait_until_ready(name, &mut daemon, &log_of_attempt) {
            Ok(()) => return Ok(daemon),
            Err(BedError::Ended { log: text, .. }) if text.contains("address already in use") => {
                fs::remove_file(log).map_err(|source| BedError::File {
                    path: log.to_owned(),
                    source,
                })?;
            }
            Err(error) => return Err(error),
        }
    }
    Err(BedError::NoPort {
        daemon: name.to_owned(),
    })
}

fn wait_until_ready(name: &str, daemon: &mut impl Daemon, log: &Path) -> Result<(), BedError> {
    let start = Instant::now();
    loop {
        if let Some(process) = daemon.process_mut()
            && let Some(status) = process.exit_status().map_err(|source| BedError::File {
                path: log.to_owned(),
                source,
            })?
        {
            let (daemon, status) = (name.to_owned(), status.to_string());
            return Err(BedError::Ended {
                daemon,
                status,
                log: last_lines(log),
            });
        }
        if daemon.is_ready() {
            return Ok(());
        }
        if start.elapsed() > READY_WITHIN {
            let (daemon, after) = (name.to_owned(), READY_WITHIN);
            return Err(BedError::NotReady {
                daemon,
                after,
                log: last_lines(log),
            });
        }
        std::thread::sleep(POLL_EVERY);
    }
}

fn last_lines(log: &Path) -> String {
    match fs::read(log) {
        Ok(text) => {
            let text = String::from_utf8_lossy(&text);
            let lines = text.lines().collect::<Vec<_>>();
            lines[lines.len().saturating_sub(20)..].join("\n")
        }
        Err(error) => format!("(cannot read {}: {error})", log.display()),
    }
}

pub(super) fn free_port() -> Result<u16, BedError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| BedError::File {
            path: PathBuf::from("127.0.0.1:0"),
            source,
        })
}

pub(crate) fn random_token() -> Result<String, BedError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    fs::File::open(path)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|source: io::Error| BedError::File {
            path: path.to_owned(),
            source,
        })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
