//! Dependencies between objects that are applied together: if one fails, applying its dependents would fail too, or do
//! harm.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kubernetes::object::{ISTIO_GROUP, Kind, Object};

/// Whether an object must not be applied because another one was not.
pub fn depends_on(object: &Object, other: &Object) -> bool {
    let in_namespace = || object.namespace.as_deref() == Some(other.name.as_str());
    let is_same_name = || object.namespace == other.namespace && object.name == other.name;
    match (other.kind.group.as_ref(), other.kind.kind.as_ref()) {
        ("", "Namespace") => in_namespace(),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            other.name == format!("{}.{}", object.kind.plural, object.kind.group)
        }
        // Pods would not start, or would lack permissions.
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", "Role" | "RoleBinding") => {
            object.kind == Kind::DEPLOYMENT && is_same_name()
        }
        // A name that is published before its gateway serves it is answered with 404.
        (ISTIO_GROUP, "Gateway" | "VirtualService")
        | ("gateway.networking.k8s.io", "Gateway" | "HTTPRoute" | "GRPCRoute" | "TLSRoute") => {
            object.kind == Kind::DNS_ENDPOINT && !hosts(other).is_disjoint(&published(object))
        }
        _ => false,
    }
}

/// The hosts of a gateway or its routes.
fn hosts(object: &Object) -> BTreeSet<&str> {
    let spec = object.body.get("spec").unwrap_or(&Value::Null);
    let servers = spec["servers"].as_array().into_iter().flatten();
    let listeners = spec["listeners"].as_array().into_iter().flatten();
    let lists = [&spec["hosts"], &spec["hostnames"]];
    let lists = lists.into_iter().chain(servers.map(|one| &one["hosts"]));
    let named = lists.filter_map(Value::as_array).flatten();
    let named = named.chain(listeners.map(|one| &one["hostname"]));
    let named = named.filter_map(Value::as_str);
    // `namespace/host` in a Gateway.
    named
        .map(|host| host.rsplit_once('/').map_or(host, |(_, host)| host))
        .collect()
}

/// The names of records.
fn published(object: &Object) -> BTreeSet<&str> {
    let spec = object.body.get("spec").unwrap_or(&Value::Null);
    let endpoints = spec["endpoints"].as_array().into_iter().flatten();
    endpoints
        .filter_map(|one| one["dnsName"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::depends_on;
    use crate::check::check;
    use crate::facts::Facts;
    use crate::kubernetes::object::Object;
    use crate::mesh::Mesh;
    use crate::plan::desired::Desired;

    fn objects() -> Vec<Object> {
        let mesh = "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns:\n    \
                    suffix: example.net\n    externalDns: {provider: google}\n  samples: [sleep, httpbin]\n  clusters:\n  - {name: a, region: r, \
                    zone: z, gateway: {addresses: [192.0.2.1]}}\n  services:\n  - {name: orders, namespace: shop, port: \
                    80}\n  - {name: bills, namespace: shop, port: 80}\n";
        let mesh = Mesh::read(mesh).unwrap();
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        Desired::new(resolved).of("a")
    }

    /// The kinds and names of the dependents of one object.
    fn dependents(kind: &str, name: &str) -> Vec<String> {
        let all = objects();
        let of = |one: &&Object| one.kind.kind == kind && one.name == name;
        let failed = all
            .iter()
            .find(of)
            .unwrap_or_else(|| panic!("no {kind} {name}"));
        let dependents = all.iter().filter(|one| depends_on(one, failed));
        dependents
            .map(|one| format!("{} {}", one.kind.kind, one.name))
            .collect()
    }

    #[test]
    fn only_dependents_wait_for_an_object() {
        let of_namespace = dependents("Namespace", "external-dns");
        assert!(
            of_namespace
                .iter()
                .any(|one| one.starts_with("Deployment "))
        );
        assert!(
            !of_namespace
                .iter()
                .any(|one| one.starts_with("VirtualService "))
        );
        // The samples are in one namespace.
        assert_eq!(dependents("ServiceAccount", "sleep"), ["Deployment sleep"]);
        assert_eq!(
            dependents("Role", "external-dns"),
            ["Deployment external-dns"]
        );
        let definition = "dnsendpoints.externaldns.k8s.io";
        let records = dependents("CustomResourceDefinition", definition);
        assert_eq!(records.len(), 2, "{records:?}");
        let of_service = dependents("VirtualService", "orders");
        assert_eq!(of_service.len(), 1, "{of_service:?}");
        assert!(of_service[0].starts_with("DNSEndpoint ") && of_service[0].contains("orders"));
        assert_eq!(dependents("Gateway", "fedmesh-demo").len(), 2);
        assert_eq!(
            dependents("DNSEndpoint", of_service[0].split_once(' ').unwrap().1),
            [""; 0]
        );
    }
}
