//! Denied permissions, for display.

use std::collections::{BTreeMap, BTreeSet};

use super::Permission;

/// `cannot create, patch virtualservices.networking.istio.io in namespace shop; cannot …`, sorted. Verbs
/// on the same objects are joined, and so are namespaces.
pub fn denials<'a>(denied: impl IntoIterator<Item = &'a Permission>) -> String {
    let mut verbs: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for one in denied {
        let on = (resource(one), one.name.as_deref(), one.namespace.as_deref());
        verbs.entry(on).or_default().insert(&one.verb);
    }
    let mut namespaces: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for ((resource, name, namespace), verbs) in verbs {
        let is_everywhere = namespace.is_none();
        let places = namespaces.entry((resource, name, is_everywhere, verbs));
        places.or_default().extend(namespace);
    }
    let parts: Vec<String> = namespaces
        .into_iter()
        .map(|((resource, name, _, verbs), namespaces)| {
            let verbs = joined(verbs);
            let name = name.map_or_else(String::new, |name| format!(" \"{name}\""));
            let within = match namespaces.len() {
                0 => String::new(),
                1 => format!(" in namespace {}", joined(namespaces)),
                _ => format!(" in namespaces {}", joined(namespaces)),
            };
            format!("cannot {verbs} {resource}{name}{within}")
        })
        .collect();
    parts.join("; ")
}

fn joined(words: BTreeSet<&str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// `virtualservices.networking.istio.io`, or `pods/exec` in the core group.
fn resource(permission: &Permission) -> String {
    if permission.group.is_empty() {
        return permission.resource.to_string();
    }
    match permission.resource.split_once('/') {
        Some((resource, below)) => format!("{resource}.{}/{below}", permission.group),
        None => format!("{}.{}", permission.resource, permission.group),
    }
}
