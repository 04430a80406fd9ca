//! Parses published names: the suffix, federation, regions and zones that they consist of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::dns;
use super::endpoints::locality_of;
use super::external::is_egress;
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::DEFAULT_FEDERATION;
use crate::manifests::{Object, field, list, texts};

/// The common parts of all names.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) suffix: String,
    /// The federation's label, unless it is the default.
    pub(super) federation: Option<String>,
    /// Every zone that has a name, or has a cluster with one, with its region.
    pub(super) zones: BTreeSet<(String, String)>,
    /// Another suffix of some names.
    left: Option<String>,
    /// The only region that has a name of its own.
    only_region: Option<String>,
}

/// A parsed name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// The first two labels, `<first>.<second>`, of a service or a gateway; `None` for a vanity name.
    pub(super) prefix: Option<(&'a str, &'a str)>,
    pub(super) at: At<'a>,
}

/// The scope of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum At<'a> {
    Vanity(&'a str),
    Global,
    Region(&'a str),
    /// Region and zone.
    Zone(&'a str, &'a str),
    /// Region, first zone and name of a cluster.
    Cluster(&'a str, &'a str, &'a str),
}

impl Names {
    /// `None` if the suffix is unknown.
    pub(super) fn find(world: &World, options: &Options, findings: &mut Findings) -> Option<Self> {
        let hosts: Vec<(&Object, &str)> = world
            .objects
            .iter()
            .flat_map(|object| hosts(object).into_iter().map(move |host| (object, host)))
            .collect();
        let ends: Vec<&str> = hosts.iter().filter_map(|(_, host)| end(host)).collect();
        let (written, is_certain) = match shared_end(&ends) {
            Some(end) => {
                let (end, is_certain) = without_place(world, end, &ends);
                (Some(end), is_certain)
            }
            None => (None, true),
        };
        let stated = options.suffix.clone().or_else(|| domain(world));
        // A filter may be wider than the zone of the names.
        let filter = only(dns::zones(world, true))
            .filter(|zone| written.is_none_or(|names| !below(names, zone)));
        let stated = stated.or(filter);
        if let (None, false, Some(end)) = (&stated, is_certain, written) {
            findings.warning(
                code::ASSUMED,
                "spec.dns.suffix",
                format!("names have one level only, so `{end}` may start with a region or a zone"),
                format!("set the suffix, which is `{end}` in the document"),
            );
        }
        let suffix = stated
            .or_else(|| written.map(str::to_owned))
            .or_else(|| shared_parent(world))
            .or_else(|| only(dns::zones(world, false)))?;
        // If all names end differently, they are those of a template.
        let left = written
            .filter(|written| *written != suffix && !below(&suffix, written))
            .map(str::to_owned);
        let mut names = Self {
            federation: None,
            zones: BTreeSet::new(),
            only_region: None,
            left,
            suffix,
        };
        names.federation = names.find_federation(&hosts);
        let regions: BTreeSet<&str> = hosts
            .iter()
            .filter_map(|(_, host)| match names.read(host)?.at {
                At::Region(region) => Some(region),
                _ => None,
            })
            .collect();
        if let (Some(only), 1) = (regions.first(), regions.len()) {
            names.only_region = Some((*only).to_owned());
        }
        names.zones = hosts
            .iter()
            .filter_map(|(_, host)| match names.read(host)?.at {
                At::Zone(region, zone) | At::Cluster(region, zone, _) => {
                    Some((names.region(region).to_owned(), zone.to_owned()))
                }
                _ => None,
            })
            .collect();
        names.tell_what_is_left(&hosts, findings);
        Some(names)
    }

    /// Parses a host as a published name; `None` for any other.
    pub(super) fn read<'a>(&self, host: &'a str) -> Option<Name<'a>> {
        let head = [Some(self.suffix.as_str()), self.left.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|suffix| host.strip_suffix(suffix)?.strip_suffix('.'))?;
        let labels: Vec<&str> = head.split('.').collect();
        let prefix = |at| match labels[..] {
            [first, second, _, "svc", ..] => Some(Name {
                prefix: Some((first, second)),
                at,
            }),
            _ => None,
        };
        match labels[..] {
            [label] if label != "*" => Some(Name {
                prefix: None,
                at: At::Vanity(label),
            }),
            [_, _, _, _] => prefix(At::Global),
            [_, _, _, _, region] => prefix(At::Region(region)),
            [_, _, _, _, zone, region] => prefix(At::Zone(region, zone)),
            [_, _, _, _, cluster, zone, region] => prefix(At::Cluster(region, zone, cluster)),
            _ => None,
        }
    }

    /// Whether there are published names below a name.
    pub(super) fn has_below(&self, name: &str) -> bool {
        below(name, &self.suffix)
    }

    /// The intended region of a zone's or cluster's name.
    pub(super) fn region<'a>(&'a self, written: &'a str) -> &'a str {
        self.only_region.as_deref().unwrap_or(written)
    }

    /// The host with the intended suffix and region.
    pub(super) fn meant(&self, host: &str) -> String {
        let Some(name) = self.read(host) else {
            return host.to_owned();
        };
        let left = self.left.as_deref().filter(|left| below(host, left));
        let head = host
            .strip_suffix(left.unwrap_or(&self.suffix))
            .unwrap_or(host);
        match (name.at, &self.only_region) {
            (At::Zone(region, _) | At::Cluster(region, ..), Some(only)) if region != only => {
                let head = head.strip_suffix(&format!(".{region}.")).unwrap_or(head);
                format!("{head}.{only}.{}", self.suffix)
            }
            _ => format!("{head}{}", self.suffix),
        }
    }

    fn find_federation(&self, hosts: &[(&Object, &str)]) -> Option<String> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, host) in hosts {
            if self.read(host).is_some_and(|name| name.prefix.is_some())
                && let Some(label) = host.split('.').nth(2)
            {
                *seen.entry(label).or_default() += 1;
            }
        }
        let (label, _) = seen.into_iter().max_by_key(|(_, times)| *times)?;
        (label != DEFAULT_FEDERATION).then(|| label.to_owned())
    }

    /// Reports names that a search and replace missed, one finding for each object.
    fn tell_what_is_left(&self, hosts: &[(&Object, &str)], findings: &mut Findings) {
        let mut reported = BTreeSet::new();
        for (object, host) in hosts {
            let meant = self.meant(host);
            if meant != *host && reported.insert(object.place()) {
                findings.warning(
                    code::NOT_SUBSTITUTED,
                    &object.place(),
                    format!("`{host}` is not a published name: the published name is `{meant}`"),
                    "check for names that a search and replace missed; the document has the published name"
                        .into(),
                );
            }
        }
    }
}

/// The first name that a wildcard for the names of all services matches.
pub(super) fn as_name(host: &str) -> Cow<'_, str> {
    match host.strip_prefix("*.") {
        Some(ending) => Cow::Owned(format!("any.any.{ending}")),
        None => Cow::Borrowed(host),
    }
}

/// The hosts in an object, published names and others.
pub(super) fn hosts(object: &Object) -> Vec<&str> {
    let spec = &object.value["spec"];
    if object.is("Gateway") {
        let servers = list(&spec["servers"]).iter();
        servers
            .flat_map(|server| texts(&server["hosts"]))
            .map(|host| host.rsplit('/').next().unwrap_or(host))
            .collect()
    } else if object.is("VirtualService") || object.is("ServiceEntry") {
        texts(&spec["hosts"]).collect()
    } else if object.is("DestinationRule") {
        spec["host"].as_str().into_iter().collect()
    } else if object.is("DNSEndpoint") {
        let endpoints = list(&spec["endpoints"]).iter();
        endpoints
            .filter_map(|endpoint| endpoint["dnsName"].as_str())
            .collect()
    } else {
        Vec::new()
    }
}

/// Whether a host is a zone or a name in it.
fn below(host: &str, zone: &str) -> bool {
    host.strip_suffix(zone)
        .is_some_and(|head| head.is_empty() || head.ends_with('.'))
}

/// The part of a host after `<first>.<second>.<federation>.svc.`.
fn end(host: &str) -> Option<&str> {
    let mut labels = host.splitn(5, '.');
    let svc = labels.nth(3)?;
    let end = labels.next()?;
    (svc == "svc" && !end.is_empty()).then_some(end)
}

/// The suffix that all others, or most of them, end with: the global name has the shortest.
fn shared_end<'a>(ends: &[&'a str]) -> Option<&'a str> {
    let candidates: BTreeSet<&str> = ends.iter().copied().collect();
    let of = |end: &str| ends.iter().filter(|other| below(other, end)).count();
    // Many suffixes are many zones of one; a few of the shortest are enough to choose from.
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    candidates.sort_by_key(|end| end.len());
    candidates.truncate(100);
    let shortest = *candidates.iter().max_by_key(|end| (of(end), end.len()))?;
    let is_alone = |end: &&str| {
        let mut others = candidates.iter().filter(|other| *other != end);
        others.all(|other| !below(other, end))
    };
    if candidates.len() > 1 && candidates.iter().all(is_alone) {
        return Some(parent_of_places(&candidates).unwrap_or(shortest));
    }
    Some(shortest)
}

/// The suffix below which names end with their region, or with their zone and region, if none has it alone.
fn parent_of_places<'a>(ends: &[&'a str]) -> Option<&'a str> {
    let labels = |end: &str| end.split('.').count();
    let first = ends.first()?;
    let parents = [1, 2].map(|depth| first.splitn(depth + 1, '.').nth(depth));
    let is_parent = |depth: usize, parent: &&str| {
        let is_below = |end: &&str| below(end, parent) && labels(end) == labels(parent) + depth;
        labels(parent) > 1 && ends.iter().all(is_below)
    };
    let mut parents = parents.into_iter().enumerate();
    parents.find_map(|(index, parent)| parent.filter(|parent| is_parent(index + 1, parent)))
}

/// The suffix of names that end with `end`, and whether that is certain: if names have one level only, localities of
/// endpoints tell which part is a region or a zone.
fn without_place<'a>(world: &World, end: &'a str, ends: &[&'a str]) -> (&'a str, bool) {
    let is_end = ends.contains(&end);
    let has_levels = is_end && ends.iter().any(|other| *other != end);
    let is_ours = |kind| world.of_kind(kind).any(|(_, object)| object.is_ours());
    if has_levels || is_ours("VirtualService") || is_ours("ServiceEntry") {
        return (end, true);
    }
    let entries = world.of_kind("ServiceEntry");
    let localities = entries.flat_map(|(_, object)| object.endpoints());
    for (region, zone) in localities.filter_map(locality_of) {
        let of_zone = format!("{zone}.{region}.");
        let of_zone = ends.iter().find_map(|other| other.strip_prefix(&of_zone));
        let of_region = format!("{region}.{end}");
        if let Some(suffix) = of_zone.filter(|suffix| suffix.contains('.')) {
            return (suffix, true);
        }
        if ends.contains(&of_region.as_str()) {
            return (end, true);
        }
    }
    let labels = |end: &str| end.split('.').count();
    let is_certain = if is_end {
        labels(end) < 3
    } else {
        // Two labels are those of a zone and a region, and one is that of either.
        ends.iter().all(|other| labels(other) == labels(end) + 2)
    };
    (end, is_certain)
}

/// The suffix of the federation's Domain.
fn domain(world: &World) -> Option<String> {
    let domains = world.of_kind("Domain");
    only(domains.filter_map(|(_, object)| object.value["domain"].as_str()))
}

/// The common value; `None` if they differ.
fn only<'a>(mut all: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = all.next()?;
    all.all(|other| other == first).then(|| first.to_owned())
}

/// The zone of all hosts of the VirtualServices at gateways, if they have only vanity names.
fn shared_parent(world: &World) -> Option<String> {
    let services = world.of_kind("VirtualService");
    let services = services.filter(|(_, object)| !is_egress(object));
    let hosts = services.flat_map(|(_, object)| {
        let hosts = texts(field(&object.value, &["spec", "hosts"]));
        hosts.filter(move |host| !below(host, &object.domain))
    });
    let parents = hosts
        .filter_map(|host| host.split_once('.'))
        .map(|(_, parent)| parent)
        .filter(|parent| parent.contains('.'));
    only(parents)
}

#[cfg(test)]
mod tests {
    use super::{At, Name, Names, shared_end};

    fn names() -> Names {
        Names {
            suffix: "mesh.example.com".into(),
            federation: None,
            zones: [].into(),
            left: Some("old.example.org".into()),
            only_region: Some("r1".into()),
        }
    }

    #[test]
    fn names_are_parsed() {
        let names = names();
        let prefix = Some(("orders", "sales"));
        for (host, prefix, at) in [
            ("buy.mesh.example.com", None, At::Vanity("buy")),
            ("orders.sales.f.svc.mesh.example.com", prefix, At::Global),
            (
                "orders.sales.f.svc.r1.mesh.example.com",
                prefix,
                At::Region("r1"),
            ),
            (
                "orders.sales.f.svc.z.r1.old.example.org",
                prefix,
                At::Zone("r1", "z"),
            ),
        ] {
            assert_eq!(names.read(host), Some(Name { prefix, at }), "{host}");
        }
        for host in [
            "*",
            "*.mesh.example.com",
            "mesh.example.com",
            "orders.sales.svc.cluster.local",
            "a.b.mesh.example.com",
            "xmesh.example.com",
            "",
        ] {
            assert_eq!(names.read(host), None, "{host}");
        }
    }

    #[test]
    fn names_of_a_template_are_fixed() {
        for (host, meant) in [
            (
                "a.b.f.svc.z.r2.old.example.org",
                "a.b.f.svc.z.r1.mesh.example.com",
            ),
            (
                "a.b.f.svc.r1.old.example.org",
                "a.b.f.svc.r1.mesh.example.com",
            ),
            ("a.b.f.svc.mesh.example.com", "a.b.f.svc.mesh.example.com"),
            ("example.net", "example.net"),
        ] {
            assert_eq!(names().meant(host), meant);
        }
    }

    #[test]
    fn the_suffix_is_the_common_end_of_names() {
        for (ends, expected) in [
            (&["a.b.c", "b.c", "z.a.b.c", "d.e"][..], Some("b.c")),
            (&[], None),
            // Zones alone, and regions alone.
            (&["z1.r1.b.c", "z2.r2.b.c"], Some("b.c")),
            (&["r1.b.c", "r2.b.c"], Some("b.c")),
            // Nothing in common.
            (&["x.b.c", "y.z.d.e"], Some("y.z.d.e")),
        ] {
            assert_eq!(shared_end(ends), expected, "{ends:?}");
        }
    }
}
