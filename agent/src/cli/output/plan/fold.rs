//! Created or deleted objects, one line per kind and namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use shared::plan::{Action, Plan};

use super::Detail;
use super::groups::{few, in_clusters};
use super::kinds::{Ambiguous, Kind};
use crate::cli::output::printable;

/// Most lines; beyond it, the namespaces of a kind share one.
const MOST_LINES: usize = 16;

/// Objects of one kind, and the clusters with the same objects.
pub(super) struct Fold<'a> {
    kind: String,
    /// Namespace and name; the namespace is empty for a cluster-scoped object.
    objects: Vec<(&'a str, &'a str)>,
    clusters: Vec<&'a str>,
}

/// Kind and namespace.
type Place<'a> = (Kind<'a>, &'a str);

/// Objects and clusters of a kind.
type OfKind<'a> = (BTreeSet<(&'a str, &'a str)>, BTreeSet<&'a str>);

/// The objects of an action, grouped.
pub(super) fn folds(plan: &Plan, action: Action) -> Vec<Fold<'_>> {
    let by_namespace = by_namespace(plan, action);
    if by_namespace.len() <= MOST_LINES {
        return by_namespace;
    }
    by_kind(by_namespace, plan)
}

fn by_namespace(plan: &Plan, action: Action) -> Vec<Fold<'_>> {
    let mut clusters_of: BTreeMap<(Place<'_>, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for cluster in &plan.clusters {
        let mut names: BTreeMap<Place<'_>, Vec<&str>> = BTreeMap::new();
        for step in cluster.steps.iter().filter(|step| step.action == action) {
            let object = &step.object;
            let place: Place<'_> = ((&object.kind, &object.group), &object.namespace);
            names.entry(place).or_default().push(&object.name);
        }
        for (place, mut names) in names {
            names.sort_unstable();
            let clusters = clusters_of.entry((place, names)).or_default();
            clusters.push(&cluster.name);
        }
    }
    let ambiguous = Ambiguous::of(plan);
    let folds = clusters_of.into_iter();
    folds
        .map(|(((kind, namespace), names), clusters)| Fold {
            kind: ambiguous.name(kind),
            objects: names.into_iter().map(|name| (namespace, name)).collect(),
            clusters,
        })
        .collect()
}

/// One group per kind, for all namespaces and clusters.
fn by_kind<'a>(folds: Vec<Fold<'a>>, plan: &'a Plan) -> Vec<Fold<'a>> {
    let mut all: BTreeMap<String, OfKind<'_>> = BTreeMap::new();
    for fold in folds {
        let (objects, clusters) = all.entry(fold.kind).or_default();
        objects.extend(fold.objects);
        clusters.extend(fold.clusters);
    }
    let in_order = |clusters: &BTreeSet<&str>| -> Vec<&'a str> {
        let names = plan.clusters.iter().map(|cluster| cluster.name.as_str());
        names.filter(|name| clusters.contains(name)).collect()
    };
    all.into_iter()
        .map(|(kind, (objects, clusters))| Fold {
            kind,
            objects: objects.into_iter().collect(),
            clusters: in_order(&clusters),
        })
        .collect()
}

impl Display for Fold<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let namespaces: BTreeSet<&str> = self.objects.iter().map(|(space, _)| *space).collect();
        write!(f, "{} {}", self.objects.len(), printable(&self.kind))?;
        let mut names: Vec<String> = Vec::new();
        match namespaces.len() {
            1 => names.extend(self.objects.iter().map(|(_, name)| (*name).to_owned())),
            count => {
                write!(f, " in {count} namespaces")?;
                let full = |(space, name): &(&str, &str)| format!("{space}/{name}");
                names.extend(self.objects.iter().map(full));
            }
        }
        if let (1, Some(space)) = (namespaces.len(), namespaces.first())
            && !space.is_empty()
        {
            write!(f, " in namespace {}", printable(space))?;
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let names = few(&names, Detail::Folded);
        let clusters = in_clusters(&self.clusters, Detail::Folded);
        write!(f, ": {}, {}", printable(&names), printable(&clusters))
    }
}
