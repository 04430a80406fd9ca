//! kubectl, against a bed.

use std::process::Output;

use super::{BedError, Testbed};

impl Testbed {
    /// As [`Kubectl::run`](crate::Kubectl::run).
    ///
    /// # Errors
    /// As there.
    pub fn kubectl(&self, context: &str, arguments: &[&str]) -> Result<String, BedError> {
        self.kubectl.run(context, arguments)
    }

    /// As [`Kubectl::run_with_input`](crate::Kubectl::run_with_input).
    ///
    /// # Errors
    /// As there.
    pub fn kubectl_with_input(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, BedError> {
        self.kubectl.run_with_input(context, arguments, input)
    }

    /// As [`Kubectl::attempt`](crate::Kubectl::attempt).
    ///
    /// # Errors
    /// As there.
    pub fn try_kubectl(
        &self,
        context: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<Output, BedError> {
        self.kubectl.attempt(context, arguments, input)
    }

    /// Creates the Service `istio-ingressgateway` in `istio-system` with these load balancer addresses (IP addresses or
    /// host names), or changes the addresses of an existing one.
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
        self.kubectl
            .publish_addresses(context, ("istio-system", "istio-ingressgateway"), addresses)
    }
}
