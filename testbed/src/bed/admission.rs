//! Istio's admission webhook, as a process that a bed's API server calls.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::control_plane::{Daemon, with_free_port};
use super::{BedError, Testbed};
use crate::process::OwnedProcess;
use crate::tools::PILOT_DISCOVERY;

/// istiod, which an API server calls for every object of Istio's kinds. Without it, that server rejects them.
#[derive(Debug)]
pub struct IstioAdmission {
    process: OwnedProcess,
    port: u16,
}

impl Testbed {
    /// Configures a cluster's API server to call Istio's own admission webhook, as Istio's charts do.
    ///
    /// # Errors
    /// istiod is not available or does not become ready, or the context is unknown.
    pub fn ask_istio(&self, context: &str) -> Result<IstioAdmission, BedError> {
        let program = PILOT_DISCOVERY.ensure()?;
        let folder = self.folder().join(format!("istiod-{context}"));
        let log = folder.join("istiod.log");
        let written = |path: &Path, text: &str| {
            std::fs::write(path, text).map_err(|source| BedError::File {
                path: path.to_owned(),
                source,
            })
        };
        std::fs::create_dir(&folder).map_err(|source| BedError::File {
            path: folder.clone(),
            source,
        })?;
        let mesh = folder.join("mesh.yaml");
        written(&mesh, "rootNamespace: istio-system\n")?;
        let kubeconfig = folder.join("kubeconfig");
        super::kubeconfig::write(&kubeconfig, [self.entry(context)?])?;
        // It has the same names as the API server, so one certificate is enough.
        let certificates = self.folder().join(context);
        let certificate = |name: &str| certificates.join(name).display().to_string();
        let admission =
            with_free_port("istiod", &log, |port, _attempt| {
                let arguments = [
                    "discovery".to_owned(),
                    format!("--kubeconfig={}", kubeconfig.display()),
                    format!("--meshConfig={}", mesh.display()),
                    "--networksConfig=/dev/null".to_owned(),
                    "--namespace=istio-system".to_owned(),
                    format!("--httpsAddr=127.0.0.1:{port}"),
                    "--httpAddr=127.0.0.1:0".to_owned(),
                    "--grpcAddr=".to_owned(),
                    "--secureGRPCAddr=".to_owned(),
                    "--monitoringAddr=127.0.0.1:0".to_owned(),
                    "--ctrlz_port=0".to_owned(),
                    "--shutdownDuration=1s".to_owned(),
                    format!("--tlsCertFile={}", certificate("server.crt")),
                    format!("--tlsKeyFile={}", certificate("server.key")),
                    format!("--caCertFile={}", certificate("ca.crt")),
                ];
                let environment = [
                    ("POD_NAME", "istiod".as_ref()),
                    ("POD_NAMESPACE", "istio-system".as_ref()),
                    ("ENABLE_LEADER_ELECTION", "false".as_ref()),
                    // The webhook is set up below.
                    ("VALIDATION_WEBHOOK_CONFIG_NAME", "".as_ref()),
                    ("INJECTION_WEBHOOK_CONFIG_NAME", "".as_ref()),
                ];
                let process = OwnedProcess::start(&program, arguments, &environment, &log)
                    .map_err(|source| BedError::File {
                        path: program.clone(),
                        source,
                    })?;
                Ok((IstioAdmission { process, port }, log.clone()))
            })?;
        let authority = certificates.join("ca.crt");
        let authority = std::fs::read(&authority).map_err(|source| BedError::File {
            path: authority,
            source,
        })?;
        let webhook = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "istio-validator" },
            "webhooks": [{
                "name": "rev.validation.istio.io",
                "clientConfig": {
                    "url": format!("https://localhost:{}/validate", admission.port),
                    "caBundle": STANDARD.encode(&authority),
                },
                "rules": [{
                    "operations": ["CREATE", "UPDATE"],
                    "apiGroups": ["networking.istio.io", "security.istio.io", "telemetry.istio.io"],
                    "apiVersions": ["*"], "resources": ["*"],
                }],
                "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            }],
        });
        self.kubectl_with_input(context, &["create", "-f", "-"], &webhook.to_string())?;
        Ok(admission)
    }
}

impl Daemon for IstioAdmission {
    fn process_mut(&mut self) -> Option<&mut OwnedProcess> {
        Some(&mut self.process)
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }
}
