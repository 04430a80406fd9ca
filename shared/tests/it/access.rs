//! What commands need in clusters: the rules of roles, what carrying out a plan takes, and the page that lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use documents::{addresses, examples, with_target};
use serde_json::json;
use shared::Mesh;
use shared::access::{Command, Need, Needs, Permission, Rule, cluster_role, denials, to_carry_out};
use shared::facts::Facts;
use shared::kubernetes::object::Kind;
use shared::mesh::Target;
use shared::plan::desired::Desired;
use shared::plan::{DryRun, Existing, ObservedCluster, PruneCandidate};
use shared::resolved::Resolved;

fn render(mesh: &Mesh, facts: &Facts) -> (Arc<Resolved>, Desired) {
    let checked = shared::check(mesh, facts);
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let resolved = Arc::new(resolved);
    let desired = Desired::new(Arc::clone(&resolved));
    (resolved, desired)
}

fn walkthrough(target: Target) -> Mesh {
    with_target(&examples().remove("walkthrough.yaml").unwrap(), target)
}

fn needs(mesh: &Mesh, cluster: usize, command: Command) -> Needs {
    let (resolved, desired) = shared::access::render(mesh).unwrap();
    let objects = desired.of(resolved.clusters[cluster].name.as_str());
    Needs::new(mesh, &resolved, &objects, cluster, command)
}

/// `resource "names": verbs` of each rule.
fn lines(needs: &Needs) -> Vec<String> {
    let rules = needs.rules().into_iter().flat_map(|rule| {
        let (on, verbs) = (on(&rule), joined(&rule.verbs));
        on.into_iter().map(move |on| format!("{on}: {verbs}"))
    });
    let mut lines: Vec<String> = rules.collect();
    lines.sort();
    lines
}

/// The resources of a rule, each with the names.
fn on(rule: &Rule) -> Vec<String> {
    let names: String = rule
        .names
        .iter()
        .fold(String::new(), |all, name| format!("{all} \"{name}\""));
    let full = |resource: &str| match (rule.group.as_ref(), resource.split_once('/')) {
        ("", _) => resource.to_owned(),
        (group, Some((resource, below))) => format!("{resource}.{group}/{below}"),
        (group, None) => format!("{resource}.{group}"),
    };
    let resources = rule.resources.iter();
    resources
        .map(|resource| format!("{}{names}", full(resource)))
        .collect()
}

fn joined<T: AsRef<str>>(words: &BTreeSet<T>) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    words.join(", ")
}

#[test]
fn an_apply_needs_what_is_rendered_and_the_record() {
    let mesh = Mesh::read(
        "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns: {suffix: \
         mesh.example.org}\n  clusters:\n  - {name: north, region: eu, zone: eu-a}\n  services:\n  - {name: \
         orders, namespace: sales, port: 8000}\n",
    )
    .unwrap();
    let record_and_lease = [
        "leases.coordination.k8s.io \"fedmesh-demo\": delete, get, update",
        "leases.coordination.k8s.io: create",
    ];
    let looks = [
        "configmaps \"coredns\" \"coredns-custom\" \"kube-dns\" \"node-local-dns\": get",
        "endpointslices.discovery.k8s.io: list",
    ];
    let mut apply = vec![
        "dnsendpoints.externaldns.k8s.io: create, delete, get, list, patch",
        "gateways.networking.istio.io: create, delete, get, list, patch",
        "namespaces \"istio-system\" \"kube-system\": get",
        "nodes: list",
        "secrets \"fedmesh-demo\": delete, get, patch",
        "secrets: create",
        "serviceentries.networking.istio.io: create, delete, get, list, patch",
        "services \"istio-ingressgateway\": get",
        "virtualservices.networking.istio.io: create, delete, get, list, patch",
        "workloadentries.networking.istio.io: create, delete, get, list, patch",
    ];
    apply.extend(record_and_lease);
    apply.extend(looks);
    apply.sort_unstable();
    assert_eq!(lines(&needs(&mesh, 0, Command::Apply)), apply);
}

#[test]
fn a_private_zone_takes_the_configuration_of_cluster_dns() {
    let mut mesh = walkthrough(Target::Direct);
    let config_maps = |mesh: &Mesh| -> Vec<String> {
        let lines = lines(&needs(mesh, 1, Command::Apply));
        let of_dns = lines
            .into_iter()
            .filter(|one| one.starts_with("configmaps"));
        of_dns.collect()
    };
    let names = "configmaps \"coredns\" \"coredns-custom\" \"kube-dns\" \"node-local-dns\"";
    assert_eq!(config_maps(&mesh), [format!("{names}: get")]);
    mesh.spec.dns.nameservers = vec!["10.0.0.53".to_owned()];
    let found = "configmaps \"coredns\" \"coredns-custom\" \"dns-default\" \"kube-dns\" \"node-local-dns\" \
                 \"nodelocaldns\" \"rke2-coredns-rke2-coredns\": get";
    let changed = "configmaps \"coredns\" \"coredns-custom\" \"kube-dns\" \"node-local-dns\" \"nodelocaldns\": patch";
    assert_eq!(config_maps(&mesh), [found, changed, "configmaps: create"]);
    // Those of the whole namespace, by which it is found.
    let everything = lines(&needs(&mesh, 1, Command::Apply));
    for line in ["daemonsets.apps: list", "pods: list"] {
        assert!(
            everything.contains(&line.to_owned()),
            "{line}: {everything:#?}"
        );
    }
}

#[test]
fn who_makes_a_role_has_what_it_grants() {
    let needs = needs(&walkthrough(Target::Direct), 0, Command::Apply);
    let lines = lines(&needs);
    for line in [
        "dnsendpoints.externaldns.k8s.io: create, delete, get, list, patch, watch",
        "dnsendpoints.externaldns.k8s.io/status: update",
        "roles.rbac.authorization.k8s.io \"external-dns\": bind, delete, get, patch",
        "roles.rbac.authorization.k8s.io: create, list",
        "customresourcedefinitions.apiextensions.k8s.io \"dnsendpoints.externaldns.k8s.io\": get, patch",
        "namespaces \"external-dns\": patch",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:#?}");
    }
}

/// Whether the rules of one grant all that another has.
fn covers(whole: &Needs, part: &Needs) -> bool {
    let rules = whole.rules();
    part.iter().all(|(one, _)| {
        rules.iter().any(|rule| {
            let mut names = rule.names.iter();
            let mut is_named = || names.any(|name| Some(name) == one.name.as_ref());
            rule.group == one.group
                && rule.resources.contains(&one.resource)
                && rule.verbs.contains(&one.verb)
                && (rule.names.is_empty() || is_named())
        })
    })
}

#[test]
fn an_apply_may_also_look_and_remove_and_no_role_is_wild() {
    for (name, mesh) in examples() {
        for target in Target::all() {
            let mesh = with_target(&mesh, target);
            let Ok((resolved, desired)) = shared::access::render(&mesh) else {
                continue;
            };
            for index in 0..resolved.clusters.len() {
                let objects = desired.of(resolved.clusters[index].name.as_str());
                let of = |command| Needs::new(&mesh, &resolved, &objects, index, command);
                let apply = of(Command::Apply);
                assert_eq!(
                    apply == Needs::default(),
                    target == Target::Gitops,
                    "{name} {target:?}"
                );
                for command in Command::ALL {
                    let needs = of(command);
                    assert!(covers(&needs, &needs), "{name} {target:?} {command:?}");
                    let everything = needs.rules().iter().any(|rule| {
                        rule.verbs.contains("*")
                            || rule.resources.contains("*")
                            || !rule.names.is_empty() && rule.verbs.contains("create")
                    });
                    assert!(!everything, "{name} {target:?} {command:?}");
                }
                for command in [Command::Status, Command::Plan] {
                    assert!(covers(&apply, &of(command)), "{name} {target:?}");
                    let writes = of(command);
                    let mut writes = writes.iter();
                    let reads = ["get", "list"];
                    assert!(writes.all(|(one, _)| reads.contains(&one.verb.as_ref())));
                }
                if !objects.is_empty() {
                    assert!(covers(&apply, &of(Command::Remove)), "{name} {target:?}");
                }
                let serve = of(Command::Serve);
                assert!(covers(&serve, &apply) && covers(&serve, &of(Command::Verify)));
            }
        }
    }
}

#[test]
fn only_what_changes_has_to_be_allowed() {
    let mesh = walkthrough(Target::Direct);
    let (resolved, desired) = render(&mesh, &addresses(&mesh));
    let objects = &desired.of("cluster1");
    let needs = Needs::new(&mesh, &resolved, objects, 0, Command::Apply);
    let on = |needed: &BTreeSet<Permission>, resource: &str| -> BTreeSet<String> {
        let on = needed.iter().filter(|one| one.resource == resource);
        on.map(|one| one.verb.to_string()).collect()
    };
    let set = |verbs: &[&str]| -> BTreeSet<String> {
        verbs.iter().map(|&verb| verb.to_owned()).collect()
    };

    let first = to_carry_out("demo", objects, &[], &ObservedCluster::default());
    assert_eq!(on(&first, "virtualservices"), set(&["create", "patch"]));
    assert_eq!(on(&first, "secrets"), set(&["create", "patch"]));
    assert_eq!(
        on(&first, "leases"),
        set(&["create", "delete", "get", "update"])
    );
    assert_eq!(on(&first, "dnsendpoints/status"), set(&["update"]));
    assert!(first.iter().all(|one| needs.contains(one)), "{first:#?}");

    let unchanged: BTreeMap<_, _> = objects
        .iter()
        .map(|object| (object.key(), Existing::Unchanged))
        .collect();
    let mut observed = ObservedCluster {
        desired: unchanged,
        ..ObservedCluster::default()
    };
    let none = to_carry_out("demo", objects, &[], &observed);
    assert!(none.is_empty(), "{none:#?}");

    // One that differs, and two that are orphaned.
    let changed = objects
        .iter()
        .find(|one| one.kind == Kind::SERVICE)
        .unwrap();
    let existing = Existing::Asked {
        live: json!({}),
        answer: DryRun::Would(json!({})),
        claim: Box::default(),
    };
    observed.desired.insert(changed.key(), existing);
    for kind in [Kind::NAMESPACE, Kind::DEPLOYMENT] {
        let mut key = changed.key();
        (key.group, key.kind) = (kind.group.to_string(), kind.kind.to_string());
        "old".clone_into(&mut key.name);
        let live = json!({ "metadata": { "uid": "1" } });
        observed
            .prune_candidates
            .insert(key, PruneCandidate::new(kind, &live));
    }
    let some = to_carry_out("demo", objects, &[], &observed);
    assert_eq!(on(&some, "services"), set(&["patch"]));
    assert_eq!(on(&some, "deployments"), set(&["delete", "get"]));
    assert_eq!(on(&some, "namespaces"), set(&["patch"]));
    assert_eq!(on(&some, "virtualservices"), set(&[]));
}

#[test]
fn denials_are_said_together() {
    let needs = needs(&walkthrough(Target::Direct), 1, Command::Apply);
    let denied = needs.iter().filter(|(one, need)| {
        *need != Need::Optional
            && ["virtualservices", "secrets", "serviceentries"].contains(&one.resource.as_ref())
    });
    let text = denials(denied.map(|(one, _)| one));
    assert_eq!(
        text,
        "cannot create secrets in namespace istio-system; cannot delete, get, patch secrets \"fedmesh-demo\" in \
         namespace istio-system; cannot create, delete, get, patch serviceentries.networking.istio.io in namespace \
         istio-system; cannot list serviceentries.networking.istio.io; cannot create, delete, get, patch \
         virtualservices.networking.istio.io in namespaces default, istio-system; cannot list \
         virtualservices.networking.istio.io"
    );
}

#[test]
fn the_role_is_named_for_mesh_and_command() {
    let role = cluster_role(
        "demo",
        Command::Remove,
        &needs(&walkthrough(Target::Direct), 1, Command::Remove),
    );
    assert_eq!(role.name, "fedmesh-demo-remove");
    let json = role.to_json();
    assert_eq!(json["kind"], "ClusterRole");
    assert_eq!(json["metadata"], json!({ "name": "fedmesh-demo-remove" }));
    assert_eq!(
        json["rules"][0],
        json!({
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["coredns", "coredns-custom", "kube-dns", "node-local-dns"],
            "verbs": ["get"],
        })
    );
}

/// A table of what each command needs in a cluster: a row for each resource, with its names where they restrict it.
fn table(mesh: &Mesh, cluster: usize) -> String {
    let commands = [
        Command::Status,
        Command::Apply,
        Command::Remove,
        Command::Follow,
        Command::Verify,
    ];
    let mut rows: BTreeMap<String, [String; 5]> = BTreeMap::new();
    for (column, command) in commands.into_iter().enumerate() {
        let needs = needs(mesh, cluster, command);
        for rule in needs.rules() {
            for on in on(&rule) {
                rows.entry(on).or_default()[column] = joined(&rule.verbs);
            }
        }
    }
    let mut text = "| resource | status, plan | apply | remove | follow | verify |\n|---|---|---|---|---|---|\n".to_owned();
    for (on, cells) in rows {
        let on = match on.split_once(' ') {
            Some((resource, names)) => {
                let names = names.replace('"', "`").replace("` `", "`, `");
                format!("`{resource}` {names}")
            }
            None => format!("`{on}`"),
        };
        writeln!(text, "| {on} | {} |", cells.join(" | ")).unwrap();
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read files")]
fn the_page_lists_what_each_engine_takes() {
    let path = format!("{}/../docs/access.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let mut missing = String::new();
    for target in Target::all() {
        let mesh = walkthrough(target);
        for (cluster, role) in [(0, "DNS cluster"), (1, "other clusters")] {
            let heading = if target.has_hub() && cluster == 0 {
                format!("### `{}`: the hub", target.as_str())
            } else if target.has_hub() {
                format!("### `{}`: the members", target.as_str())
            } else {
                format!("### `{}`: {role}", target.as_str())
            };
            let section = format!("{heading}\n\n{}", table(&mesh, cluster));
            if !page.contains(&section) {
                missing.push_str(&section);
                missing.push('\n');
            }
        }
    }
    assert!(
        missing.is_empty(),
        "put this into docs/access.md:\n{missing}"
    );
}
