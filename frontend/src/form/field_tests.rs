use super::field::{ClusterField, Field, ServiceField, has_field};
use super::template;
use shared::mesh::Mesh;
use shared::passthrough::path_route;

fn all() -> Vec<Field> {
    use Field::*;
    let mut fields = vec![
        MeshName,
        Target,
        RepoUrl,
        RepoPath,
        RepoBranch,
        RepoSecret,
        Istio,
        Suffix,
        Federation,
        Ttl,
        Naming,
        Levels,
        Endpoints,
        DnsCluster,
        Provider,
        OwnerId,
        ExternalDnsNamespace,
        HttpbinImage,
        SleepImage,
        ExternalDnsImage,
        Service(0, ServiceField::Routes),
        Service(0, ServiceField::Callers),
        Service(0, ServiceField::Selector),
    ];
    fields.push(Cluster(1, ClusterField::ClusterIp));
    fields.extend(ClusterField::COLUMNS.map(|field| Cluster(1, field)));
    fields.extend(ServiceField::COLUMNS.map(|field| Service(0, field)));
    fields
}

fn sample(field: Field) -> &'static str {
    match field {
        Field::Target => "kubefed-v1alpha1",
        Field::Naming => "gateway",
        Field::Levels => "global, zone",
        Field::Endpoints => "names",
        Field::Ttl | Field::Service(_, ServiceField::Port) => "60",
        Field::Service(_, ServiceField::Routes) => "/a, /b/*",
        Field::Service(_, ServiceField::Callers) => "shop/web, quay@cluster1",
        Field::Service(_, ServiceField::Selector) => "app=web",
        Field::Cluster(_, ClusterField::Addresses) => "203.0.113.1, 203.0.113.2",
        _ => "word",
    }
}

#[test]
fn a_field_holds_its_text_and_sets_its_path() {
    for field in all() {
        let mut mesh = template::walkthrough();
        field.set(&mut mesh, sample(field));
        assert_eq!(field.get(&mesh), sample(field), "{field:?}");
        let json = serde_json::to_value(&mesh).unwrap();
        let pointer = format!(
            "/{}",
            field.path().replace(['.', '['], "/").replace(']', "")
        );
        assert!(
            json.pointer(&pointer).is_some(),
            "{field:?} is not at {pointer}"
        );
    }
}

#[test]
fn an_emptied_field_is_removed() {
    for field in all() {
        let mut mesh = template::walkthrough();
        field.set(&mut mesh, "");
        let once = mesh.clone();
        field.set(&mut mesh, sample(field));
        field.set(&mut mesh, "");
        assert_eq!(mesh, once, "{field:?}");
    }
}

#[test]
fn findings_use_the_paths_of_fields() {
    let mut mesh = Mesh::default();
    mesh.spec.clusters.push(shared::mesh::Cluster::default());
    mesh.spec.services.push(shared::mesh::Service::default());
    let known = [
        Field::MeshName,
        Field::Suffix,
        Field::Cluster(0, ClusterField::Name),
        Field::Cluster(0, ClusterField::Region),
        Field::Cluster(0, ClusterField::Zone),
        Field::Service(0, ServiceField::Name),
        Field::Service(0, ServiceField::Port),
    ];
    let checked = shared::check(&mesh, &shared::facts::Facts::default());
    for field in known {
        let path = field.path();
        assert!(
            checked.findings.iter().any(|finding| finding.path == path),
            "no finding at {path}"
        );
    }
}

#[test]
fn a_finding_has_a_field_or_none() {
    for field in all() {
        assert!(has_field(&field.path()), "{field:?}");
    }
    assert!(has_field("spec.services[0].overrides[1].clusters"));
    for path in [
        "",
        "web.yaml: Gateway istio-system/web spec.servers[0]",
        "spec.dnsx",
        "spec.tls",
    ] {
        assert!(!has_field(path), "{path}");
    }
}

#[test]
fn a_renamed_cluster_keeps_its_references() {
    for names in [
        ["", "c", "cluster-west"],
        ["cluster", "cluster-", "cluster-west"],
    ] {
        let mut mesh = template::walkthrough();
        mesh.spec.services[0].clusters = Some(vec!["cluster2".into()]);
        mesh.spec.external = vec![shared::mesh::ExternalHost {
            clusters: Some(vec!["cluster1".into(), "cluster2".into()]),
            ..shared::mesh::ExternalHost::default()
        }];
        mesh.spec.dns.cluster = Some("cluster2".into());
        for name in names {
            Field::Cluster(1, ClusterField::Name).set(&mut mesh, name);
        }
        assert_eq!(
            mesh.spec.services[0].clusters,
            Some(vec!["cluster-west".into()])
        );
        assert_eq!(
            mesh.spec.external[0].clusters,
            Some(vec!["cluster1".into(), "cluster-west".into()])
        );
        assert_eq!(mesh.spec.dns.cluster.as_deref(), Some("cluster-west"));
    }
}

#[test]
fn routes_and_lists_allow_any_separators() {
    let mut mesh = template::walkthrough();
    let routes = Field::Service(0, ServiceField::Routes);
    routes.set(&mut mesh, " /html,/api/*  /x ");
    assert_eq!(
        mesh.spec.services[0].routes,
        [
            path_route("exact", "/html"),
            path_route("prefix", "/api/"),
            path_route("exact", "/x")
        ]
    );
    assert!(routes.reads_as(&mesh, "/html, /api/* /x,"));
    assert!(!routes.reads_as(&mesh, "/html"));
}

#[test]
fn routes_that_the_form_does_not_show_are_kept() {
    let mut mesh = template::walkthrough();
    let field = Field::Service(0, ServiceField::Routes);
    let rich = |prefix: &str| {
        let mut route = path_route("prefix", prefix);
        route.insert("timeout".into(), "1s".into());
        route
    };
    let given = vec![rich("/slow"), path_route("exact", "/html"), rich("/")];
    mesh.spec.services[0].routes.clone_from(&given);
    assert_eq!(field.get(&mesh), "/html");
    field.set(&mut mesh, "/html, /new");
    let desired = [
        rich("/slow"),
        path_route("exact", "/html"),
        path_route("exact", "/new"),
        rich("/"),
    ];
    assert_eq!(mesh.spec.services[0].routes, desired);
    field.set(&mut mesh, "");
    assert_eq!(mesh.spec.services[0].routes, [rich("/slow"), rich("/")]);
}
