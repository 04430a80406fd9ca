//! Rules about `spec.target` and settings of single engines.

use super::{Findings, code, external_dns};
use crate::defaults;
use crate::mesh::{Gitops, Spec, Target};
use crate::render::dns_endpoint::controller_publishes;
use crate::render::makes_namespace as makes;
use crate::render::sidecar::called;
use crate::resolved::{self, Resolved};

const PATH: &str = "spec.target";

/// The repository, if it is set and valid.
pub(super) fn check(spec: &Spec, findings: &mut Findings) -> Option<resolved::Gitops> {
    match &spec.gitops {
        Some(given) => repository(given, findings),
        None if spec.target == Some(Target::Gitops) => {
            findings.error(
                code::BAD_REPOSITORY,
                "spec.gitops.repoURL",
                "the URL of the Git repository is missing".into(),
                "set the URL of the repository for the manifests, such as https://git.example.com/platform/mesh.git".into(),
            );
            None
        }
        None => None,
    }
}

fn repository(given: &Gitops, findings: &mut Findings) -> Option<resolved::Gitops> {
    let url = url(&given.repo_url, findings);
    let path = given.path.as_deref().unwrap_or_default();
    let path = path.trim_start_matches("./").trim_matches('/');
    let path_good = path.is_empty() || path.split('/').all(is_plain);
    if !path_good {
        findings.error(
            code::BAD_REPOSITORY,
            "spec.gitops.path",
            format!("{:?} is not a valid path of a folder in a repository", given.path.as_deref().unwrap_or_default()),
            "use a path such as clusters/mesh, with letters, digits, dots, hyphens and underscores, without `..`".into(),
        );
    }
    let branch = given.branch.as_deref().unwrap_or(defaults::DEFAULT_BRANCH);
    let branch_good = branch.split('/').all(is_plain);
    if !branch_good {
        findings.error(
            code::BAD_REPOSITORY,
            "spec.gitops.branch",
            format!("{branch:?} is not a valid name of a branch"),
            "use a branch such as main".into(),
        );
    }
    let secret = match &given.secret {
        None => None,
        Some(text) => Some(findings.secret("spec.gitops.secret", text, "Flux's namespace")?),
    };
    Some(resolved::Gitops {
        repo_url: url?,
        path: match path_good.then_some(path)? {
            "" => String::new(),
            path => format!("{path}/"),
        },
        branch: branch_good.then(|| branch.to_owned())?,
        secret,
    })
}

/// A part of a path or of a branch that needs no quoting anywhere.
fn is_plain(part: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !part.is_empty() && part.chars().all(known) && !part.starts_with('.') && !part.starts_with('-')
}

/// A URL that both Argo CD and Flux accept.
fn url(text: &str, findings: &mut Findings) -> Option<String> {
    let rest = ["https://", "http://", "ssh://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_url = rest.is_some_and(|rest| !rest.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}'));
    if is_url {
        return Some(text.to_owned());
    }
    findings.error(
        code::BAD_REPOSITORY,
        "spec.gitops.repoURL",
        format!("{text:?} is not the URL of a Git repository"),
        "use https://… or ssh://…, such as ssh://git@git.example.com/platform/mesh.git".into(),
    );
    None
}

/// Limits of an engine, and unexpected behavior.
pub(super) fn check_limits(resolved: &Resolved, findings: &mut Findings) {
    match resolved.target {
        Target::Direct | Target::Ocm => {}
        Target::KubefedV1Alpha1 if controller_publishes(resolved) => {
            findings.hint(
                code::FEDERATION_NODE_LABELS,
                PATH,
                "the federation controller reads region and zone from failure-domain.beta.kubernetes.io labels of nodes"
                    .into(),
                "add these labels to the nodes; without them, the names have no region and zone".into(),
            );
            external_dns::check_version(resolved, findings);
        }
        Target::KubefedV1Alpha1 => {
            if !resolved.services.is_empty() {
                findings.hint(
                    code::FEDERATION_RECORDS,
                    "spec.dns.naming",
                    "the federation controller names records by the gateway only, so fedmesh renders the records itself"
                        .into(),
                    "use `naming: gateway` if the controller should publish the records".into(),
                );
            }
        }
        Target::KubefedV1Beta1 => namespaces(resolved, findings),
        Target::Karmada => findings.hint(
            code::KARMADA_API_SERVER,
            PATH,
            format!(
                "all objects are applied to Karmada's API server, with the context of `{}`",
                resolved.clusters[resolved.dns.cluster].name
            ),
            "set the context of that cluster to Karmada's, and set the address of its gateway; or apply the \
             bundle with kubectl"
                .into(),
        ),
        Target::Gitops => {
            if !resolved.dns.nameservers.is_empty() {
                findings.warning(
                    code::CLUSTER_DNS_BY_HAND,
                    "spec.dns.nameservers",
                    "the cluster DNS configuration differs between clusters, so a repository cannot contain the forwarding"
                        .into(),
                    "add the forwarding of the zone to the DNS of each cluster by hand".into(),
                );
            }
        }
    }
}

/// KubeFed overwrites the labels of a namespace that it takes over, including `istio-injection` (v0.10.0,
/// `pkg/controller/sync/dispatch/{managed,retain}.go`).
fn namespaces(resolved: &Resolved, findings: &mut Findings) {
    let mut there: Vec<&str> = Vec::new();
    for service in &resolved.services {
        // The namespace of its VirtualService, the Gateways, and the entries of its names.
        there.push(defaults::ISTIO_NAMESPACE);
        let locals = service.locals().into_keys();
        there.extend(locals.map(|(namespace, _)| namespace.as_str()));
        let gateways = service.clusters.iter();
        there.extend(gateways.map(|&at| {
            service
                .gateway_of(&resolved.clusters[at])
                .namespace
                .as_str()
        }));
    }
    for host in &resolved.external {
        there.push(defaults::ISTIO_NAMESPACE);
        if host.by_egress_gateway {
            let gateways = host.clusters.iter();
            let gateways = gateways.filter_map(|&at| resolved.clusters[at].egress_gateway.as_ref());
            there.extend(gateways.map(|gateway| gateway.namespace.as_str()));
        }
    }
    if resolved.sidecars.is_some() {
        let clusters = 0..resolved.clusters.len();
        there.extend(clusters.flat_map(|index| called(index, resolved).into_keys()));
    }
    // It skips the first of these; the others are created.
    there.retain(|name| *name != defaults::DEFAULT_NAMESPACE && !makes(name, resolved));
    there.sort_unstable();
    there.dedup();
    if !there.is_empty() {
        findings.warning(
            code::KUBEFED_NAMESPACES,
            PATH,
            format!(
                "KubeFed takes over existing namespaces and overwrites their labels: {}",
                there.join(", ")
            ),
            "run `kubectl label namespace NAME kubefed.io/managed=false` in each member before you apply".into(),
        );
    }
}
