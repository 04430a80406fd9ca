//! A bundle that is written part by part: the same bytes, and no part grows with the mesh.

use std::io::Cursor;

use documents::meshes;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::bundle::{
    Archive, Bundle, ClusterManifests, MESH_FILE, Packed, Part, Rendered, TextFile,
};
use shared::check;
use shared::facts::Facts;
use shared::mesh::Mesh;
use shared::resolved::Resolved;

/// Each service runs in the first two clusters, which have zones of their own; the others take turns in some zones.
fn large(clusters: usize, services: usize, zones: usize) -> (Mesh, Resolved) {
    let clusters = (0..clusters).map(|index| {
        let address = format!("203.0.113.{}", index + 1);
        let zone = if index < 2 { index } else { 2 + index % zones };
        json!({ "name": format!("c-{index}"), "region": "r", "zone": format!("z-{zone:02}"),
                "gateway": { "addresses": [address] } })
    });
    let services = (0..services).map(|index| {
        json!({ "name": format!("s-{index}"), "namespace": "shop", "port": 8080, "clusters": ["c-0", "c-1"] })
    });
    resolved(&json!({
        "dns": { "suffix": "mesh.example.com" },
        "clusters": clusters.collect::<Value>(),
        "services": services.collect::<Value>(),
    }))
}

fn resolved(spec: &Value) -> (Mesh, Resolved) {
    let mesh: Mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": spec,
    }))
    .unwrap();
    let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
    (mesh, resolved)
}

#[test]
fn a_service_has_as_many_texts_in_many_clusters_as_in_few() {
    let texts = |clusters, services, zones| {
        let (mesh, resolved) = large(clusters, services, zones);
        let rendered = Rendered::new(&mesh, &resolved);
        let files = rendered.files(Part::Service(0));
        let places = files.iter().flat_map(|file| &file.places);
        let places: Vec<&str> = places.map(|place| place.path.as_str()).collect();
        assert!(
            places.iter().all(|path| path.contains("-s-0.shop.yaml")),
            "{places:?}"
        );
        // One in each cluster, and the records in one of them.
        assert_eq!(places.len(), clusters + 1);
        // Gateways that have it behind them list its names in all zones.
        let elsewhere = files.iter().filter(|file| {
            let path = &file.places[0].path;
            path.contains("/60-") && !path.starts_with("c-0/") && !path.starts_with("c-1/")
        });
        let largest = elsewhere.map(|file| file.text.len()).max();
        (files.len(), largest.unwrap())
    };
    // Of the two that run it, of all others, and the records.
    let (few, size) = texts(4, 1, 1);
    assert_eq!(few, 4);
    assert_eq!([texts(40, 1, 1), texts(4, 40, 1)], [(4, size), (4, size)]);
    // Each zone without it has a text, since its own name leads where the global one does. None is larger for it.
    assert_eq!([texts(4, 1, 2), texts(40, 1, 20)], [(5, size), (23, size)]);
}

#[test]
fn files_are_in_order_where_a_name_begins_another() {
    let (mesh, resolved) = resolved(&json!({
        "dns": { "suffix": "mesh.example.com" },
        "clusters": [{ "name": "c", "region": "r", "zone": "z", "gateway": { "addresses": ["203.0.113.1"] } }],
        "services": [
            { "name": "s", "namespace": "shop-2", "port": 80 },
            { "name": "s", "namespace": "shop", "port": 80 },
        ],
    }));
    let rendered = Rendered::new(&mesh, &resolved);
    let mut listing = rendered.listing();
    for part in rendered.parts() {
        for file in rendered.files(part) {
            listing.add(file.places);
        }
    }
    let listed = listing.finish();
    let paths: Vec<&str> = listed.files().map(|(path, _)| path).collect();
    let expected = [
        "c/40-gateways.yaml",
        "c/60-gateway.yaml",
        "c/60-names.yaml",
        "c/60-s.shop.yaml",
        "c/60-s.shop-2.yaml",
        "c/70-s.shop.yaml",
        "c/70-s.shop-2.yaml",
    ];
    assert_eq!(paths, expected);
    assert_eq!(rendered.digest(), Bundle::new(&mesh, &resolved).digest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_part_at_a_time_gives_the_same_bytes(mesh in meshes()) {
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        let bundle = Bundle::new(&mesh, &resolved);
        let rendered = Rendered::new(&mesh, &resolved);
        let parts: Vec<Vec<TextFile>> =
            rendered.parts().into_iter().map(|part| rendered.files(part)).collect();
        let (mut objects, mut texts) = (0, Vec::new());
        let mut listing = rendered.listing();
        let mut packed = Archive::new(Cursor::new(Vec::new()));
        for file in parts.iter().flatten() {
            objects += file.objects() * file.places.len();
            packed.add(&texts.len().to_string(), &file.text).unwrap();
            listing.add(file.places.clone());
            texts.push(file.text.as_str());
        }
        let listed = listing.finish();
        let files: Vec<(&str, &str)> = [(MESH_FILE, rendered.mesh_yaml.as_str())]
            .into_iter()
            .chain(listed.files().map(|(path, text)| (path, texts[text])))
            .collect();
        prop_assert_eq!(&files, &bundle.files().collect::<Vec<_>>());

        let mut packed = Packed::new(packed.finish().unwrap()).unwrap();
        let mut zip = Archive::new(Cursor::new(Vec::new()));
        zip.add(MESH_FILE, &rendered.mesh_yaml).unwrap();
        for (path, text) in listed.files() {
            zip.copy(path, &mut packed, text).unwrap();
        }
        prop_assert!(zip.finish().unwrap().into_inner() == bundle.to_zip().unwrap());
        let in_files = bundle.common.iter().map(|file| file.objects.len()).sum::<usize>();
        let in_clusters = bundle.clusters.iter().map(ClusterManifests::object_count);
        prop_assert_eq!(objects, in_files + in_clusters.sum::<usize>());
        prop_assert_eq!(rendered.digest(), bundle.digest.clone());
        let texts = rendered.texts(parts.iter().cloned());
        let mut stream = texts.stream_head();
        stream.extend((0..rendered.clusters().len()).map(|index| texts.stream_of(index)));
        if bundle.common.is_empty() {
            prop_assert_eq!(stream, bundle.to_stream());
        }
    }
}
