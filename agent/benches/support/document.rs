//! Documents of any size.

use std::fmt::Write as _;

/// A document as YAML. Each service runs in three clusters.
pub(crate) fn mesh(clusters: usize, services: usize) -> String {
    let mut text =
        "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: bench}\nspec:\n  \
                    dns: {suffix: mesh.example.com, externalDns: {provider: aws}}\n  clusters:\n"
            .to_owned();
    for index in 0..clusters {
        let (region, zone) = (index % 5, index / 5);
        let address = format!("203.0.{}.{}", index / 200, index % 200 + 1);
        writeln!(
            text,
            "  - {{name: cluster-{index}, region: region-{region}, zone: zone-{zone}, gateway: {{addresses: [{address}]}}}}"
        )
        .unwrap();
    }
    text.push_str("  services:\n");
    for index in 0..services {
        let places: Vec<String> = (0..3)
            .map(|n| format!("cluster-{}", (index + n * 7) % clusters))
            .collect();
        let places = places.join(", ");
        writeln!(
            text,
            "  - {{name: service-{index}, namespace: shop, port: 8080, clusters: [{places}]}}"
        )
        .unwrap();
    }
    text
}
