//! Istio's own samples, as an import reads them: each statement about them was compared with the manifests.

use std::fs;

use shared::import::{Imported, Options, Source, import};
use testbed::tools;

/// Samples, each with its statements about the manifests.
const SAMPLES: &[(&str, &[&str])] = &[
    // Five hosts in one entry.
    ("external/aptget", &["FM1003 ServiceEntry make-aptget-work"]),
    // A protocol in lower case, and ports with other names.
    (
        "external/github",
        &[
            "FM1003 ServiceEntry github-https",
            "FM1003 ServiceEntry github-tcp",
        ],
    ),
    (
        "bookinfo/networking/egress-rule-google-apis",
        &[
            "FM1001 DestinationRule originate-tls-for-googleapis",
            "FM1001 VirtualService rewrite-port-for-googleapis",
            "FM1003 ServiceEntry googleapis",
        ],
    ),
    (
        "bookinfo/networking/bookinfo-gateway",
        &[
            "FM1002 Gateway bookinfo-gateway spec.servers[0].hosts",
            "FM1002 VirtualService bookinfo spec.hosts",
            "FM1003 Gateway bookinfo-gateway",
            "FM1003 VirtualService bookinfo",
        ],
    ),
    // Of one destination, its subset alone is missing.
    (
        "tcp-echo/tcp-echo-all-v1",
        &[
            "FM1002 Gateway tcp-echo-gateway spec.servers[0].hosts",
            "FM1002 VirtualService tcp-echo spec.hosts",
            "FM1002 VirtualService tcp-echo spec.tcp[0].route[0].destination.subset",
            "FM1003 DestinationRule tcp-echo-destination",
            "FM1003 Gateway tcp-echo-gateway",
        ],
    ),
    (
        "multicluster/expose-services",
        &["FM1001 Gateway cross-network-gateway"],
    ),
    (
        "ambient-argo/tag-chart/values",
        &["FM1009 a document without kind is not a Kubernetes object"],
    ),
    (
        "security/spire-trust-domain-federation/cluster-federated-trust-domain",
        &["FM1009 `${CLUSTER}` is the text of a template"],
    ),
];

/// An object without a statement, so that files without manifests can be imported.
const OTHER: &str = "{apiVersion: fedmesh.dev/v1alpha1, kind: Mesh, metadata: {name: other}}";

#[test]
fn what_is_reported_of_the_samples_of_istio_is_true() {
    for (sample, expected) in SAMPLES {
        let path = format!("samples/{sample}.yaml");
        let file = tools::ModuleFile {
            path: Box::leak(path.into_boxed_str()),
            ..tools::ISTIO_CRDS
        };
        let sources = [
            (
                "sample",
                fs::read_to_string(file.ensure().unwrap()).unwrap(),
            ),
            ("other", OTHER.to_owned()),
        ];
        let sources = sources.map(|(file, text)| Source {
            file: file.to_owned(),
            cluster: None,
            text,
        });
        let options = Options {
            suffix: Some("mesh.example.net".to_owned()),
            ..Options::default()
        };
        let imported = import(&sources, &options).unwrap();
        assert_eq!(statements(&imported), *expected, "{sample}");
    }
}

/// Code and object, or the reason, of what is reported of a sample, sorted.
fn statements(imported: &Imported) -> Vec<String> {
    let of_sample =
        imported
            .findings
            .iter()
            .filter_map(|one| match one.path.strip_prefix("sample") {
                Some("") => Some(format!("{} {}", one.code, one.message)),
                Some(path) => Some(format!("{} {}", one.code, path.trim_start_matches(": "))),
                None => None,
            });
    let mut all: Vec<String> = of_sample.collect();
    all.sort();
    all
}
