//! Settings of the zone's provider: what `ExternalDNS` is started with, and what is refused.

use serde_json::{Value, json};
use shared::check::Severity;
use shared::facts::Facts;
use shared::render::render;
use shared::{Mesh, check};

fn document(external_dns: &Value) -> Mesh {
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": external_dns },
            "clusters": [{ "name": "north", "region": "r1", "zone": "z1", "gateway": { "addresses": ["203.0.113.1"] } }],
            "services": [{ "name": "stock", "port": 9080 }],
        },
    }))
    .unwrap()
}

fn rendered(external_dns: &Value, kind: &str) -> shared::kubernetes::object::Object {
    let checked = check(&document(external_dns), &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let placed = render(&resolved).into_iter().map(|placed| placed.template);
    let mut found =
        placed.filter(|object| object.kind.kind == kind && object.name == "external-dns");
    found.next().unwrap()
}

fn container(external_dns: &Value) -> Value {
    let deployment = Value::Object(rendered(external_dns, "Deployment").body);
    deployment["spec"]["template"]["spec"]["containers"][0].clone()
}

/// The arguments that are not fedmesh's own.
fn arguments(external_dns: &Value) -> Vec<String> {
    let container = container(external_dns);
    let arguments = container["args"].as_array().unwrap().iter();
    let arguments = arguments.map(|argument| argument.as_str().unwrap().to_owned());
    arguments
        .skip_while(|argument| !argument.starts_with("--txt-prefix"))
        .skip(1)
        .collect()
}

#[test]
fn settings_become_flags() {
    for (provider, settings, desired) in [
        (
            "google",
            json!({ "project": "net-prod", "zoneVisibility": "private" }),
            vec![
                "--google-project=net-prod",
                "--google-zone-visibility=private",
            ],
        ),
        (
            "aws",
            json!({ "zoneType": "public", "zoneTags": ["team=net", "env=prod"], "preferCname": true, "evaluateTargetHealth": false }),
            vec![
                "--aws-zone-type=public",
                "--aws-zone-tags=team=net",
                "--aws-zone-tags=env=prod",
                "--aws-prefer-cname",
                "--no-aws-evaluate-target-health",
            ],
        ),
        (
            "azure-private-dns",
            json!({ "resourceGroup": "dns" }),
            vec!["--azure-resource-group=dns"],
        ),
        (
            "cloudflare",
            json!({ "proxied": false, "dnsRecordsPerPage": 5000 }),
            vec![
                "--no-cloudflare-proxied",
                "--cloudflare-dns-records-per-page=5000",
            ],
        ),
        (
            "rfc2136",
            json!({ "host": ["10.0.0.53"], "port": 53, "zone": "mesh.example.com" }),
            vec![],
        ),
    ] {
        let given =
            json!({ "provider": provider, "settings": settings, "args": ["--interval=10s"] });
        if provider == "rfc2136" {
            let found = check(&document(&given), &Facts::default()).findings;
            assert_eq!(
                found[0].path, "spec.dns.externalDns.settings.zone",
                "a list is wanted: {found:#?}"
            );
            continue;
        }
        let mut desired = desired;
        desired.push("--interval=10s");
        assert_eq!(arguments(&given), desired);
    }
    let coredns = container(
        &json!({ "provider": "coredns", "settings": { "etcdUrls": ["http://etcd-0:2379", "http://etcd-1:2379"] } }),
    );
    assert_eq!(
        coredns["env"],
        json!([{ "name": "ETCD_URLS", "value": "http://etcd-0:2379,http://etcd-1:2379" }])
    );
}

#[test]
fn credentials_are_a_file_of_a_secret() {
    let google = rendered(
        &json!({ "provider": "google", "credentials": { "secret": "dns-admin" } }),
        "Deployment",
    );
    let pod = &Value::Object(google.body)["spec"]["template"]["spec"];
    let path = "/etc/external-dns/credentials/credentials.json";
    assert_eq!(
        pod["containers"][0]["env"],
        json!([{ "name": "GOOGLE_APPLICATION_CREDENTIALS", "value": path }])
    );
    assert_eq!(
        pod["containers"][0]["volumeMounts"][0]["mountPath"],
        "/etc/external-dns/credentials"
    );
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], "dns-admin");
    let azure = arguments(
        &json!({ "provider": "azure", "credentials": { "secret": "azure", "key": "config.json" } }),
    );
    assert_eq!(
        azure,
        ["--azure-config-file=/etc/external-dns/credentials/config.json"]
    );
}

#[test]
fn identities_that_clouds_lend() {
    let given = json!({
        "provider": "aws", "policy": "upsert-only",
        "serviceAccountAnnotations": { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/dns" },
        "podLabels": { "azure.workload.identity/use": "true", "app": "other" },
    });
    let account = rendered(&given, "ServiceAccount");
    assert_eq!(
        account.annotations["eks.amazonaws.com/role-arn"],
        "arn:aws:iam::1:role/dns"
    );
    let deployment = Value::Object(rendered(&given, "Deployment").body);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        (&labels["azure.workload.identity/use"], &labels["app"]),
        (&json!("true"), &json!("external-dns"))
    );
    assert!(
        container(&given)["args"]
            .as_array()
            .unwrap()
            .contains(&json!("--policy=upsert-only"))
    );
}

#[test]
fn slips_are_found_where_they_are() {
    for (given, code, path) in [
        (
            json!({ "provider": "aws", "settings": { "project": "x" } }),
            "FM0409",
            "settings.project",
        ),
        (
            json!({ "provider": "google", "settings": { "zoneVisibility": "secret" } }),
            "FM0410",
            "settings.zoneVisibility",
        ),
        (
            json!({ "provider": "linode", "settings": { "a": 1 } }),
            "FM0313",
            "settings",
        ),
        (
            json!({ "provider": "rfc2136", "settings": { "tsigSecret": "x" } }),
            "FM0409",
            "settings.tsigSecret",
        ),
        (
            json!({ "provider": "aws", "settings": { "zoneType": "public" }, "args": ["--aws-zone-type=private"] }),
            "FM0308",
            "settings.zoneType",
        ),
        (
            json!({ "provider": "cloudflare", "credentials": { "secret": "x" } }),
            "FM0313",
            "credentials",
        ),
        (
            json!({ "provider": "google", "credentials": { "secret": "X" } }),
            "FM0101",
            "credentials.secret",
        ),
        (
            json!({ "provider": "google", "credentials": { "secret": "x", "key": "../x" } }),
            "FM0410",
            "credentials.key",
        ),
    ] {
        let findings = check(&document(&given), &Facts::default()).findings;
        let errors: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert_eq!(errors.len(), 1, "{given}: {errors:#?}");
        assert_eq!(
            (errors[0].code.as_str(), errors[0].path.as_str()),
            (code, format!("spec.dns.externalDns.{path}").as_str())
        );
    }
}

fn found(external_dns: &Value, code: &str) -> Vec<(Severity, String)> {
    let findings = check(&document(external_dns), &Facts::default()).findings;
    let findings = findings.into_iter().filter(|finding| finding.code == code);
    findings.map(|one| (one.severity, one.path)).collect()
}

#[test]
fn the_domain_filter_is_the_hosted_zone() {
    let filter = |external_dns: &Value| {
        let container = container(external_dns);
        let arguments = container["args"].as_array().unwrap().iter();
        let mut arguments = arguments.filter_map(Value::as_str);
        let filter = arguments.find_map(|argument| argument.strip_prefix("--domain-filter="));
        filter.unwrap().to_owned()
    };
    let google = |zone: &str| json!({ "provider": "google", "zone": zone });
    assert_eq!(filter(&json!({ "provider": "google" })), "mesh.example.com");
    for zone in ["mesh.example.com", "example.com"] {
        assert_eq!(filter(&google(zone)), zone);
        assert!(found(&google(zone), "FM0315").is_empty());
    }
    let path = "spec.dns.externalDns.zone".to_owned();
    for zone in [
        "other.example.com",
        "sub.mesh.example.com",
        "ample.com",
        "",
        "a b",
    ] {
        let findings = found(&google(zone), "FM0315");
        assert_eq!(findings, [(Severity::Error, path.clone())], "{zone:?}");
    }
}

#[test]
fn a_deep_suffix_at_a_provider_that_searches_its_zones_is_a_hint() {
    let found = |external_dns: &Value, code: &str| {
        let mut deep = document(external_dns);
        deep.spec.dns.suffix = "mesh.corp.example.com".to_owned();
        let findings = check(&deep, &Facts::default()).findings;
        let findings = findings.into_iter().filter(|finding| finding.code == code);
        findings
            .map(|one| (one.severity, one.path))
            .collect::<Vec<_>>()
    };
    let hint = (Severity::Hint, "spec.dns.externalDns.zone".to_owned());
    for provider in ["google", "aws", "azure", "azure-private-dns", "cloudflare"] {
        let findings = found(&json!({ "provider": provider }), "FM0315");
        assert_eq!(
            findings.as_slice(),
            std::slice::from_ref(&hint),
            "{provider}"
        );
    }
    for other in [
        json!({ "provider": "rfc2136" }),
        json!({ "provider": "coredns" }),
        json!({ "provider": "aws", "settings": { "zoneMatchParent": true } }),
    ] {
        assert!(found(&other, "FM0315").is_empty(), "{other}");
    }
    // A zone of its own, as far as its name tells.
    let short = check(
        &document(&json!({ "provider": "google" })),
        &Facts::default(),
    );
    assert!(short.findings.iter().all(|one| one.code != "FM0315"));
}

#[test]
fn arguments_that_leave_out_records_are_refused_with_sync() {
    let path = "spec.dns.externalDns.args[1]".to_owned();
    for flag in [
        "annotation-filter=a=b",
        "label-filter=a=b",
        "exclude-domains=a.mesh.example.com",
        "exclude-record-types=A",
        "exclude-target-net=10.0.0.0/8",
        "target-net-filter=10.0.0.0/8",
        "regex-domain-filter=.*",
        "regex-domain-exclusion=.*",
        "default-targets=10.0.0.1",
        "force-default-targets",
    ] {
        let args = json!(["--interval=10s", format!("--{flag}")]);
        let sync = json!({ "provider": "rfc2136", "args": args });
        assert_eq!(found(&sync, "FM0316"), [(Severity::Error, path.clone())]);
        let upsert = json!({ "provider": "rfc2136", "policy": "upsert-only", "args": args });
        assert_eq!(
            found(&upsert, "FM0316"),
            [(Severity::Warning, path.clone())]
        );
    }
    // fedmesh sets this one itself.
    let own = json!({ "provider": "rfc2136", "args": ["--managed-record-types=A"] });
    assert_eq!(found(&own, "FM0308").len(), 1);
}
