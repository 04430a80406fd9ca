//! kubectl, against a bed.

use std::io;
use std::process::{Command, Output, Stdio};

use super::{BedError, Testbed};

impl Testbed {
    /// Runs kubectl and gives what it writes to standard output.
    ///
    /// # Errors
    /// It exits with another status than 0; the error holds all it printed.
    pub fn kubectl(&self, context: &str, arguments: &[&str]) -> Result<String, BedError> {
        self.kubectl_with_input(context, arguments, "")
    }

    /// As [`Testbed::kubectl`], with text on standard input, for `-f -`.
    ///
    /// # Errors
    /// As [`Testbed::kubectl`].
    pub fn kubectl_with_input(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, BedError> {
        let output = self.try_kubectl(context, arguments, input)?;
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

    /// Runs kubectl and gives all about it, whatever its exit status.
    ///
    /// # Errors
    /// It can't be started.
    pub fn try_kubectl(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<Output, BedError> {
        let failed = |source| BedError::File {
            path: self.kubectl.clone(),
            source,
        };
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["--context", context])
            .args(arguments)
            // Its discovery cache is by host and port, and ports are used again.
            .env("KUBECACHEDIR", self.folder.path().join("kubectl-cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdin = child.stdin.take();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if let Some(mut stdin) = stdin {
                    // It may end without having read everything; its status tells.
                    let _broken_pipe = io::Write::write_all(&mut stdin, input.as_bytes());
                }
            });
            child.wait_with_output().map_err(failed)
        })
    }

    /// Makes the Service `istio-ingressgateway` in `istio-system` with these
    /// load balancer addresses (IP addresses or host names), or changes the
    /// addresses when it is there.
    ///
    /// # Errors
    /// As [`Testbed::kubectl`].
    pub fn ingress_gateway(&self, context: &str, addresses: &[&str]) -> Result<(), BedError> {
        let service = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "istio-ingressgateway",
                "namespace": "istio-system",
                "labels": {"app": "istio-ingressgateway", "istio": "ingressgateway"},
            },
            "spec": {
                "type": "LoadBalancer",
                "selector": {"app": "istio-ingressgateway", "istio": "ingressgateway"},
                "ports": [
                    {"name": "status-port", "port": 15021, "targetPort": 15021},
                    {"name": "http2", "port": 80, "targetPort": 8080},
                    {"name": "https", "port": 443, "targetPort": 8443},
                ],
            },
        });
        self.kubectl_with_input(
            context,
            &["apply", "--server-side", "-f", "-"],
            &service.to_string(),
        )?;
        let addresses = addresses
            .iter()
            .map(|address| match address.parse::<std::net::IpAddr>() {
                Ok(ip) => serde_json::json!({"ip": ip}),
                Err(_host_name) => serde_json::json!({"hostname": address}),
            })
            .collect::<Vec<_>>();
        let patch = serde_json::json!({"status": {"loadBalancer": {"ingress": addresses}}});
        self.kubectl(
            context,
            &[
                "patch",
                "service/istio-ingressgateway",
                "--namespace=istio-system",
                "--subresource=status",
                "--type=merge",
                "--patch",
                &patch.to_string(),
            ],
        )?;
        Ok(())
    }
}
