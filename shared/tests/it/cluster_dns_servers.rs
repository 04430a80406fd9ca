//! The DNS of distributions, found by the objects that they create.

mod distributions;

use serde_json::{Value, json};
use shared::cluster_dns::{StubDomain, checked_key, forwarding};
use shared::mesh::DnsFlavour;

use distributions::{
    COREFILE, Cluster, IMPORTING, SERVER, SUFFIX, cache_corefile, coredns, corefile, daemon_set,
    gke, kubeadm, kubespray, map, node_cache, openshift, pod, rke2, rke2_cache,
};

#[test]
fn each_distribution_is_found_by_what_its_pods_mount() {
    let custom = Some(("/etc/coredns/custom", "coredns-custom"));
    let aks = IMPORTING.replace("/etc/coredns/", "");
    let with_custom = |text: &str| Cluster {
        pods: vec![pod("coredns", &coredns("coredns", custom))],
        ..kubeadm().with_map(corefile("coredns", text))
    };
    let renamed = Cluster {
        pods: vec![pod("dns", &coredns("team-dns", None))],
        ..kubeadm().with_map(corefile("team-dns", COREFILE))
    };
    for (what, cluster, expected) in [
        ("kubeadm", kubeadm(), vec!["coredns"]),
        (
            "kubespray",
            kubespray("/etc/resolv.conf"),
            vec!["coredns", "nodelocaldns"],
        ),
        (
            "a cache that asks the cluster's DNS",
            kubespray("10.96.0.10"),
            vec!["coredns"],
        ),
        ("k3s", with_custom(IMPORTING), vec!["coredns-custom"]),
        ("AKS", with_custom(&aks), vec!["coredns-custom"]),
        ("an old k3s", with_custom(COREFILE), vec!["coredns"]),
        (
            "a directory that is not a ConfigMap",
            kubeadm().with_map(corefile("coredns", IMPORTING)),
            vec!["coredns"],
        ),
        (
            "GKE",
            gke(true, vec![map("kube-system", "kube-dns", &Value::Null)]),
            vec!["kube-dns"],
        ),
        (
            "GKE without a ConfigMap",
            gke(true, Vec::new()),
            vec!["kube-dns"],
        ),
        ("a ConfigMap of another name", renamed, vec!["team-dns"]),
        (
            "RKE2 with an import",
            rke2(
                &format!("import /etc/coredns-custom/*.server\n\n{COREFILE}"),
                Some(("/etc/coredns-custom", "coredns-custom")),
            ),
            vec!["coredns-custom"],
        ),
    ] {
        assert_eq!(
            cluster.planned(),
            (expected.into_iter().map(str::to_owned).collect(), vec![]),
            "{what}"
        );
    }
}

#[test]
fn the_change_is_where_pods_ask() {
    let cache = kubespray("/etc/resolv.conf").changed("nodelocaldns", "Corefile");
    assert!(cache.contains("mesh.example.com:53 {\n    errors\n    cache 30\n    bind 169.254.20.10\n    forward . 10.0.0.53\n"), "{cache}");
    let mut six = kubespray("[fd00::53]:53");
    assert_eq!(six.planned().0, ["coredns", "nodelocaldns"]);
    six.services[0]["spec"]["clusterIPs"] = json!(["10.96.0.10", "fd00::53"]);
    assert_eq!(six.planned().0, ["coredns"]);
    let created = gke(true, Vec::new()).changed("kube-dns", "stubDomains");
    assert_eq!(created, r#"{"mesh.example.com": ["10.0.0.53"]}"#);

    // CoreDNS itself as a cache, and one that no pod asks.
    let mut cluster = kubeadm();
    for (name, bind) in [
        ("dns-cache", "    bind 169.254.1.1\n"),
        ("external-dns", ""),
    ] {
        cluster
            .daemon_sets
            .push(daemon_set(name, &coredns(name, None)));
        let text = format!(".:53 {{\n    reload\n{bind}    forward . /etc/resolv.conf\n}}\n");
        cluster = cluster.with_map(corefile(name, &text));
    }
    assert_eq!(cluster.planned().0, ["coredns", "dns-cache"]);

    // Cilium redirects queries to the pods of the cache, which listen everywhere.
    let image = "example.com/mirror/dns:1";
    let cache = daemon_set("node-local-dns", &node_cache(image, "node-local-dns", true));
    let text = cache_corefile("cluster.local:53", "10.96.0.10", "/etc/resolv.conf");
    let mut cluster = kubeadm().with_map(corefile(
        "node-local-dns",
        &text.replace("169.254.20.10", "0.0.0.0"),
    ));
    cluster.daemon_sets.push(cache);
    assert_eq!(cluster.planned().0, ["coredns", "node-local-dns"]);
}

#[test]
fn a_dns_that_others_write_is_a_finding_with_the_change_to_make() {
    let served = format!("{SUFFIX}:53 {{\n    forward . {SERVER}\n}}\n{COREFILE}");
    let served_there = format!(
        "# fedmesh\n{SUFFIX}:5353 {{\n    forward . {SERVER} {{\n        policy Random\n    }}\n}}\n.:5353 {{\n    reload\n}}\n"
    );
    let cached = |zones| {
        let image = "rancher/hardened-dns-node-cache:1.26.4-build20250610";
        let mut cluster = rke2(&served, None).with_map(rke2_cache(zones));
        cluster.daemon_sets = vec![daemon_set(
            "node-local-dns",
            &node_cache(image, "node-local-dns", true),
        )];
        cluster
    };
    let hash = "node-local-dns-0f3c5b8c";
    let mut immutable = corefile(
        hash,
        &cache_corefile(
            "cluster.local:53",
            "10.96.0.10",
            "__PILLAR__UPSTREAM__SERVERS__",
        ),
    );
    immutable["immutable"] = true.into();
    let mut with_immutable = kubeadm()
        .with_map(corefile("coredns", &served))
        .with_map(immutable);
    with_immutable.daemon_sets = vec![daemon_set(
        "node-local-dns",
        &node_cache("dns/k8s-dns-node-cache:1", hash, false),
    )];
    let other = |spec: &Value| Cluster {
        pods: vec![pod("dns", spec)],
        ..kubeadm()
    };
    let unbound = json!({ "containers": [{ "image": "example.com/unbound:1.20" }] });
    let baked = json!({ "containers": [{ "image": "example.com/coredns:1", "args": ["-conf", "/Corefile"] }] });
    for (cluster, words) in [
        (
            rke2(COREFILE, None),
            vec![
                "rke2-coredns-rke2-coredns of cluster north does not forward mesh.example.com, and RKE2 writes it",
                "extraConfig: {import: {parameters: /etc/coredns-custom/*.server}}",
            ],
        ),
        (
            cached("cluster.local:53"),
            vec![
                "node-local-dns of cluster north forwards mesh.example.com past the cluster DNS",
                "nodelocal: {extraClusterDomains: [mesh.example.com]}",
            ],
        ),
        (
            openshift(".:5353 {\n    reload\n}\n"),
            vec![
                "the DNS operator of OpenShift writes it",
                r#"{"name":"fedmesh","zones":["mesh.example.com"],"forwardPlugin":{"upstreams":["10.0.0.53"]}}"#,
            ],
        ),
        (
            with_immutable,
            vec!["node-local-dns-0f3c5b8c", "it is immutable"],
        ),
        (
            gke(false, Vec::new()),
            vec![
                "Service kube-system/kube-dns of cluster north has no pods",
                "private forwarding zone",
            ],
        ),
        (
            other(&unbound),
            vec!["deployment/dns of cluster north runs `example.com/unbound:1.20`"],
        ),
        (
            other(&baked),
            vec!["the configuration of deployment/dns in cluster north is not in a ConfigMap"],
        ),
        (Cluster::default(), vec!["neither CoreDNS nor kube-dns"]),
    ] {
        let (edits, findings) = cluster.planned();
        let [finding] = findings.as_slice() else {
            panic!("{words:?}: {edits:?} {findings:#?}")
        };
        assert_eq!(edits, Vec::<String>::new(), "{words:?}");
        assert_eq!(
            (finding.code.as_str(), finding.path.as_str()),
            ("FM0802", "spec.clusters[1].dnsFlavour")
        );
        let text = format!("{} {}", finding.message, finding.hint);
        for words in words {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    // With that change, nothing is left to say.
    for cluster in [
        rke2(&served, None),
        openshift(&served_there),
        cached("cluster.local:53 mesh.example.com:53"),
    ] {
        assert_eq!(cluster.planned(), (vec![], vec![]));
    }
}

#[test]
fn a_change_that_others_may_undo_is_said() {
    let owned = |field: &str, name: &str, value: &str| {
        let mut map = corefile("coredns", COREFILE);
        map["metadata"][field] = json!({ name: value });
        let edits = kubeadm().with_map(map).forwarding().edits;
        let edit = edits.into_iter().next().unwrap().unwrap();
        assert!(edit.holds_ours);
        let owner = edit.owner.as_ref();
        owner.and_then(|owner| owner.finding(&edit.config_map, 1, "north"))
    };
    for (field, name, value, words) in [
        (
            "annotations",
            "meta.helm.sh/release-name",
            "coredns",
            "Helm release `coredns`",
        ),
        (
            "annotations",
            "objectset.rio.cattle.io/owner-gvk",
            "k3s.cattle.io/v1, Kind=Addon",
            "k3s writes it",
        ),
        (
            "labels",
            "eks.amazonaws.com/component",
            "coredns",
            "EKS add-on",
        ),
    ] {
        let finding = owned(field, name, value).unwrap();
        assert_eq!(finding.code, "FM0811");
        assert!(finding.message.contains(words), "{finding:?}");
    }
    assert_eq!(owned("labels", "k8s-app", "kube-dns"), None);
}

#[test]
fn a_stub_domain_leaves_the_dns_that_was_replaced() {
    let before = kubeadm();
    let text = before.changed("coredns", "Corefile");
    let moved = Cluster {
        pods: vec![pod("dns", &coredns("team-dns", None))],
        ..before.with_map(corefile("team-dns", COREFILE))
    };
    let moved = moved.with_map(corefile("coredns", &text));
    assert_eq!(moved.planned().0, ["coredns", "team-dns"]);
    assert_eq!(moved.changed("coredns", "Corefile"), COREFILE);
    assert!(moved.changed("team-dns", "Corefile").contains(SUFFIX));
    let removed = forwarding(&moved.observed(), None, "demo", None).edits;
    assert_eq!(removed.len(), 1, "{removed:?}");
    // Somebody else configures this DNS.
    let left = forwarding(
        &moved.observed(),
        Some(DnsFlavour::None),
        "demo",
        Some(StubDomain {
            mesh: "demo",
            suffix: SUFFIX,
            nameservers: &[],
        }),
    );
    assert_eq!((left.edits.len(), left.manual.len()), (1, 0));
}

#[test]
fn the_pods_to_restart_are_those_that_read_the_change() {
    let still = COREFILE.replace("    reload\n", "");
    let restarts = |cluster: &Cluster| -> Vec<Option<String>> {
        let edits = cluster.forwarding().edits.into_iter();
        edits.map(|edit| edit.unwrap().restarts).collect()
    };
    let renamed = Cluster {
        pods: vec![pod("dns", &coredns("team-dns", None))],
        ..kubeadm()
    };
    let renamed = renamed.with_map(corefile("team-dns", &still));
    assert_eq!(restarts(&renamed), [Some("deployment/dns".to_owned())]);
    let text =
        cache_corefile("cluster.local:53", "10.96.0.10", "8.8.8.8").replace("    reload\n", "");
    let cached = kubespray("8.8.8.8").with_map(corefile("nodelocaldns", &text));
    assert_eq!(
        restarts(&cached),
        [None, Some("daemonset/nodelocaldns".to_owned())]
    );
}

#[test]
fn a_corefile_is_found_however_it_is_mounted() {
    let server = |image: &str, words: &Value, mount: &Value, volume: &Value| {
        let mut volume = volume.clone();
        let mut mount = mount.clone();
        volume["name"] = "config".into();
        mount["name"] = "config".into();
        json!({
            "containers": [
                { "image": "example.com/logs:1" },
                { "image": image, "command": words, "volumeMounts": [mount] },
            ],
            "volumes": [volume],
        })
    };
    let directory = json!({ "mountPath": "/etc/dns/" });
    let file = json!({ "mountPath": "/etc/dns/Corefile", "subPath": "main" });
    let whole = json!({ "configMap": { "name": "team-dns" } });
    let items = json!({ "name": "team-dns", "items": [{ "key": "main", "path": "Corefile" }] });
    let projected =
        json!({ "projected": { "sources": [{ "secret": {} }, { "configMap": items }] } });
    let named = json!(["server", "--conf=/etc/dns/Corefile"]);
    let usual = json!(["coredns"]);
    for (what, spec, key) in [
        (
            "a directory",
            server("dns:1", &named, &directory, &whole),
            "Corefile",
        ),
        ("a file", server("dns:1", &named, &file, &whole), "main"),
        (
            "projected",
            server("dns:1", &named, &directory, &projected),
            "main",
        ),
        (
            "the usual file",
            server(
                "example.com/coredns:1",
                &usual,
                &json!({ "mountPath": "/etc/coredns" }),
                &whole,
            ),
            "Corefile",
        ),
    ] {
        let cluster = Cluster {
            pods: vec![pod("dns", &spec)],
            ..kubeadm().with_map(map("kube-system", "team-dns", &json!({ key: COREFILE })))
        };
        assert!(cluster.changed("team-dns", key).contains(SUFFIX), "{what}");
        assert_eq!(cluster.planned().0, ["team-dns"], "{what}");
    }
    // A cache that completes another file than the usual one.
    let words = json!([
        "/node-cache",
        "-localip",
        "169.254.20.10",
        "-basecorefile",
        "/etc/dns/base"
    ]);
    let cache = daemon_set("cache", &server("cache:1", &words, &directory, &whole));
    let text = cache_corefile("cluster.local:53", "10.96.0.10", "8.8.8.8");
    let mut cluster = kubeadm();
    cluster.daemon_sets.push(cache);
    let cluster = cluster.with_map(map("kube-system", "team-dns", &json!({ "base": text })));
    assert!(cluster.changed("team-dns", "base").contains(SUFFIX));
}

#[test]
fn names_from_outside_are_checked() {
    for (namespace, name, is_valid) in [
        ("kube-system", "coredns", true),
        ("kube-system", "coredns.v2", true),
        ("kube-system", "../secrets/a", false),
        ("kube-system", "", false),
        ("a/b", "coredns", false),
    ] {
        assert_eq!(
            checked_key(namespace, name).is_some(),
            is_valid,
            "{namespace}/{name}"
        );
    }
}
