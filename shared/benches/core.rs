//! How fast documents become findings and manifests.
//!
//! Meshes of 10 clusters × 100 services and 100 × 1,000; each service runs in three clusters. At
//! the larger size the manifests of one cluster are written, which is what has to be in memory at
//! a time; the whole is a hundred times that.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on says so by panicking"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use shared::bundle::{Bundle, ClusterManifests};
use shared::facts::Facts;
use shared::{Mesh, check, render::render};

fn mesh(clusters: usize, services: usize) -> Mesh {
    let name = |index: usize| format!("cluster-{index}");
    let cluster_list: Vec<Value> = (0..clusters)
        .map(|index| {
            json!({
                "name": name(index), "region": format!("region-{}", index % 5), "zone": format!("zone-{}", index / 5),
                "gateway": { "addresses": [format!("203.0.{}.{}", index / 200, index % 200 + 1)] },
            })
        })
        .collect();
    let service_list: Vec<Value> = (0..services)
        .map(|index| {
            let places: Vec<String> = (0..3).map(|n| name((index + n * 7) % clusters)).collect();
            json!({ "name": format!("service-{index}"), "namespace": "shop", "port": 8080, "clusters": places })
        })
        .collect();
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "bench" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws" } },
            "clusters": cluster_list, "services": service_list,
        },
    }))
    .unwrap()
}

fn core(criterion: &mut Criterion) {
    for (clusters, services) in [(10, 100), (100, 1_000)] {
        let mesh = mesh(clusters, services);
        let text = mesh.to_yaml();
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        let placed = render(&resolved);
        let mut group = criterion.benchmark_group(format!("{clusters}x{services}"));
        group.sample_size(10);

        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("read", |b| b.iter(|| Mesh::read(black_box(&text)).unwrap()));
        group.throughput(Throughput::Elements(services as u64));
        group.bench_function("check", |b| {
            b.iter(|| check(black_box(&mesh), &Facts::default()));
        });
        group.bench_function("render", |b| b.iter(|| render(black_box(&resolved))));

        let one = ClusterManifests::new(&resolved, &placed, 1).object_count();
        group.throughput(Throughput::Elements(one as u64));
        group.bench_function("manifests of one cluster (objects)", |b| {
            b.iter(|| ClusterManifests::new(black_box(&resolved), &placed, 1));
        });
        if clusters == 10 {
            let all: usize = Bundle::new(&mesh, &resolved)
                .clusters
                .iter()
                .map(ClusterManifests::object_count)
                .sum();
            group.throughput(Throughput::Elements(all as u64));
            group.bench_function("bundle of all clusters (objects)", |b| {
                b.iter(|| Bundle::new(black_box(&mesh), &resolved));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, core);
criterion_main!(benches);
