//! Rules about `spec.gitops`.

use super::{Findings, code};
use crate::defaults;
use crate::mesh::{Gitops, Spec};
use crate::resolved;

/// The repository, if it is set and valid.
pub(super) fn check(spec: &Spec, findings: &mut Findings) -> Option<resolved::Gitops> {
    match &spec.gitops {
        Some(given) => repository(given, findings),
        None if spec.target.unwrap_or_default().is_applied_by_others() => {
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
