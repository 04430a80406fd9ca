//! The fields of the mesh's name, of `spec.dns` and of `spec.endpoints`.

use super::field::{option, select_field, text_field};
use crate::browser::dom::{El, el, el_in, text};
use crate::browser::signals::*;
use crate::form::field::Field;
use crate::state::Store;

/// Suggested providers; ExternalDNS has more.
const PROVIDERS: [&str; 8] = [
    "aws",
    "azure",
    "cloudflare",
    "coredns",
    "google",
    "ovh",
    "pdns",
    "rfc2136",
];

/// Values of the field of levels, with their labels.
const LEVELS: [(&str, &str); 8] = [
    ("", "global, region, zone"),
    ("global, zone", "global, zone"),
    ("global, region", "global, region"),
    ("global", "global"),
    (
        "global, region, zone, cluster",
        "global, region, zone, cluster",
    ),
    ("global, zone, cluster", "global, zone, cluster"),
    ("global, region, cluster", "global, region, cluster"),
    ("global, cluster", "global, cluster"),
];

pub(crate) fn dns_form(store: Store) -> El {
    let naming = || two(["service", "gateway"]);
    let endpoints = || two(["names", "addresses"]);
    let levels = || {
        LEVELS
            .map(|(value, words)| (value.to_owned(), words.to_owned()))
            .into()
    };
    let names = memo(move || {
        store.with(|mesh| {
            mesh.spec
                .clusters
                .iter()
                .map(|c| c.name.clone() + "\n")
                .collect::<String>()
        })
    });
    let clusters = move || cluster_options(&names.get());
    let fields = el_in("div", "fields")
        .all(text_field(store, Field::MeshName, "w3 whole", ""))
        .all(text_field(store, Field::Suffix, "w5", ""))
        .all(text_field(store, Field::Federation, "w2", ""))
        .all(text_field(store, Field::Ttl, "w2", ""))
        .all(select_field(store, Field::Naming, "w4", naming))
        .all(select_field(store, Field::Levels, "w4", levels))
        .all(select_field(store, Field::Endpoints, "w4", endpoints))
        .all(select_field(store, Field::DnsCluster, "w4", clusters))
        .all(text_field(store, Field::Provider, "w4", "providers"))
        .all(text_field(store, Field::OwnerId, "w4", ""));
    el("section")
        .attr("aria-labelledby", "heading-dns")
        .add(text("h2", "DNS").id("heading-dns"))
        .add(fields)
        .add(
            el("datalist")
                .id("providers")
                .all(PROVIDERS.map(|name| option(name, "", false))),
        )
}

/// Two options whose labels are their values.
fn two(words: [&str; 2]) -> Vec<(String, String)> {
    words.map(|word| (word.to_owned(), word.to_owned())).into()
}

/// The clusters as options, from names with one a line; the default first.
fn cluster_options(names: &str) -> Vec<(String, String)> {
    let first = names.lines().next().unwrap_or_default();
    let default = if first.is_empty() {
        "the first".to_owned()
    } else {
        format!("{first} (first)")
    };
    let mut options = vec![(String::new(), default)];
    for name in names.lines().filter(|name| !name.is_empty()) {
        options.push((name.to_owned(), name.to_owned()));
    }
    options
}
