//! The commands that put a bundle into its repository.

use crate::engine::{ArchiveFile, Commands, Step};
use crate::resolved::Resolved;
use crate::text::shell::word;

/// What a bundle has in its folder.
const PARTS: [&str; 5] = ["argocd", "base", "clusters", "flux", "mesh.yaml"];

pub(super) fn of(resolved: &Resolved, archive: &ArchiveFile<'_>) -> Commands {
    let Some(gitops) = &resolved.gitops else {
        return Commands::default();
    };
    let inside = |part: &str| word(&format!("{}{part}", gitops.path)).into_owned();
    let parts = PARTS.map(inside).join(" ");
    let folder = if gitops.path.is_empty() {
        ".".to_owned()
    } else {
        inside("")
    };
    let name = word(archive.name);
    let message = word(&format!("Update the mesh {}", resolved.name)).into_owned();
    let commit = vec![
        // Files that the bundle no longer has.
        format!("git rm -r --quiet --ignore-unmatch {parts}"),
        format!("unzip -o {name} -d {folder}"),
        format!("git add {parts}"),
        format!("git commit -m {message}"),
        "git push".to_owned(),
    ];
    let argo_cd = vec![format!(
        "kubectl --context ARGO_CD apply -f {}",
        inside("argocd/")
    )];
    let flux = archive.clusters.iter().map(|cluster| {
        let file = inside(&format!("flux/{}.yaml", cluster.name));
        format!(
            "kubectl --context {} apply -f {file}",
            word(cluster.context)
        )
    });
    Commands {
        steps: vec![
            Step::new(
                format!(
                    "In a clone of {}, branch {}",
                    gitops.repo_url, gitops.branch
                ),
                commit,
            ),
            Step::new("Once, with Argo CD: in its cluster", argo_cd),
            Step::new("Or once, with Flux: in each cluster", flux.collect()),
            Step::new(
                "When the clusters are up to date",
                vec![format!("fedmesh-agent verify -f {name}")],
            ),
        ],
        note: String::new(),
    }
}
