//! `gitops`: a folder for a Git repository, from which Argo CD or Flux apply it.
//!
//! ```text
//! base/                  the objects of all clusters, as in the first one
//! clusters/<name>/       an overlay: the base, objects of some clusters only, and patches (RFC 6902)
//! argocd/                an ApplicationSet, for the cluster with Argo CD
//! flux/<name>.yaml       a GitRepository and a Kustomization, for the Flux of each cluster
//! ```
//! An overlay builds the objects that `direct` has for the cluster, marked where they must not be pruned.

mod commands;
mod expand;

use serde_json::{Value, json};

use super::delivered::own_kind;
use super::{
    ArchiveFile, Commands, Content, Delivered, Delivery, Description, Engine, File, by_file, direct,
};
use crate::findings::{Findings, code};
use crate::kubernetes::ignore::{IgnoreRule, KINDS};
use crate::kubernetes::object::{Object, Wave};
use crate::kubernetes::ownership;
use crate::manifests::{Budget, Expanded, Given, TooManyCopies};
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::skeleton;
use crate::resolved::{self, Resolved};

const KUSTOMIZATION: &str = "kustomization.yaml";
const ARGO_CD_NAMESPACE: &str = "argocd";
const FLUX_NAMESPACE: &str = "flux-system";
/// Annotations that keep Argo CD and Flux from deleting an object that leaves the repository.
const KEEP: [(&str, &str); 2] = [
    (
        "argocd.argoproj.io/sync-options",
        "Prune=false,Delete=false",
    ),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
];

pub(super) struct Gitops;

impl Engine for Gitops {
    fn description() -> Description {
        Description {
            destination: "a folder for Git",
            delivery: Delivery::Repository,
            kinds: &[],
            publisher: None,
        }
    }

    /// Built from an overlay.
    fn deliver(&self, _: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
        direct::deliver(placed, cluster)
    }

    fn files(&self, resolved: &Resolved, placed: &[Placed], cluster: usize) -> Vec<File> {
        let folder = overlay_path(resolved.clusters[cluster].name.as_str());
        let (base, own): (Vec<&Placed>, Vec<&Placed>) =
            placed.iter().partition(|one| is_shared(one, resolved));
        let own = direct::deliver(own, cluster);
        let resources = if base.is_empty() {
            Vec::new()
        } else {
            vec!["../../base".to_owned()]
        };
        let patches = base.into_iter().filter_map(|one| {
            let operations: Vec<Value> = one
            .differences
            .get(&cluster)?
            .iter()
            .map(|difference| {
                json!({ "op": "replace", "path": difference.pointer(), "value": difference.value })
            })
            .collect();
            Some((&one.template, operations.into()))
        });
        kustomization(&folder, resources, own, patches.collect())
    }

    fn common_files(&self, resolved: &Resolved, placed: &[Placed]) -> Vec<File> {
        let base = placed.iter().filter(|one| is_shared(one, resolved));
        let base = base.map(|one| Delivered {
            subject: one.subject.clone(),
            origin: one.origin,
            object: one.template.clone(),
        });
        let mut parts = kustomization("base", Vec::new(), base.collect(), Vec::new());
        let clusters: Vec<&str> = (0..resolved.clusters.len())
            .filter(|index| placed.iter().any(|one| one.clusters.contains(index)))
            .map(|index| resolved.clusters[index].name.as_str())
            .collect();
        // The checks ensure that it is set.
        let Some(gitops) = &resolved.gitops else {
            return parts;
        };
        if !clusters.is_empty() {
            parts.push(File::of_one(
                "argocd/applicationset.yaml".to_owned(),
                Origin::Gitops,
                vec![application_set(resolved, gitops, &clusters)],
            ));
        }
        parts.extend(clusters.iter().map(|cluster| {
            let objects = flux(resolved, gitops, cluster);
            File::of_one(format!("flux/{cluster}.yaml"), Origin::Gitops, objects)
        }));
        parts
    }

    fn commands(&self, resolved: &Resolved, archive: &ArchiveFile<'_>) -> Commands {
        commands::of(resolved, archive)
    }

    fn limits(&self, resolved: &Resolved, findings: &mut Findings) {
        if !resolved.dns.nameservers.is_empty() {
            findings.warning(
                code::CLUSTER_DNS_BY_HAND,
                "spec.dns.nameservers",
                "the cluster DNS configuration differs between clusters, so a repository cannot contain the forwarding"
                    .into(),
                "add the forwarding of the zone to the DNS of each cluster by hand".into(),
            );
        }
        if !resolved.ignore.is_empty() {
            findings.hint(
                code::NOT_IGNORED_BY_FLUX,
                "spec.ignore",
                "the ApplicationSet for Argo CD contains the ignored fields, but the Kustomizations for Flux do not"
                    .into(),
                "add the fields to `spec.ignore` of the Kustomization with Flux 2.9 or later; earlier versions \
                 cannot ignore fields"
                    .into(),
            );
        }
    }

    fn expand(
        &self,
        given: &mut Given,
        budget: &mut Budget,
        findings: &mut Findings,
    ) -> Result<Option<Expanded>, TooManyCopies> {
        expand::expand(given, budget, findings)
    }
}

/// Marks objects on which others may depend, whatever tool applies them.
fn keep(object: &mut Object) {
    if object.kind.is_never_deleted() {
        let marks = KEEP.map(|(key, value)| (key.to_owned(), value.to_owned()));
        object.annotations.extend(marks);
    }
}

fn overlay_path(cluster: &str) -> String {
    format!("clusters/{cluster}")
}

fn is_shared(placed: &Placed, resolved: &Resolved) -> bool {
    placed.clusters.len() == resolved.clusters.len()
}

/// A folder that kustomize builds, with its files; empty if there is nothing to build.
fn kustomization(
    folder: &str,
    mut resources: Vec<String>,
    delivered: Vec<Delivered>,
    mut patches: Vec<(&Object, Value)>,
) -> Vec<File> {
    let mut parts = Vec::new();
    for ((wave, subject), mut delivered) in by_file(delivered) {
        let file = format!("{}-{subject}.yaml", wave.number());
        for one in &mut delivered {
            keep(&mut one.object);
        }
        parts.push(File::new(format!("{folder}/{file}"), delivered));
        resources.push(file);
    }
    if resources.is_empty() {
        return parts;
    }
    let mut body = skeleton(
        r#"{"apiVersion":"kustomize.config.k8s.io/v1beta1","kind":"Kustomization","resources":[]}"#,
    );
    body["resources"] = resources.into();
    let mut listed = Vec::new();
    // Independent of the document's order.
    patches.sort_by_key(|(object, _)| object.key());
    for (object, operations) in patches {
        let kind = object.kind.kind.to_ascii_lowercase();
        // Sidecars have one name in all namespaces.
        let namespace = object.namespace.iter().flat_map(|one| [one.as_str(), "."]);
        let namespace: String = namespace.collect();
        let file = format!("patch-{kind}-{namespace}{}.yaml", object.name);
        listed.push(json!({ "path": file, "target": target(object) }));
        parts.push(kustomize(format!("{folder}/{file}"), operations));
    }
    if !listed.is_empty() {
        body["patches"] = listed.into();
    }
    parts.insert(0, kustomize(format!("{folder}/{KUSTOMIZATION}"), body));
    parts
}

fn kustomize(path: String, value: Value) -> File {
    File {
        path,
        content: Content::Kustomize(value),
        origins: Vec::new(),
    }
}

/// The object of a patch. Kustomize reads the name as a regular expression.
fn target(object: &Object) -> Value {
    json!({
        "group": object.kind.group,
        "kind": object.kind.kind,
        "name": object.name.replace('.', "\\."),
        "namespace": object.namespace,
    })
}

fn own(
    resolved: &Resolved,
    api: &'static str,
    kind: &'static str,
    namespace: &str,
    body: Value,
) -> Object {
    let plural = format!("{}s", kind.to_ascii_lowercase());
    let kind = own_kind(api, kind, plural, Wave::Istio);
    let name = ownership::object_name(resolved.name.as_str());
    ownership::label(
        Object::new(kind, Some(namespace), name, body),
        &resolved.name,
    )
}

/// One Application for each cluster, by the cluster's name in Argo CD.
fn application_set(resolved: &Resolved, gitops: &resolved::Gitops, clusters: &[&str]) -> Object {
    let mut body = skeleton(
        r#"{"spec":{"goTemplate":true,"goTemplateOptions":["missingkey=error"],
        "generators":[{"list":{"elements":[]}}],
        "template":{"metadata":{"name":""},"spec":{"project":"default",
        "source":{"repoURL":"","targetRevision":"","path":""},"destination":{"name":"{{.cluster}}"},
        "syncPolicy":{"automated":{"prune":true,"selfHeal":true},
        "syncOptions":["SkipDryRunOnMissingResource=true"]}}}}}"#,
    );
    let elements: Vec<Value> = clusters
        .iter()
        .map(|name| json!({ "cluster": name }))
        .collect();
    body["spec"]["generators"][0]["list"]["elements"] = elements.into();
    let template = &mut body["spec"]["template"];
    let name = ownership::object_name(resolved.name.as_str());
    template["metadata"]["name"] = format!("{name}-{{{{.cluster}}}}").into();
    if !resolved.ignore.is_empty() {
        let ignored: Vec<Value> = resolved
            .ignore
            .iter()
            .flat_map(ignore_differences)
            .collect();
        template["spec"]["ignoreDifferences"] = ignored.into();
        // Without this option every sync undoes them.
        if let Some(options) = template["spec"]["syncPolicy"]["syncOptions"].as_array_mut() {
            options.push("RespectIgnoreDifferences=true".into());
        }
    }
    let source = &mut template["spec"]["source"];
    source["repoURL"] = gitops.repo_url.as_str().into();
    source["targetRevision"] = gitops.branch.as_str().into();
    source["path"] = format!("{}{}", gitops.path, overlay_path("{{.cluster}}")).into();
    own(
        resolved,
        "argoproj.io/v1alpha1",
        "ApplicationSet",
        ARGO_CD_NAMESPACE,
        body,
    )
}

/// An ignored field in Argo CD's form, for each group that has the kind.
fn ignore_differences(rule: &IgnoreRule) -> Vec<Value> {
    let groups = KINDS.iter().find(|(kind, _)| *kind == rule.kind);
    let groups = groups.map_or(&[][..], |(_, groups)| groups);
    let pointers: Vec<String> = rule.fields.iter().map(ToString::to_string).collect();
    groups
        .iter()
        .map(|group| {
            let mut one = json!({ "group": group, "kind": rule.kind, "jsonPointers": pointers });
            for (field, value) in [("namespace", &rule.namespace), ("name", &rule.name)] {
                if let Some(value) = value {
                    one[field] = value.as_str().into();
                }
            }
            one
        })
        .collect()
}

/// The Flux objects that point a cluster to its overlay.
fn flux(resolved: &Resolved, gitops: &resolved::Gitops, cluster: &str) -> Vec<Object> {
    let mut source = skeleton(r#"{"spec":{"interval":"5m","url":"","ref":{"branch":""}}}"#);
    source["spec"]["url"] = gitops.repo_url.as_str().into();
    source["spec"]["ref"]["branch"] = gitops.branch.as_str().into();
    if let Some(secret) = &gitops.secret {
        source["spec"]["secretRef"] = json!({ "name": secret.as_str() });
    }
    let mut apply = skeleton(
        r#"{"spec":{"interval":"10m","path":"","prune":true,"sourceRef":{"kind":"GitRepository","name":""}}}"#,
    );
    apply["spec"]["path"] = format!("./{}{}", gitops.path, overlay_path(cluster)).into();
    apply["spec"]["sourceRef"]["name"] = ownership::object_name(resolved.name.as_str()).into();
    vec![
        own(
            resolved,
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            FLUX_NAMESPACE,
            source,
        ),
        own(
            resolved,
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            FLUX_NAMESPACE,
            apply,
        ),
    ]
}
