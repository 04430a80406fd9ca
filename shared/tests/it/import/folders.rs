//! Folders of manifests have other files as well: each is named, and the others are imported.

use shared::check::Severity;
use shared::import::{ImportError, Options, Source, import};

use super::{finding, imported, source};

const ORDERS: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: sales}
spec:
  hosts: [orders.mesh.example.org]
  gateways: [public]
  http:
  - route:
    - destination: {host: orders, port: {number: 8000}}
";

/// Files beside manifests, with a word of the reason and one of the remedy.
const OTHERS: [(&str, &str, &str, &str); 10] = [
    (
        "chart/values.yaml",
        "replicas: 2\n",
        "kind",
        "helm template",
    ),
    (
        "chart/Chart.yaml",
        "name: shop\nversion: 1.0.0\n",
        "kind",
        "helm template",
    ),
    (
        "kustomization.yaml",
        "resources: [orders.yaml]\n",
        "kind",
        "kustomize build",
    ),
    (
        "package.json",
        "{\"name\": \"shop\"}",
        "kind",
        "remove files",
    ),
    (
        "docker-compose.yml",
        "services: {shop: {image: shop}}\n",
        "kind",
        "remove files",
    ),
    (
        "README.yaml",
        "- to install, apply the files\n",
        "not a map",
        "remove files",
    ),
    (
        "patch.json",
        "[{\"op\": \"remove\", \"path\": \"/spec\"}]",
        "JSON patch",
        "kustomize build",
    ),
    (
        "chart/templates/a.yaml",
        "{{- if .Values.shop }}\nkind: Service\n{{- end }}\n",
        "line 1",
        "helm template",
    ),
    (
        "chart/templates/b.yaml",
        "kind: Service\nmetadata: {name: '{{ .Release.Name }}'}\n",
        "{{ .Release.Name }}",
        "helm template",
    ),
    ("broken.yaml", "a: 1\n  b: [\n", "line 2", ""),
];

#[test]
fn a_file_that_is_not_a_manifest_is_named_and_the_others_are_imported() {
    let alone = imported(&[source("orders.yaml", ORDERS)]);
    for (file, text, reason, remedy) in OTHERS {
        let sources = [source(file, text), source("orders.yaml", ORDERS)];
        let both = imported(&sources);
        assert_eq!(both.mesh, alone.mesh, "{file}");
        let skipped = finding(&both, "FM1009", file);
        assert_eq!(
            (skipped.severity, &*skipped.path),
            (Severity::Warning, file)
        );
        assert!(skipped.message.contains(reason), "{skipped:?}");
        assert!(
            skipped.hint.contains(remedy) && !skipped.hint.is_empty(),
            "{skipped:?}"
        );
        assert_eq!(both.findings.len(), alone.findings.len() + 1, "{file}");

        let error = import(&sources[..1], &Options::default()).unwrap_err();
        let is_patch = file == "patch.json";
        assert_eq!(
            matches!(error, ImportError::NotAManifest(_)),
            !is_patch,
            "{error}"
        );
    }
    let mut all: Vec<Source> = OTHERS.map(|(file, text, ..)| source(file, text)).into();
    all.push(source("orders.yaml", ORDERS));
    let all = imported(&all);
    let skipped = all.findings.iter().filter(|one| one.code == "FM1009");
    assert_eq!(skipped.count(), OTHERS.len());
    assert!(all.is_incomplete());
}

/// One document of a stream, and one item of a list.
#[test]
fn a_document_without_kind_is_named_once() {
    let alone = imported(&[source("-", ORDERS)]);
    let text = format!(
        "replicas: 2\n---\n{ORDERS}---\nreplicas: 3\n---\nkind: List\nitems: [{{replicas: 4}}]\n"
    );
    let both = imported(&[source("-", &text)]);
    assert_eq!(both.mesh, alone.mesh);
    let skipped = both.findings.iter().filter(|one| one.code == "FM1009");
    assert_eq!(skipped.count(), 1, "{:#?}", both.findings);
}

/// Fields other than names and hosts may have such texts for themselves.
#[test]
fn a_template_in_a_field_of_an_object_is_its_value() {
    let config = "\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {text: '{{ .Name }} ${name}'}\n";
    let both = imported(&[source("-", &format!("{ORDERS}{config}"))]);
    finding(&both, "FM1001", "-: ConfigMap a");
    assert!(both.findings.iter().all(|one| one.code != "FM1009"));
}
