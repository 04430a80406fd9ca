//! kubectl, against a bed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::BedError;

/// Arguments that wait until every CRD is established.
pub(crate) const WAIT_FOR_DEFINITIONS: [&str; 5] = [
    "wait",
    "crd",
    "--all",
    "--for=condition=Established",
    "--timeout=60s",
];

/// kubectl with the kubeconfig of a bed.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    /// Its discovery cache is keyed by host and port, and ports are reused.
    cache: PathBuf,
    /// The file of the network namespace to run in; `None` for the caller's.
    network: Option<PathBuf>,
}

impl Kubectl {
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, folder: &Path) -> Self {
        Self {
            program,
            kubeconfig,
            cache: folder.join("kubectl-cache"),
            network: None,
        }
    }

    #[must_use]
    pub(crate) fn in_network(mut self, namespace: PathBuf) -> Self {
        self.network = Some(namespace);
        self
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs kubectl and returns its standard output.
    ///
    /// # Errors
    /// Its exit status is not 0; the error has its whole output.
    pub fn run(&self, context: &str, arguments: &[&str]) -> Result<String, BedError> {
        self.run_with_input(context, arguments, "")
    }

    /// As [`Kubectl::run`], with text on standard input, for `-f -`.
    ///
    /// # Errors
    /// As [`Kubectl::run`].
    pub fn run_with_input(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, BedError> {
        let output = self.attempt(context, arguments, input)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Err(BedError::Kubectl {
            context: context.to_owned(),
            arguments: arguments.join(" "),
            output: text,
        })
    }

    /// Runs kubectl and returns its output, whatever its exit status.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn attempt(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<Output, BedError> {
        let failed = |source| BedError::File {
            path: self.program.clone(),
            source,
        };
        let mut command = match &self.network {
            None => Command::new(&self.program),
            Some(namespace) => {
                let mut option = OsString::from("--net=");
                option.push(namespace);
                let mut command = Command::new("nsenter");
                command.arg(option).arg(&self.program);
                command
            }
        };
        let mut child = command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["--context", context])
            .args(arguments)
            .env("KUBECACHEDIR", &self.cache)
            // It ends before garbage collection would matter.
            .envs([("GOGC", "off"), ("GOMEMLIMIT", "256MiB")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut stdin) = stdin {
                    // It may end without reading everything; its exit status decides.
                    let _broken_pipe = io::Write::write_all(&mut stdin, input.as_bytes());
                }
            });
            child.wait_with_output().map_err(failed)
        })
    }

    /// Sets the addresses of a Service of type LoadBalancer (IP addresses or host names), as a cloud's controller does.
    ///
    /// # Errors
    /// As [`Kubectl::run`].
    pub fn publish_addresses(
        &self,
        context: &str,
        (namespace, service): (&str, &str),
        addresses: &[&str],
    ) -> Result<(), BedError> {
        let addresses = addresses
            .iter()
            .map(|address| match address.parse::<std::net::IpAddr>() {
                Ok(ip) => serde_json::json!({"ip": ip}),
                Err(_host_name) => serde_json::json!({"hostname": address}),
            })
            .collect::<Vec<_>>();
        let patch = serde_json::json!({"status": {"loadBalancer": {"ingress": addresses}}});
        self.run(
            context,
            &[
                "patch",
                &format!("service/{service}"),
                &format!("--namespace={namespace}"),
                "--subresource=status",
                "--type=merge",
                "--patch",
                &patch.to_string(),
            ],
        )?;
        Ok(())
    }
}
