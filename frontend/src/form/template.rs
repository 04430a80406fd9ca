//! Documents to start from.

use shared::mesh::{Cluster, Dns, ExternalDns, Failover, Mesh, Metadata, Sample, Service, Spec};
use shared::passthrough::path_route;

/// The walk-through without values that only the user knows: suffix, regions and zones.
pub(crate) fn start() -> Mesh {
    let cluster = |name: &str| Cluster {
        name: name.to_owned(),
        ..Cluster::default()
    };
    let exact = |path: &str| path_route("exact", path);
    Mesh {
        metadata: Metadata {
            name: "demo".to_owned(),
        },
        spec: Spec {
            istio: Some(shared::defaults::DEFAULT_ISTIO.to_owned()),
            dns: Dns {
                external_dns: Some(ExternalDns {
                    provider: "google".to_owned(),
                    owner_id: Some("demo".to_owned()),
                    ..ExternalDns::default()
                }),
                ..Dns::default()
            },
            clusters: vec![cluster("cluster1"), cluster("cluster2")],
            services: vec![Service {
                name: "httpbin".to_owned(),
                port: Some(8000),
                hostname: Some("httpbin".to_owned()),
                routes: vec![exact("/html"), exact("/status"), exact("/delay")],
                failover: Some(Failover {
                    retry: Some(true),
                    ..Failover::default()
                }),
                ..Service::default()
            }],
            samples: vec![Sample::Httpbin, Sample::Sleep],
            ..Spec::default()
        },
        ..Mesh::default()
    }
}

/// The walk-through: one service in two clusters, in two zones of one region.
pub(crate) fn walkthrough() -> Mesh {
    let mut mesh = start();
    "my.dns.zone.name".clone_into(&mut mesh.spec.dns.suffix);
    for (cluster, zone) in mesh
        .spec
        .clusters
        .iter_mut()
        .zip(["us-west2-a", "us-west2-b"])
    {
        "us-west2".clone_into(&mut cluster.region);
        zone.clone_into(&mut cluster.zone);
    }
    mesh
}

/// A cluster for a new row, in the region of the last one.
pub(crate) fn next_cluster(mesh: &Mesh) -> Cluster {
    Cluster {
        region: mesh
            .spec
            .clusters
            .last()
            .map(|last| last.region.clone())
            .unwrap_or_default(),
        ..Cluster::default()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_walkthrough_is_the_example() {
        let example =
            shared::Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap();
        assert_eq!(super::walkthrough(), example);
    }
}
