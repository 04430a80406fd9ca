//! The DNS of clusters, found by its Services, pods and DaemonSets.

use fedmesh_agent::operation::Planned;
use serde_json::{Value, json};
use shared::access::Command;
use shared::api::Intent;
use shared::check::{Finding, Severity};
use shared::kubernetes::ownership::{STUB_DOMAIN_ANNOTATION, parent_name};

use crate::cluster_dns::{block, config_map, create, private, recorded, refusal};
use crate::fixture::{EAST, Fixture, WEST, steps};
use crate::restricted::{Restricted, printed_rules};

const COREFILE: &str = ".:53 {\n    forward . /etc/resolv.conf\n    reload\n}\n";
/// The address of the DNS Service, and of none of the name servers.
const CLUSTER_IP: &str = "10.96.0.210";

/// Creates objects in `kube-system` that the next test deletes.
fn install(fixture: &Fixture<'_>, context: &str, objects: Vec<Value>) {
    let mut objects = objects;
    for object in &mut objects {
        object["metadata"]["namespace"] = "kube-system".into();
        object["metadata"]["labels"]["bed"] = "dns".into();
    }
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    fixture
        .bed
        .kubectl_with_input(context, &["apply", "-f", "-"], &list.to_string())
        .unwrap();
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": name, "labels": { "k8s-app": "kube-dns" } },
        "spec": {
            "selector": { "k8s-app": "kube-dns" },
            "ports": [{ "name": "dns", "port": 53, "protocol": "UDP" }],
        },
    })
}

/// A pod or a template of one, with ConfigMaps by directory.
fn spec(image: &str, arguments: &[&str], file: &str, mounts: &[(&str, &str)]) -> Value {
    let items = json!([{ "key": "Corefile", "path": file }]);
    let named = |index| format!("volume-{index}");
    let volumes = mounts.iter().enumerate().map(|(index, (_, config_map))| {
        let mut volume = json!({ "name": config_map, "optional": true });
        if index == 0 {
            volume["items"] = items.clone();
        }
        json!({ "name": named(index), "configMap": volume })
    });
    let volumes: Vec<Value> = volumes.collect();
    let mounts = mounts.iter().enumerate();
    let mounts =
        mounts.map(|(index, (path, _))| json!({ "name": named(index), "mountPath": path }));
    json!({
        "automountServiceAccountToken": false,
        "containers": [{
            "name": "dns", "image": image, "args": arguments, "volumeMounts": mounts.collect::<Vec<_>>(),
        }],
        "volumes": volumes,
    })
}

fn coredns(name: &str, mounts: &[(&str, &str)]) -> Value {
    let arguments = ["-conf", "/etc/coredns/Corefile"];
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": { "k8s-app": "kube-dns" } },
        "spec": spec("registry.k8s.io/coredns/coredns:v1.12.1", &arguments, "Corefile", mounts),
    })
}

fn node_cache(name: &str) -> Value {
    let arguments = ["-localip", "169.254.25.10", "-conf", "/etc/Corefile"];
    let image = "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0";
    let labels = json!({ "k8s-app": "node-local-dns" });
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": spec(image, &arguments, "Corefile.base", &[("/etc/coredns", name)]),
            },
        },
    })
}

fn corefile(name: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name }, "data": { "Corefile": text },
    })
}

/// The Corefile of a cache that sends all names to an upstream.
fn cache_corefile(upstream: &str) -> String {
    format!(".:53 {{\n    reload\n    bind 169.254.25.10\n    forward . {upstream}\n}}\n")
}

fn text(fixture: &Fixture<'_>, context: &str, name: &str) -> String {
    let map = config_map(fixture, context, name);
    map["data"]["Corefile"].as_str().unwrap().to_owned()
}

/// The findings about DNS that is not configured, by cluster.
fn manual(planned: &Planned) -> Vec<(&str, &Finding)> {
    let findings = planned.findings.iter();
    findings
        .filter(|finding| finding.code == "FM0802")
        .map(|finding| (finding.path.as_str(), finding))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_kubespray_and_rke2() {
    let (_lone, fixture) = private("distributed").await;
    let cache = cache_corefile("/etc/resolv.conf");
    let mut kubespray = vec![service("coredns"), node_cache("nodelocaldns")];
    kubespray.extend([
        corefile("coredns", COREFILE),
        corefile("nodelocaldns", &cache),
    ]);
    kubespray.push(coredns("coredns", &[("/etc/coredns", "coredns")]));
    install(&fixture, WEST, kubespray);
    let rke2 = "rke2-coredns-rke2-coredns";
    let written = |text: &str| {
        let mut map = corefile(rke2, text);
        map["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "rke2-coredns" });
        map
    };
    let pod = coredns("rke2-coredns", &[("/etc/coredns", rke2)]);
    install(&fixture, EAST, vec![service(rke2), pod, written(COREFILE)]);

    let planned = fixture.plan().await;
    let [(path, finding)] = manual(&planned)[..] else {
        panic!("{:#?}", planned.findings)
    };
    assert_eq!(
        (path, finding.severity),
        ("spec.clusters[1].dnsFlavour", Severity::Warning)
    );
    assert!(
        finding
            .hint
            .contains("HelmChartConfig kube-system/rke2-coredns"),
        "{finding:?}"
    );
    let dns = |planned: &Planned, cluster| -> Vec<String> {
        let steps = steps(&planned.plan, cluster).into_iter();
        steps.filter(|step| step.contains("ConfigMap")).collect()
    };
    assert_eq!(
        dns(&planned, "sunset"),
        [
            "change ConfigMap kube-system/coredns",
            "change ConfigMap kube-system/nodelocaldns"
        ]
    );
    assert_eq!(dns(&planned, "sunrise"), [""; 0]);
    // The printed role is enough.
    let role = |context| {
        (
            context,
            printed_rules(&fixture.mesh, context, Command::Apply),
        )
    };
    let user = Restricted::with_rules(&fixture, "distributed-user", &[WEST, EAST].map(role));
    let planned = user.plan(&fixture, Intent::Apply).await;
    let report = user.carry_out(&fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");
    let block = block("distributed", "10.0.0.53");
    assert_eq!(text(&fixture, WEST, "coredns"), block.clone() + COREFILE);
    let bound = block.replace("    forward", "    bind 169.254.25.10\n    forward");
    assert_eq!(text(&fixture, WEST, "nodelocaldns"), bound + cache.as_str());
    assert_eq!(
        recorded(&fixture, WEST),
        "kube-system/coredns,kube-system/nodelocaldns"
    );
    assert_eq!(text(&fixture, EAST, rke2), COREFILE);
    assert!(recorded(&fixture, EAST).is_null());

    // The change of the hint, as Helm carries it out.
    let importing = format!("import /etc/coredns-custom/*.server\n\n{COREFILE}");
    fixture.kubectl(
        EAST,
        &[
            "delete",
            "pod",
            "rke2-coredns",
            "-n",
            "kube-system",
            "--now",
        ],
    );
    let mounts = [
        ("/etc/coredns", rke2),
        ("/etc/coredns-custom", "coredns-custom"),
    ];
    install(
        &fixture,
        EAST,
        vec![coredns("rke2-coredns", &mounts), written(&importing)],
    );
    let planned = fixture.plan().await;
    assert!(manual(&planned).is_empty(), "{:#?}", planned.findings);
    assert_eq!(
        dns(&planned, "sunrise"),
        ["create ConfigMap kube-system/coredns-custom"]
    );
    let planned = user.plan(&fixture, Intent::Apply).await;
    let report = user.carry_out(&fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");
    let custom = config_map(&fixture, EAST, "coredns-custom");
    assert_eq!(custom["data"]["fedmesh-distributed.server"], block);

    // A DNS that is not found any more is restored all the same.
    for (context, kinds) in [(WEST, "services,daemonsets,pods"), (EAST, "services,pods")] {
        let selector = [
            "delete",
            kinds,
            "--selector=bed=dns",
            "-n",
            "kube-system",
            "--now",
        ];
        fixture.kubectl(context, &selector);
    }
    fixture.remove().await;
    assert_eq!(text(&fixture, WEST, "coredns"), COREFILE);
    assert_eq!(text(&fixture, WEST, "nodelocaldns"), cache);
    assert!(config_map(&fixture, EAST, "coredns-custom")["data"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_forwards_past_the_clusters_dns() {
    let (_lone, fixture) = private("past").await;
    create(&fixture, EAST, "coredns", "Corefile", COREFILE);
    let pod = coredns("coredns", &[("/etc/coredns", "coredns")]);
    let mut dns = service("kube-dns");
    dns["spec"]["clusterIP"] = CLUSTER_IP.into();
    let mut objects = vec![dns, pod, node_cache("cache"), corefile("coredns", COREFILE)];
    objects.push(corefile("cache", &cache_corefile(CLUSTER_IP)));
    install(&fixture, WEST, objects);
    let dns = |planned: &Planned| -> Vec<String> {
        let steps = steps(&planned.plan, "sunset").into_iter();
        steps.filter(|step| step.contains("ConfigMap")).collect()
    };
    assert_eq!(
        dns(&fixture.plan().await),
        ["change ConfigMap kube-system/coredns"]
    );
    fixture.apply().await;

    let past = cache_corefile("192.0.2.1");
    install(&fixture, WEST, vec![corefile("cache", &past)]);
    assert_eq!(
        dns(&fixture.plan().await),
        ["change ConfigMap kube-system/cache"]
    );
    fixture.apply().await;
    assert!(text(&fixture, WEST, "cache").starts_with("# begin fedmesh past"));
    assert_eq!(
        recorded(&fixture, WEST),
        "kube-system/cache,kube-system/coredns"
    );

    // Who may not look the DNS up does not remove what it would find.
    let mut rules = printed_rules(&fixture.mesh, WEST, Command::Apply);
    let listed = |rule: &Value| rule["resources"].to_string().contains("daemonsets");
    assert!(rules.iter().any(listed), "{rules:#?}");
    rules.retain(|rule| !listed(rule));
    rules
        .push(json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"] }));
    let user = Restricted::with_rules(&fixture, "past-blind", &[(WEST, rules)]);
    let planned = user.plan(&fixture, Intent::Apply).await;
    let why = refusal(&planned, "sunset", "cache");
    assert!(why.contains("not allowed to list daemonsets"), "{why}");

    // With the usual names, the rest is a hint.
    install(
        &fixture,
        WEST,
        vec![corefile("cache", &cache_corefile(CLUSTER_IP))],
    );
    fixture.apply().await;
    assert_eq!(recorded(&fixture, WEST), "kube-system/coredns");
    let planned = user.plan(&fixture, Intent::Apply).await;
    let [(path, finding)] = manual(&planned)[..] else {
        panic!("{:#?}", planned.findings)
    };
    assert_eq!(
        (path, finding.severity),
        ("spec.clusters[0].dnsFlavour", Severity::Hint)
    );
    assert!(!planned.plan.has_changes(), "{:#?}", planned.plan);

    // As recorded by an earlier version.
    let annotation = format!("{STUB_DOMAIN_ANNOTATION}=true");
    let secret = parent_name(fixture.name);
    let annotate = [
        "annotate",
        "secret",
        &secret,
        "-n",
        "istio-system",
        "--overwrite",
        &annotation,
    ];
    fixture.kubectl(WEST, &annotate);
    assert!(!fixture.plan().await.plan.has_changes());
    fixture.remove().await;
    assert_eq!(text(&fixture, WEST, "coredns"), COREFILE);
}
