//! The clusters' own DNS: a private zone is told to it, and taken out again, byte for byte.
//!
//! Its settings are in one namespace for all meshes, so these tests take turns.

use fedmesh_agent::operation::Planned;
use serde_json::{Value, json};
use shared::api::{Event, Intent, Outcome, Status};
use shared::kubernetes::ownership::{STUB_DOMAIN_ANNOTATION, parent_name};
use shared::mesh::Target;
use shared::plan::{Action, Step};

use crate::fixture::{CLUSTERS, EAST, Fixture, LoneBed, WEST, blocked, make_namespace, steps};
use crate::restricted::Restricted;

/// With what a merge must not lose: a tab, a comment, blanks at the end, no end of the last line.
const COREFILE: &str = ".:53 {\n\terrors  \n    # kept\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n    reload\n}";
const STUB_DOMAINS: &str = "{\n  \"z.example\" : [\"10.1.1.1\"],\n  \"a.example\": []\n}\n";

/// A mesh of a private zone, alone on the bed; neither cluster has any DNS yet.
pub(crate) async fn private(name: &'static str) -> (LoneBed, Fixture<'static>) {
    let lone = LoneBed::take().await;
    let mut fixture = Fixture::new(lone.bed(), name);
    for (_, context) in CLUSTERS {
        fixture.kubectl(
            context,
            &[
                "delete",
                "configmap",
                "--namespace=kube-system",
                "--ignore-not-found",
                "coredns",
                "coredns-custom",
                "kube-dns",
                "node-local-dns",
            ],
        );
        fixture.kubectl(
            context,
            &[
                "delete",
                "services,daemonsets,pods,configmaps",
                "--namespace=kube-system",
                "--selector=bed=dns",
                "--now",
            ],
        );
    }
    fixture.mesh.spec.dns.nameservers = vec!["10.0.0.53".to_owned()];
    (lone, fixture)
}

/// Makes one of the ConfigMaps, with an entry that is nobody's business.
pub(crate) fn create(fixture: &Fixture<'_>, context: &str, name: &str, key: &str, text: &str) {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "kube-system" },
        "data": { key: text, "other": "kept" },
    });
    fixture
        .bed
        .kubectl_with_input(context, &["create", "-f", "-"], &map.to_string())
        .unwrap();
}

/// As somebody else would change it.
fn change(fixture: &Fixture<'_>, name: &str, data: &Value) {
    let patch = format!("--patch={}", json!({ "data": data }));
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "configmap",
            name,
            "--namespace=kube-system",
            "--type=merge",
            &patch,
        ],
    );
}

pub(crate) fn config_map(fixture: &Fixture<'_>, context: &str, name: &str) -> Value {
    fixture.get(context, &["configmap", name, "--namespace=kube-system"])
}

fn corefile(fixture: &Fixture<'_>) -> String {
    let map = config_map(fixture, WEST, "coredns");
    map["data"]["Corefile"].as_str().unwrap().to_owned()
}

pub(crate) fn block(name: &str, server: &str) -> String {
    format!(
        "# begin fedmesh {name}: written by fedmesh, changes are lost\n{name}.example.net:53 {{\n    \
         errors\n    cache 30\n    forward . {server}\n}}\n# end fedmesh {name}\n"
    )
}

fn is_recorded(fixture: &Fixture<'_>, context: &str) -> bool {
    !recorded(fixture, context).is_null()
}

/// The ConfigMaps with a stub domain, as the record of the mesh has them.
pub(crate) fn recorded(fixture: &Fixture<'_>, context: &str) -> Value {
    let name = parent_name(fixture.name);
    let secret = fixture.get(context, &["secret", &name, "--namespace=istio-system"]);
    secret["metadata"]["annotations"][STUB_DOMAIN_ANNOTATION].clone()
}

/// The step of one of the ConfigMaps.
fn step<'a>(planned: &'a Planned, cluster: &str, name: &str) -> &'a Step {
    let mut steps = planned.plan.steps();
    let found = steps.find(|(of, step)| {
        *of == cluster && step.object.kind == "ConfigMap" && step.object.name == name
    });
    found.unwrap_or_else(|| panic!("{:#?}", planned.plan)).1
}

/// Why a step is refused.
pub(crate) fn refusal<'a>(planned: &'a Planned, cluster: &str, name: &str) -> &'a str {
    let step = step(planned, cluster, name);
    assert_eq!(step.action, Action::Blocked, "{step:#?}");
    assert!(!planned.plan.can_be_applied());
    step.message.as_deref().unwrap()
}

pub(crate) fn codes(planned: &Planned) -> Vec<(&str, &str)> {
    let of_dns = planned
        .findings
        .iter()
        .filter(|finding| finding.code.starts_with("FM080"));
    of_dns
        .map(|finding| (finding.code.as_str(), finding.path.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_is_told_once_and_leaves_no_trace() {
    let (_lone, mut fixture) = private("stub").await;
    create(&fixture, WEST, "coredns", "Corefile", COREFILE);
    create(&fixture, EAST, "kube-dns", "stubDomains", STUB_DOMAINS);
    let before = [
        config_map(&fixture, WEST, "coredns"),
        config_map(&fixture, EAST, "kube-dns"),
    ];
    let now = |fixture: &Fixture<'_>| {
        [
            config_map(fixture, WEST, "coredns"),
            config_map(fixture, EAST, "kube-dns"),
        ]
    };

    let planned = fixture.plan().await;
    assert_eq!(codes(&planned), []);
    let west = step(&planned, "sunset", "coredns");
    assert_eq!(west.action, Action::Change);
    let minus = |diff: &str| diff.lines().filter(|line| line.starts_with('-')).count();
    assert!(
        west.diff.contains("\n+  stub.example.net:53 {\n"),
        "{}",
        west.diff
    );
    let east = step(&planned, "sunrise", "kube-dns");
    assert!(
        east.diff
            .contains("\n+    \"stub.example.net\": [\"10.0.0.53\"],\n"),
        "{}",
        east.diff
    );
    assert_eq!(minus(&west.diff) + minus(&east.diff), 0, "nothing goes");
    assert_eq!(now(&fixture), before, "a plan changes nothing");

    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    let applied = now(&fixture);
    assert_eq!(
        applied[0]["data"],
        json!({ "Corefile": block("stub", "10.0.0.53") + COREFILE, "other": "kept" })
    );
    let entry = "{\n  \"stub.example.net\": [\"10.0.0.53\"],";
    assert_eq!(
        applied[1]["data"],
        json!({ "stubDomains": STUB_DOMAINS.replacen('{', entry, 1), "other": "kept" })
    );
    assert!(is_recorded(&fixture, WEST) && is_recorded(&fixture, EAST));

    // Twice.
    let planned = fixture.plan().await;
    assert!(!planned.plan.has_changes(), "{:#?}", planned.plan);
    assert!(Status::of(&planned.plan).is_unchanged());
    fixture.carry_out(planned, false).await;
    assert_eq!(now(&fixture), applied, "nothing is written");

    // Other name servers.
    fixture.mesh.spec.dns.nameservers = vec!["10.0.0.54".to_owned()];
    fixture.apply().await;
    assert_eq!(corefile(&fixture), block("stub", "10.0.0.54") + COREFILE);

    // A zone that is public now.
    let data = |maps: [Value; 2]| maps.map(|map| map["data"].clone());
    fixture.mesh.spec.dns.nameservers.clear();
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunset"),
        ["change ConfigMap kube-system/coredns"]
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(data(now(&fixture)), data(before.clone()));
    assert!(!is_recorded(&fixture, WEST) && !is_recorded(&fixture, EAST));
    assert!(!fixture.plan().await.plan.has_changes());

    // The whole mesh.
    fixture.mesh.spec.dns.nameservers = vec!["10.0.0.53".to_owned()];
    fixture.apply().await;
    fixture.remove().await;
    assert_eq!(data(now(&fixture)), data(before));
    let annotations = &now(&fixture)[1]["metadata"]["annotations"];
    assert!(annotations.is_null(), "{annotations}");
    assert_eq!(fixture.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_domain_of_services_is_found() {
    let (_lone, mut fixture) = private("domain").await;
    let other = COREFILE.replace("cluster.local", "corp.local");
    create(&fixture, WEST, "coredns", "Corefile", &other);
    create(&fixture, EAST, "coredns", "Corefile", COREFILE);
    let found = |planned: &Planned| {
        let mut findings = planned.findings.iter();
        let one = findings.find(|finding| finding.code == "FM0218")?;
        Some((one.path.clone(), one.hint.clone()))
    };
    let (path, hint) = found(&fixture.plan().await).unwrap();
    assert_eq!(path, "spec.clusters[0].clusterDomain");
    assert!(hint.contains("`clusterDomain: corp.local`"), "{hint}");
    fixture.mesh.spec.clusters[0].cluster_domain = Some("corp.local".to_owned());
    assert_eq!(found(&fixture.plan().await), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn additions_and_node_local_dns() {
    let (_lone, fixture) = private("additions").await;
    let importing = format!("{COREFILE}\nimport custom/*.server\n");
    create(&fixture, WEST, "coredns", "Corefile", &importing);
    let bound = ".:53 {\n    bind 169.254.20.10\n    reload\n}\n";
    create(&fixture, WEST, "node-local-dns", "Corefile", bound);
    let planned = fixture.plan().await;
    let additions = step(&planned, "sunset", "coredns-custom");
    assert_eq!(additions.action, Action::Create);
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(corefile(&fixture), importing);
    let key = "fedmesh-additions.server";
    let custom = config_map(&fixture, WEST, "coredns-custom");
    assert_eq!(custom["data"][key], block("additions", "10.0.0.53"));
    let local = config_map(&fixture, WEST, "node-local-dns");
    let local = local["data"]["Corefile"].as_str().unwrap();
    assert!(
        local.contains("    bind 169.254.20.10\n    forward . 10.0.0.53\n"),
        "{local}"
    );
    assert!(!fixture.plan().await.plan.has_changes());

    // Half a block would keep CoreDNS from reading any.
    change(
        &fixture,
        "coredns-custom",
        &json!({ "by-hand.server": "a.example {" }),
    );
    let planned = fixture.plan().await;
    let why = refusal(&planned, "sunset", "coredns-custom");
    assert!(why.contains("by-hand.server: line 1"), "{why}");
    change(
        &fixture,
        "coredns-custom",
        &json!({ "by-hand.server": null }),
    );

    fixture.remove().await;
    let custom = config_map(&fixture, WEST, "coredns-custom");
    assert!(custom["data"].is_null(), "{custom:#}");
    let local = config_map(&fixture, WEST, "node-local-dns");
    assert_eq!(local["data"]["Corefile"], bound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_others_change() {
    let (_lone, fixture) = private("moved").await;
    create(&fixture, WEST, "coredns", "Corefile", COREFILE);
    let planned = fixture.plan().await;
    let theirs = COREFILE.replace("    # kept", "    # changed");
    change(&fixture, "coredns", &json!({ "Corefile": theirs }));
    let (report, events) = fixture.carry_out(planned, false).await;
    assert_eq!(report.clusters[0].failed, 1, "{report:#?}");
    let message = events.iter().find_map(|event| match event {
        Event::Object {
            object,
            outcome: Outcome::Failed { message },
            ..
        } => Some(format!("{object}: {message}")),
        _ => None,
    });
    assert!(
        message.as_ref().is_some_and(|message| message
            .contains("ConfigMap kube-system/coredns: another client changed it since the plan")),
        "{message:?}"
    );
    assert_eq!(corefile(&fixture), theirs);
    fixture.apply().await;
    assert_eq!(
        corefile(&fixture),
        block("moved", "10.0.0.53") + theirs.as_str()
    );

    // In our block, by hand; then the whole of it.
    let changed = corefile(&fixture).replace("cache 30", "cache 3600");
    for by_hand in [changed, theirs.clone()] {
        change(&fixture, "coredns", &json!({ "Corefile": by_hand }));
        let planned = fixture.plan().await;
        let status = Status::of(&planned.plan);
        assert!(!status.is_unchanged());
        let off: Vec<String> = status.clusters[0]
            .changed
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(off, ["ConfigMap kube-system/coredns"]);
        let (report, _) = fixture.carry_out(planned, false).await;
        assert!(report.is_success(), "{report:#?}");
        assert_eq!(
            corefile(&fixture),
            block("moved", "10.0.0.53") + theirs.as_str()
        );
    }

    // Without the end of the block nobody knows what is ours: nothing is removed at all.
    let damaged = corefile(&fixture).replace("# end fedmesh moved\n", "");
    change(&fixture, "coredns", &json!({ "Corefile": damaged }));
    let planned = fixture.plan_removal().await;
    let why = refusal(&planned, "sunset", "coredns");
    assert!(
        why.contains("line 1: the block of fedmesh has no end"),
        "{why}"
    );
    blocked(planned);
    assert!(is_recorded(&fixture, WEST));
    change(&fixture, "coredns", &json!({ "Corefile": theirs }));
    fixture.remove().await;
    assert_eq!(corefile(&fixture), theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_plan_says_of_a_clusters_dns() {
    let (_lone, fixture) = private("said").await;
    // No DNS at all: the rest can be applied all the same.
    create(&fixture, EAST, "kube-dns", "other", "data");
    let planned = fixture.plan().await;
    assert_eq!(codes(&planned), [("FM0802", "spec.clusters[0].dnsFlavour")]);
    assert!(planned.plan.can_be_applied());

    // Somebody else's block for the zone.
    let foreign = format!("{COREFILE}\nSaid.Example.Net {{\n    forward . 10.9.9.9\n}}\n");
    create(&fixture, WEST, "coredns", "Corefile", &foreign);
    let planned = fixture.plan().await;
    let why = refusal(&planned, "sunset", "coredns");
    assert!(
        why.contains("line 8: another server block has said.example.net"),
        "{why}"
    );
    blocked(planned);
    assert_eq!(corefile(&fixture), foreign);
    assert_eq!(fixture.ours(WEST), [].into());

    // With our name servers it will do.
    let same = foreign.replace("10.9.9.9", "10.0.0.53:53");
    change(&fixture, "coredns", &json!({ "Corefile": same }));
    fixture.apply().await;
    assert_eq!(corefile(&fixture), same);
    assert!(!is_recorded(&fixture, WEST), "nothing of ours is there");

    // CoreDNS that does not look again by itself, in both directions.
    let still = COREFILE.replace("    reload\n", "");
    change(&fixture, "coredns", &json!({ "Corefile": still }));
    let planned = fixture.plan().await;
    let restart = [("FM0803", "spec.clusters[0].dnsFlavour")];
    assert_eq!(codes(&planned), restart);
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(codes(&fixture.plan().await), [], "nothing changes");
    let planned = fixture.plan_removal().await;
    assert_eq!(codes(&planned), restart);
    let found = planned
        .findings
        .iter()
        .find(|finding| finding.code == "FM0803");
    let hint = &found.unwrap().hint;
    assert!(
        hint.contains(
            "--context west-context --namespace kube-system rollout restart deployment/coredns"
        ),
        "{hint}"
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(corefile(&fixture), still);
}

/// With the engine that has a hub, members get nothing but their DNS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_federation() {
    let (_lone, mut fixture) = private("members").await;
    make_namespace(fixture.bed, WEST, "federation-system");
    fixture.mesh.spec.target = Some(Target::KubefedV1alpha1);
    create(&fixture, WEST, "coredns", "Corefile", COREFILE);
    create(&fixture, EAST, "kube-dns", "stubDomains", STUB_DOMAINS);
    fixture.apply().await;
    let member = config_map(&fixture, EAST, "kube-dns");
    let text = member["data"]["stubDomains"].as_str().unwrap();
    assert!(text.contains("members.example.net"), "{text}");
    assert!(is_recorded(&fixture, EAST));
    let again = fixture.plan().await;
    assert!(!again.plan.has_changes(), "{:#?}", again.plan);

    // One that cannot be asked cannot be told either.
    let mut unknown = fixture.mesh.clone();
    unknown.spec.clusters[1].context = Some("nowhere".into());
    let planned = fixture
        .operations
        .plan(&unknown, Intent::Apply)
        .await
        .unwrap();
    let found = planned
        .findings
        .iter()
        .find(|finding| finding.code == "FM0801");
    let message = &found.unwrap().message;
    assert!(
        message.starts_with("forwarding of the zone is not configured in its DNS"),
        "{message}"
    );

    // Public from now on, by somebody who may not look: that is known, and said.
    fixture.mesh.spec.dns.nameservers.clear();
    let restricted = Restricted::new(&fixture, EAST, &[]);
    let planned = restricted.plan(&fixture, Intent::Apply).await;
    let why = refusal(&planned, "sunrise", "coredns");
    assert!(
        why.contains("an earlier apply put a stub domain there"),
        "{why}"
    );

    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        [
            "change ConfigMap kube-system/kube-dns",
            "delete Secret istio-system/fedmesh-members"
        ]
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    let member = config_map(&fixture, EAST, "kube-dns");
    assert_eq!(member["data"]["stubDomains"], STUB_DOMAINS);
    assert_eq!(corefile(&fixture), COREFILE);
    assert_eq!(fixture.ours(EAST), [].into());

    // A block whose record was deleted by hand goes too.
    let by_hand = block("members", "10.0.0.53") + COREFILE;
    create(&fixture, EAST, "coredns", "Corefile", &by_hand);
    assert_eq!(
        steps(&fixture.plan().await.plan, "sunrise"),
        ["change ConfigMap kube-system/coredns"]
    );
    fixture.remove().await;
    let member = config_map(&fixture, EAST, "coredns");
    assert_eq!(member["data"]["Corefile"], COREFILE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_touch_the_settings_is_told_what_it_takes() {
    let (_lone, mut fixture) = private("denied").await;
    create(&fixture, WEST, "coredns", "Corefile", COREFILE);
    create(&fixture, EAST, "coredns", "Corefile", COREFILE);
    let blind = Restricted::new(&fixture, WEST, &[]);
    let reader = Restricted::new(&fixture, WEST, &["get"]);
    for (user, verb) in [(&blind, "get"), (&reader, "patch")] {
        let planned = user.plan(&fixture, Intent::Apply).await;
        let why = refusal(&planned, "sunset", "coredns");
        for words in [
            "context west-context: not allowed to ",
            &format!("cannot {verb} resource \"configmaps\""),
            "in the namespace \"kube-system\"",
        ] {
            assert!(why.contains(words), "{words}: {why}");
        }
        // A status is not to call missing what it was not shown.
        let status = &Status::of(&planned.plan).clusters[0];
        let [refused] = status.refused.as_slice() else {
            panic!("{status:#?}")
        };
        assert_eq!(refused.object.name, "coredns");
        assert_eq!(refused.why, why);
        assert!(!status.missing.contains(&refused.object), "{status:#?}");
        blocked(planned);
        assert_eq!(fixture.ours(WEST), [].into(), "nothing is begun");
    }

    // A public zone takes no rights there, neither to apply nor to remove; that nobody looked is said.
    let servers = std::mem::take(&mut fixture.mesh.spec.dns.nameservers);
    let planned = blind.plan(&fixture, Intent::Apply).await;
    assert_eq!(codes(&planned), []);
    let report = blind.carry_out(&fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");
    let planned = blind.plan(&fixture, Intent::Remove).await;
    assert_eq!(codes(&planned), [("FM0804", "spec.clusters[0].context")]);
    let report = blind.carry_out(&fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");

    // Somebody else made it private: who may not look leaves all of it.
    fixture.mesh.spec.dns.nameservers = servers;
    fixture.apply().await;
    let before = fixture.ours(WEST);
    for (user, intent) in [
        (&blind, Intent::Remove),
        (&reader, Intent::Remove),
        (&blind, Intent::Apply),
    ] {
        fixture.mesh.spec.dns.nameservers.clear();
        let planned = user.plan(&fixture, intent).await;
        let why = refusal(&planned, "sunset", "coredns");
        assert!(why.contains("resource \"configmaps\""), "{why}");
        blocked(planned);
    }
    assert_eq!(fixture.ours(WEST), before);
    assert_eq!(corefile(&fixture), block("denied", "10.0.0.53") + COREFILE);
    fixture.remove().await;
    assert_eq!(corefile(&fixture), COREFILE);
}
