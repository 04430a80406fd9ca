//! What only one engine needs, or does otherwise.

use serde_json::{Value, json};
use shared::check::{Severity, code};

use super::{document, expect, findings, set};

#[test]
fn gitops_needs_a_repository() {
    expect(
        "/spec/target",
        json!("gitops"),
        code::BAD_REPOSITORY,
        Severity::Error,
        "spec.gitops.repoURL",
    );
    let mut good = document();
    set(&mut good, "/spec/target", json!("gitops"));
    for url in [
        "https://git.example.com/platform/mesh.git",
        "ssh://git@git.example.com/platform/mesh",
        "http://10.0.0.7:3000/mesh",
    ] {
        set(
            &mut good,
            "/spec/gitops",
            json!({ "repoURL": url, "path": "./a/b.c/", "branch": "release/1.2" }),
        );
        assert_eq!(findings(&good), [], "{url}");
    }
}

#[test]
fn a_repository_is_one_that_argo_cd_and_flux_take() {
    for url in [
        "",
        "https://",
        "git@git.example.com:platform/mesh.git",
        "git.example.com/mesh",
        "https://git.example.com/a b",
        "https://git.example.com/{{.cluster}}",
    ] {
        repository(json!({ "repoURL": url }), "spec.gitops.repoURL");
    }
    for url in [
        "https://token@git.example.com/mesh",
        "https://user:secret@git.example.com/mesh",
        "ssh://git:secret@git.example.com/mesh",
    ] {
        expect(
            "/spec/gitops",
            json!({ "repoURL": url }),
            code::CREDENTIAL,
            Severity::Error,
            "spec.gitops.repoURL",
        );
    }
    let with = |field: &str, value: &str| {
        let mut repository = json!({ "repoURL": "https://git.example.com/mesh" });
        repository[field] = json!(value);
        repository
    };
    for path in ["../up", "a//b", "a/../b", "a b", ".git", "{{x}}"] {
        repository(with("path", path), "spec.gitops.path");
    }
    for branch in ["", "a b", "-x", "a//b"] {
        repository(with("branch", branch), "spec.gitops.branch");
    }
    expect(
        "/spec/gitops",
        with("secret", "No Secret"),
        code::NOT_A_LABEL,
        Severity::Error,
        "spec.gitops.secret",
    );
}

#[track_caller]
fn repository(value: Value, path: &str) -> String {
    expect(
        "/spec/gitops",
        value,
        code::BAD_REPOSITORY,
        Severity::Error,
        path,
    )
    .message
}

#[test]
fn a_repository_carries_no_change_to_a_clusters_own_dns() {
    let mut document = document();
    set(&mut document, "/spec/dns/nameservers", json!(["10.0.0.53"]));
    set(
        &mut document,
        "/spec/gitops",
        json!({ "repoURL": "https://git.example.com/mesh" }),
    );
    assert_eq!(findings(&document), []);
    set(&mut document, "/spec/target", json!("gitops"));
    let found = findings(&document);
    assert_eq!(
        (found.len(), found[0].code.as_str(), found[0].severity),
        (1, code::CLUSTER_DNS_BY_HAND.id, Severity::Warning)
    );
}

#[test]
fn kubefed_names_the_namespaces_that_it_takes_over() {
    let found = expect(
        "/spec/target",
        json!("kubefed-v1beta1"),
        code::KUBEFED_NAMESPACES,
        Severity::Warning,
        "spec.target",
    );
    assert!(
        found.message.ends_with(": istio-system, shop"),
        "{}",
        found.message
    );
}

#[test]
fn karmada_is_no_cluster() {
    let found = expect(
        "/spec/target",
        json!("karmada"),
        code::KARMADA_API_SERVER,
        Severity::Hint,
        "spec.target",
    );
    assert!(found.message.contains("north"), "{}", found.message);
}
