//! Manifests in the forms that people have them in: each is imported as the plain form, with the same findings.

use documents::examples;
use serde_json::{Map, Value, json};
use shared::import::{Imported, Source};
use shared::yaml;

use super::{bundle, files, imported, source};

const PLAIN: &str = r"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: web}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: [shop.example.com]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop-routes, namespace: web}
spec:
  hosts: [shop.example.com]
  gateways: [public]
  http:
  - match: [{uri: {prefix: /cart}}]
    route: [{destination: {host: shop, port: {number: 9000}}}]
    timeout: 3s
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: web}
spec:
  hosts: [api.partner.example]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop-limits, namespace: web, labels: {team: web}}
spec:
  host: shop
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 9000}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: web}
spec: {mtls: {mode: STRICT}}
";

fn plain() -> Vec<Value> {
    yaml::documents(PLAIN).unwrap()
}

/// An object as `kubectl get -o yaml` prints it.
fn live(mut object: Value) -> Value {
    let applied = object.to_string();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.extend(fields(json!({
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "generation": 3,
        "resourceVersion": "4711",
        "selfLink": "/apis/x",
        "uid": "5d3ab9a4-8fd0-4e02-9a0c-3b7a2a1f3c55",
        "managedFields": [{ "manager": "kubectl", "operation": "Apply", "fieldsV1": { "f:spec": {} } }],
    })));
    let annotations = metadata.entry("annotations").or_insert(json!({}));
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = applied.into();
    object["status"] = json!({ "observedGeneration": 3, "conditions": [] });
    match object["kind"].as_str().unwrap() {
        "Service" => live_service(&mut object["spec"]),
        "Deployment" => {
            object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1".into();
            live_deployment(&mut object["spec"]);
        }
        _ => {}
    }
    object
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is not a map"),
    }
}

/// Adds fields that are not set.
fn default(object: &mut Value, defaults: Value) {
    let object = object.as_object_mut().unwrap();
    for (name, value) in fields(defaults) {
        object.entry(name).or_insert(value);
    }
}

fn live_service(spec: &mut Value) {
    default(
        spec,
        json!({
            "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "type": "ClusterIP",
        }),
    );
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        let number = port["port"].clone();
        default(port, json!({ "protocol": "TCP", "targetPort": number }));
    }
}

fn live_deployment(spec: &mut Value) {
    let quarter = json!({ "maxSurge": "25%", "maxUnavailable": "25%" });
    default(
        spec,
        json!({
            "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": quarter },
        }),
    );
    spec["template"]["metadata"]["creationTimestamp"] = Value::Null;
    let pod = &mut spec["template"]["spec"];
    default(
        pod,
        json!({
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        }),
    );
    if !pod["serviceAccountName"].is_null() {
        pod["serviceAccount"] = pod["serviceAccountName"].clone();
    }
    for container in pod["containers"].as_array_mut().into_iter().flatten() {
        default(
            container,
            json!({
                "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }),
        );
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            default(port, json!({ "protocol": "TCP" }));
        }
    }
}

/// An object of a Helm release.
fn of_helm(mut object: Value) -> Value {
    let metadata = &mut object["metadata"];
    default(metadata, json!({ "labels": {}, "annotations": {} }));
    metadata["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
    metadata["labels"]["helm.sh/chart"] = "shop-1.2.3".into();
    metadata["annotations"]["meta.helm.sh/release-name"] = "shop".into();
    metadata["annotations"]["meta.helm.sh/release-namespace"] = "web".into();
    object
}

fn stream(objects: impl Iterator<Item = Value>, head: &str) -> String {
    let texts = objects.map(|one| format!("---\n{head}{}", yaml::to_string(&one).unwrap()));
    texts.collect()
}

/// The findings without the names of files.
fn told(imported: &Imported) -> Vec<(String, String, String)> {
    let mut all: Vec<_> = imported
        .findings
        .iter()
        .map(|one| {
            let path = one
                .path
                .split_once(": ")
                .map_or(&*one.path, |(_, path)| path);
            (one.code.clone(), path.to_owned(), one.message.clone())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn every_form_is_imported_as_the_plain_one() {
    let expected = imported(&[source("all.yaml", PLAIN)]);
    let list = |objects: Vec<Value>| {
        let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": objects });
        vec![source("-", &yaml::to_string(&list).unwrap())]
    };
    let in_files = |folder: &str| -> Vec<Source> {
        let objects = plain().into_iter().enumerate();
        let files = objects
            .map(|(n, one)| Source::in_folder(&format!("{folder}{n}.json"), one.to_string()));
        files.collect()
    };
    let helm = stream(
        plain().into_iter().map(of_helm),
        "# Source: shop/templates/all.yaml\n",
    );
    for (form, sources) in [
        ("a file for each object", in_files("")),
        ("a folder for each cluster", in_files("cluster1/")),
        ("a list", list(plain())),
        (
            "a list of kubectl",
            list(plain().into_iter().map(live).collect()),
        ),
        ("Helm", vec![source("-", &helm)]),
        (
            "Helm, applied",
            list(plain().into_iter().map(of_helm).map(live).collect()),
        ),
    ] {
        let found = imported(&sources);
        assert_eq!(found.mesh.to_yaml(), expected.mesh.to_yaml(), "{form}");
        assert_eq!(told(&found), told(&expected), "{form}");
        assert_eq!(found.checks, expected.checks, "{form}");
    }
    let codes: Vec<String> = told(&expected)
        .into_iter()
        .map(|(code, path, _)| format!("{code} {path}"))
        .collect();
    assert_eq!(
        codes,
        [
            "FM1001 PeerAuthentication web/default",
            "FM1001 Service web/shop",
            "FM1002 DestinationRule web/shop-limits metadata.labels.team",
            "FM1003 DestinationRule web/shop-limits",
            "FM1003 Gateway web/public",
            "FM1003 ServiceEntry web/partner",
            "FM1003 VirtualService web/shop-routes",
            "FM1004 metadata.name",
            "FM1004 spec.clusters[0].zone",
        ]
    );
}

/// The objects of each example, as they are in clusters.
#[test]
fn examples_come_back_from_clusters() {
    for (name, mesh) in examples() {
        // Its routes are not read.
        if name == "gateway-api.yaml" {
            continue;
        }
        let plain = files(&bundle(&mesh));
        let mut sources = plain.clone();
        for source in &mut sources {
            let objects = yaml::documents(&source.text).unwrap();
            source.text = stream(objects.into_iter().map(live), "");
        }
        let found = imported(&sources);
        assert_eq!(found.findings, [], "{name}");
        assert_eq!(
            found.mesh.to_yaml(),
            imported(&plain).mesh.to_yaml(),
            "{name}"
        );
    }
}
