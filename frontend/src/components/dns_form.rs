//! The mesh's name and `spec.dns`.

use super::field::{option, select_field, text_field};
use crate::dom::{El, el, el_in, text};
use crate::field::Field;
use crate::signals::*;
use crate::state::Store;

/// Some of those that ExternalDNS knows.
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

/// Levels of names as texts of the field, and in words.
const LEVELS: [(&str, &str); 4] = [
    ("", "global, region, zone"),
    ("global, zone", "global, zone"),
    ("global, region", "global, region"),
    ("global", "global"),
];

pub(crate) fn dns_form(store: Store) -> El {
    let naming = || {
        ["service", "gateway"]
            .map(|word| (word.to_owned(), word.to_owned()))
            .into()
    };
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
        .add(text_field(store, Field::MeshName, "w3", ""))
        .add(text_field(store, Field::Suffix, "w5", ""))
        .add(text_field(store, Field::Federation, "w2", ""))
        .add(text_field(store, Field::Ttl, "w2", ""))
        .add(select_field(store, Field::Naming, "w3", naming))
        .add(select_field(store, Field::Levels, "w3", levels))
        .add(select_field(store, Field::DnsCluster, "w3", clusters))
        .add(text_field(store, Field::Provider, "w3", "providers"))
        .add(text_field(store, Field::OwnerId, "w3", ""));
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

/// The clusters, given by name, one a line; the default first.
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
