//! The Git repository, from the configuration of Argo CD and Flux.

use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::DEFAULT_BRANCH;
use crate::manifests::field;
use crate::mesh::{Gitops, Ignore, Target};

/// The engine and `spec.gitops`, if the manifests come from a repository.
pub(super) fn find(world: &World, findings: &mut Findings) -> (Option<Target>, Option<Gitops>) {
    if !world.target.is_some_and(Target::is_applied_by_others) {
        return (world.target, None);
    }
    let found = flux(world).or_else(|| argo_cd(world));
    if found.is_none() {
        findings.warning(
            code::ASSUMED,
            "spec.target",
            "the manifests belong to a Git repository that they do not name".into(),
            "set `target: gitops` and `gitops`; without them, each cluster gets its own objects"
                .into(),
        );
    }
    (world.target.filter(|_| found.is_some()), found)
}

fn flux(world: &World) -> Option<Gitops> {
    let (_, source) = world.of_kind("GitRepository").next()?;
    let mut applies = world
        .of_kind("Kustomization")
        .filter(|(_, one)| one.group() == "kustomize.toolkit.fluxcd.io");
    let path = applies
        .next()
        .map(|(_, one)| field(&one.value, &["spec", "path"]));
    let spec = &source.value["spec"];
    gitops(
        spec["url"].as_str(),
        path.and_then(|path| path.as_str()),
        spec["ref"]["branch"].as_str(),
        spec["secretRef"]["name"].as_str(),
    )
}

fn argo_cd(world: &World) -> Option<Gitops> {
    let (_, set) = world.of_kind("ApplicationSet").next()?;
    let source = field(&set.value, &["spec", "template", "spec", "source"]);
    let text = |name: &str| source[name].as_str();
    gitops(text("repoURL"), text("path"), text("targetRevision"), None)
}

/// `spec.ignore`, from Argo CD's ignored differences.
pub(super) fn ignored(world: &World) -> Vec<Ignore> {
    let Some((_, set)) = world.of_kind("ApplicationSet").next() else {
        return Vec::new();
    };
    let differences = field(
        &set.value,
        &["spec", "template", "spec", "ignoreDifferences"],
    );
    let mut all: Vec<Ignore> = Vec::new();
    for one in differences.as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().map(str::to_owned);
        let pointers = one["jsonPointers"].as_array().into_iter().flatten();
        let fields: Vec<String> = pointers
            .filter_map(|pointer| pointer.as_str().map(str::to_owned))
            .collect();
        let Some(kind) = text("kind").filter(|_| !fields.is_empty()) else {
            continue;
        };
        let ignore = Ignore {
            kind,
            namespace: text("namespace"),
            name: text("name"),
            fields,
        };
        // A kind of two groups has two entries.
        if all.last() != Some(&ignore) {
            all.push(ignore);
        }
    }
    all
}

/// `path` is the overlay of a cluster.
fn gitops(
    url: Option<&str>,
    path: Option<&str>,
    branch: Option<&str>,
    secret: Option<&str>,
) -> Option<Gitops> {
    let path = path.unwrap_or_default().trim_start_matches("./");
    let (folder, _) = path.rsplit_once("clusters/").unwrap_or_default();
    let folder = folder.trim_matches('/');
    Some(Gitops {
        repo_url: url?.to_owned(),
        path: (!folder.is_empty()).then(|| folder.to_owned()),
        branch: branch
            .filter(|branch| *branch != DEFAULT_BRANCH)
            .map(str::to_owned),
        secret: secret.map(str::to_owned),
    })
}
