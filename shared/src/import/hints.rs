//! Severities, reasons and hints of losses: what a user can do about them.

use super::clusters::is_passing_mutual_tls;
use super::comparable;
use super::counterparts::InCluster;
use super::difference::Loss;
use super::read::KUSTOMIZE;
use crate::check::Severity;
use crate::manifests::Object;

/// The hint for a credential.
pub(super) const TO_A_SECRET: &str =
    "add it to a Secret; ExternalDNS reads its credentials from the Secret in `externalDns.secret`";

/// For an object whose name the document renders.
pub(super) const OTHER_PURPOSE: (Severity, &str, &str) = (
    Severity::Warning,
    "the document renders an object of this name for another purpose",
    "rename it, and apply it separately",
);

/// The hint for a route or rule of external hosts.
pub(super) fn of_external(object: &Object, cluster: &InCluster<'_>) -> Option<&'static str> {
    match object.kind() {
        "VirtualService" if cluster.entry_of(object, cluster.given).is_some() => Some(
            "apply it separately, or set `tls` of a port or `egressGateway` of the external host if that does the same",
        ),
        "DestinationRule" => {
            let entry = cluster.entry_of(object, cluster.rendered)?;
            let is_there = entry.namespace() == object.namespace();
            (!is_there).then_some(
                "apply it separately, in the namespace `istio-system` of the ServiceEntry that the document renders: elsewhere only clients of its own namespace use it",
            )
        }
        _ => None,
    }
}

/// Severity, reason and hint for an object without a counterpart.
pub(super) fn no_place(object: &Object) -> (Severity, &'static str, &'static str) {
    let (lost, stays) = (Severity::Warning, Severity::Hint);
    match object.kind() {
        "Mesh" => (
            stays,
            "the object is a Mesh document, so nothing is imported from it",
            "use it as it is: every command reads a bundle of fedmesh with `-f`",
        ),
        "Gateway" if object.is("Gateway") && is_passing_mutual_tls(object) => (
            lost,
            "the document renders no Gateway that replaces it",
            "apply it separately, or set `transport: mtls` of the services that are called through it",
        ),
        "Gateway" if object.is("Gateway") => (
            lost,
            "the document renders no Gateway that replaces it",
            "apply it separately, or share a service with a VirtualService for it",
        ),
        _ if object.group() == "gateway.networking.k8s.io" => (
            lost,
            "the Gateway API is not imported",
            "apply it separately, or write its contents as VirtualServices and Gateways of Istio",
        ),
        "Kustomization" => (
            lost,
            "a Kustomization is a build instruction, not a manifest",
            KUSTOMIZE,
        ),
        "ConfigMap" if object.namespace() == "kube-system" => (
            lost,
            "the ConfigMap would replace the whole cluster DNS configuration",
            "set `dns.nameservers` to the zone's name servers; they are merged into the cluster DNS configuration",
        ),
        "Sidecar" => (
            lost,
            "the document renders Sidecars for namespaces of callers only, named `default`",
            "apply it separately, or set `sidecars` and `callers`",
        ),
        "VirtualService" => (
            lost,
            "the document renders no VirtualService that replaces it",
            "apply it separately, or share the service that it routes to with a VirtualService at a gateway",
        ),
        "DestinationRule" if comparable::has_no_policy(&object.value["spec"]) => (
            stays,
            "the DestinationRule has no policy, so the document needs none for its host",
            "keep it only for routes that are applied separately and have its subsets",
        ),
        "ServiceEntry" | "DestinationRule" | "DNSEndpoint" => (
            lost,
            "the document renders no such object for its hosts",
            "apply it separately",
        ),
        "RouteRule" | "DestinationPolicy" | "EgressRule" => (
            lost,
            "current versions of Istio do not have this kind",
            "use `routes`, `subsets` and `trafficPolicy` of a service",
        ),
        _ => {
            let of_meshes = [
                "istio.io",
                "gateway.networking.k8s.io",
                "multicluster.x-k8s.io",
            ];
            let matters = of_meshes
                .iter()
                .any(|group| object.group().ends_with(group));
            (
                if matters { lost } else { stays },
                "the document renders no such object",
                "apply it separately",
            )
        }
    }
}

/// The hint for a field that is not imported.
pub(super) fn advice(loss: &Loss) -> &'static str {
    let path = loss.path.as_str();
    let field = path.rsplit('.').next().unwrap_or_default();
    match field {
        _ if path.starts_with("metadata.") => {
            "add it to the rendered manifests, for example with Kustomize, if something needs it"
        }
        "resolution" if loss.given == "NONE" => {
            "set a range in `addresses` of an external host to keep `NONE`, or check that sidecars may choose another address of the host than the caller"
        }
        "hosts" | "sniHosts" | "dnsName" => {
            "use one of the names that `fedmesh-agent names` lists, or set `hostname` of the service"
        }
        "exportTo" => {
            "set `exportTo` or `callers` of the service if the object is of a shared service"
        }
        "image" => "set it in `images` if it is the same program with the same flags",
        "args" => "add arguments that fedmesh does not set itself to `externalDns.args`",
        "gateways" => {
            "keep it for `mesh` alone if sidecars need its routes: those of the document are for gateways"
        }
        "credentialName" => "set `tls.credentialName`: a document has one Secret for all services",
        _ if path.starts_with("spec.servers") => {
            "set `transport: tls` if gateways have certificates for all services; a document has no other settings of servers"
        }
        _ if path.starts_with("spec.http") => {
            "add an equivalent route to the service; docs/reference.md lists the fields of routes"
        }
        _ => "check that nothing needs it: a document has no field for it",
    }
}
