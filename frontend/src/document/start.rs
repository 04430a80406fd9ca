//! Documents to start from.

use serde_json::{Value, json};

/// An empty document: what it needs is to be filled in.
pub(crate) fn empty() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {},
        "spec": { "dns": {}, "clusters": [{}, {}] },
    })
}

/// The walk-through: one service in two clusters, in two zones of one region.
pub(crate) fn walkthrough() -> Value {
    let cluster =
        |name: &str, zone: &str| json!({ "name": name, "region": "us-west2", "zone": zone });
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "istio": shared::defaults::DEFAULT_ISTIO,
            "dns": {
                "suffix": "my.dns.zone.name",
                "externalDns": { "provider": "google", "ownerId": "demo" },
            },
            "clusters": [cluster("cluster1", "us-west2-a"), cluster("cluster2", "us-west2-b")],
            "services": [{
                "name": "httpbin",
                "port": 8000,
                "hostname": "httpbin",
                "routes": [{ "exact": "/html" }, { "exact": "/status" }, { "exact": "/delay" }],
                "failover": { "retry": true },
            }],
            "samples": ["httpbin", "sleep"],
        },
    })
}

#[cfg(test)]
mod tests {
    use shared::Mesh;

    #[test]
    fn the_walkthrough_is_the_example() {
        let example = Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap();
        let walkthrough = super::walkthrough();
        assert_eq!(crate::document::clusters::as_value(&example), walkthrough);
        assert_eq!(Mesh::from_value(&walkthrough), (example, Vec::new()));
    }
}
