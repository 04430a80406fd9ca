//! Stub domains: a cluster's own DNS sends the names of the mesh to the name servers of its zone.
//!
//! What is there is never replaced. In a Corefile a block of ours, between two comments that name the
//! mesh, is put before everything else, and every other byte stays: taking it out again gives back the text
//! that was there before. In kube-dns's JSON an entry is added, and no other changes.

mod corefile;
mod kube_dns;
mod tokens;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::mesh::DnsFlavour;
use crate::object::Key;
use corefile::{Corefile, DEFAULT_PORT, Fault};

/// Where clusters keep the settings of their DNS.
pub const NAMESPACE: &str = "kube-system";

/// `CoreDNS`, as kubeadm and nearly all others install it.
const COREDNS: &str = "coredns";
/// What AKS and k3s let people add to a Corefile that they write themselves.
const COREDNS_CUSTOM: &str = "coredns-custom";
/// kube-dns, as on GKE.
const KUBE_DNS: &str = "kube-dns";
/// NodeLocal DNSCache, which asks past the cluster's DNS for everything outside of the cluster.
const NODE_LOCAL_DNS: &str = "node-local-dns";

/// The ConfigMaps to look at, in [`NAMESPACE`].
pub const CONFIG_MAPS: [&str; 4] = [COREDNS, COREDNS_CUSTOM, KUBE_DNS, NODE_LOCAL_DNS];

/// How long answers are kept, in seconds: a name that has moved is found soon.
const CACHE: u8 = 30;

/// Where the names of a zone are answered.
#[derive(Debug, Clone, Copy)]
pub struct StubDomain<'a> {
    /// The mesh's name.
    pub mesh: &'a str,
    /// The zone.
    pub suffix: &'a str,
    /// `address` or `address:port`, an IPv6 address with a port in brackets.
    pub nameservers: &'a [String],
}

/// A change to one ConfigMap.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Its name.
    pub config_map: &'static str,
    /// As it is; `None` where it is to be made.
    pub before: Option<Value>,
    /// Its data as they will be, and annotations that change (`null`: that go).
    pub after: Value,
    /// Whether CoreDNS only sees it after a restart of its pods.
    pub needs_restart: bool,
}

impl Edit {
    /// Whether nothing is to do.
    pub fn is_done(&self) -> bool {
        // Where there is nothing and nothing is to be, either.
        if self.before.is_none() && self.after["data"].is_null() {
            return true;
        }
        self.before.as_ref().is_some_and(|before| {
            let annotations = self.after["metadata"]["annotations"].as_object();
            let mut annotations = annotations.into_iter().flatten();
            before["data"] == self.after["data"]
                && annotations.all(|(key, value)| before["metadata"]["annotations"][key] == *value)
        })
    }

    /// The whole object as it will be.
    pub fn object(&self) -> Value {
        let mut object = self.before.clone().unwrap_or_else(|| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": self.config_map, "namespace": NAMESPACE },
            })
        });
        object["data"] = self.after["data"].clone();
        for (key, value) in self.after["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flatten()
        {
            object["metadata"]["annotations"][key] = value.clone();
        }
        object
    }

    /// A JSON merge patch (RFC 7386) that does it to the very object that was seen: the server
    /// refuses it when the object has changed since. `None` where the object is to be made.
    pub fn patch(&self) -> Option<Value> {
        let before = self.before.as_ref()?;
        let mut data = self.after["data"].clone();
        if let (Some(data), Some(old)) = (data.as_object_mut(), before["data"].as_object()) {
            for gone in old
                .keys()
                .filter(|key| !self.after["data"][key.as_str()].is_string())
            {
                data.insert(gone.clone(), Value::Null);
            }
        }
        let mut metadata = json!({ "resourceVersion": before["metadata"]["resourceVersion"] });
        let annotations = &self.after["metadata"]["annotations"];
        if annotations.is_object() {
            metadata["annotations"] = annotations.clone();
        }
        Some(json!({ "metadata": metadata, "data": data }))
    }
}

/// A ConfigMap's identity.
pub fn key(config_map: &str) -> Key {
    Key {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: NAMESPACE.to_owned(),
        name: config_map.to_owned(),
    }
}

/// A ConfigMap that is left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub config_map: &'static str,
    /// Where, why, and what to do.
    pub why: String,
}

/// The changes that make a cluster's DNS send a zone to its name servers, or that take out what was
/// put there (`stub` is `None`). `seen` are the ConfigMaps that are there, by name.
///
/// Where there is something to do or to see, each ConfigMap has an entry; a cluster without any DNS
/// that is known has none.
pub fn edits(
    seen: &BTreeMap<String, Value>,
    flavour: Option<DnsFlavour>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Vec<Result<Edit, Refusal>> {
    // What another flavour was told before is taken out.
    let stub_for = |wanted: DnsFlavour| match flavour {
        Some(told) if told != wanted => None,
        _ => stub,
    };
    let mut edits = Vec::new();
    let custom = seen
        .get(COREDNS)
        .and_then(|map| map["data"]["Corefile"].as_str())
        .is_some_and(takes_additions);
    if let Some(map) = seen.get(COREDNS) {
        let stub = stub_for(DnsFlavour::CoreDns).filter(|_| !custom);
        edits.extend(in_corefile(COREDNS, map, mesh, stub));
    }
    let additions = stub_for(DnsFlavour::CoreDns).filter(|_| custom);
    let main = seen
        .get(COREDNS)
        .and_then(|map| map["data"]["Corefile"].as_str());
    edits.extend(in_additions(
        seen.get(COREDNS_CUSTOM),
        main,
        mesh,
        additions,
    ));
    if let Some(map) = seen.get(NODE_LOCAL_DNS) {
        // Before kube-dns it takes over what kube-dns is told, and a second block would be one too many.
        let stub = stub_for(DnsFlavour::CoreDns).filter(|_| seen.contains_key(COREDNS));
        edits.extend(in_corefile(NODE_LOCAL_DNS, map, mesh, stub));
    }
    if let Some(map) = seen.get(KUBE_DNS) {
        // CoreDNS leaves kube-dns's settings in place when it replaces it.
        let replaced = flavour.is_none() && seen.contains_key(COREDNS);
        let stub = stub_for(DnsFlavour::KubeDns).filter(|_| !replaced);
        edits.extend(kube_dns::edit(map, mesh, stub).transpose());
    }
    edits
}

/// Whether a Corefile takes server blocks from [`COREDNS_CUSTOM`], as on AKS and k3s, where whoever
/// installed it undoes changes to the Corefile itself.
fn takes_additions(corefile: &str) -> bool {
    Corefile::parse(corefile).is_ok_and(|corefile| {
        let mut imports = corefile.imports.iter();
        imports.any(|path| path.ends_with("custom/*.server"))
    })
}

fn in_corefile(
    config_map: &'static str,
    map: &Value,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Edit, Refusal>> {
    let Some(before) = map["data"]["Corefile"].as_str() else {
        return stub.map(|_| {
            Err(Refusal {
                config_map,
                why: "it has no Corefile; set dnsFlavour if this cluster's DNS is another"
                    .to_owned(),
            })
        });
    };
    let merged = match stub {
        Some(stub) => merge(before, stub),
        // Most Corefiles have nothing of ours.
        None if !before.contains(&begin(mesh)) && !before.contains(&end(mesh)) => return None,
        None => remove(before, mesh).map(|text| Merged {
            text,
            needs_restart: false,
        }),
    };
    Some(match merged {
        Ok(merged) => {
            let mut after = json!({ "data": map["data"] });
            after["data"]["Corefile"] = merged.text.into();
            Ok(Edit {
                config_map,
                before: Some(map.clone()),
                after,
                needs_restart: merged.needs_restart,
            })
        }
        Err(why) => Err(Refusal { config_map, why }),
    })
}

/// A key of ours in the ConfigMap of additions to the Corefile `main`.
fn in_additions(
    map: Option<&Value>,
    main: Option<&str>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Edit, Refusal>> {
    let key = format!("fedmesh-{mesh}.server");
    let mut after = json!({ "data": map.map_or(&Value::Null, |map| &map["data"]) });
    let there = !after["data"][&key].is_null();
    let main = main.unwrap_or_default();
    let parsed = Corefile::parse(main).unwrap_or_default();
    let root = parsed.root();
    let needs_restart = root.is_some_and(|(root, _)| parsed.arguments(root, "reload").is_empty());
    let mut wanted = None;
    match stub {
        None if !there => return None,
        None => {}
        Some(stub) => {
            let port = root.map_or(DEFAULT_PORT, |(_, port)| port);
            // CoreDNS does not start with one zone in two blocks, whichever files they are in.
            let keys = map.and_then(|map| map["data"].as_object());
            let others = keys
                .into_iter()
                .flatten()
                // The others hold plugins, for the block of the Corefile itself.
                .filter(|(other, _)| **other != key && other.ends_with(".server"))
                .map(|(other, text)| (other.as_str(), text.as_str().unwrap_or_default()));
            match elsewhere(others.chain([("Corefile of coredns", main)]), stub, port) {
                Ok(true) => {}
                Ok(false) => wanted = Some(block(stub, port, &[], "\n")),
                Err(why) => {
                    return Some(Err(Refusal {
                        config_map: COREDNS_CUSTOM,
                        why,
                    }));
                }
            }
        }
    }
    match (wanted, after["data"].as_object_mut()) {
        (Some(text), _) => after["data"][&key] = text.into(),
        (None, Some(data)) => _ = data.shift_remove(&key),
        (None, None) => {}
    }
    Some(Ok(Edit {
        config_map: COREDNS_CUSTOM,
        before: map.cloned(),
        after,
        needs_restart,
    }))
}

/// Whether one of these texts has a block for the zone that does what ours would.
fn elsewhere<'a>(
    texts: impl Iterator<Item = (&'a str, &'a str)>,
    stub: StubDomain<'_>,
    port: &str,
) -> Result<bool, String> {
    for (name, text) in texts {
        let parsed = Corefile::parse(text).unwrap_or_default();
        for found in &parsed.blocks {
            if let Some(line) = found.serves(stub.suffix, port) {
                match_foreign(&parsed, found, stub, line)
                    .map_err(|why| format!("{name}: {why}"))?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A Corefile with a stub domain in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole text.
    pub text: String,
    /// Without the plugin `reload`, CoreDNS reads it when its pods start.
    pub needs_restart: bool,
}

/// Puts a stub domain into a Corefile. Everything else stays as it is, byte for byte; doing it again
/// changes nothing.
///
/// # Errors
/// Where in the Corefile it cannot be, why, and what to do: CoreDNS would not load it, another block
/// has the zone, or our marks are damaged.
pub fn merge(corefile: &str, stub: StubDomain<'_>) -> Result<Merged, String> {
    let rest = remove(corefile, stub.mesh)?;
    let parsed = Corefile::parse(&rest).map_err(|fault| unreadable(&fault))?;
    let root = parsed.root();
    let port = root.map_or(DEFAULT_PORT, |(_, port)| port);
    let needs_restart = root.is_some_and(|(root, _)| parsed.arguments(root, "reload").is_empty());
    if parsed.blocks.is_empty() {
        return Err(
            "it has no server block, and would lose CoreDNS's own; write one first".to_owned(),
        );
    }
    for found in &parsed.blocks {
        if let Some(line) = found.variable() {
            return Err(format!(
                "line {line}: the zone of a server block is a variable, which may be {}; write it out, or set \
                 dnsFlavour: none and add the zone by hand",
                stub.suffix
            ));
        }
        if let Some(line) = found.serves(stub.suffix, port) {
            // In the text as people see it, our own block may stand before theirs.
            let ours = corefile.lines().count() - rest.lines().count();
            match_foreign(&parsed, found, stub, line + ours)?;
            return Ok(Merged {
                text: rest,
                needs_restart,
            });
        }
    }
    let bind: Vec<&str> = root
        .map(|(root, _)| {
            parsed
                .arguments(root, "bind")
                .into_iter()
                .flatten()
                .collect()
        })
        .unwrap_or_default();
    let newline = if rest.contains("\r\n") { "\r\n" } else { "\n" };
    let (mark, text) = match rest.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", rest.as_str()),
    };
    let block = block(stub, port, &bind, newline);
    Ok(Merged {
        text: format!("{mark}{block}{text}"),
        needs_restart,
    })
}

/// Takes our block out of a Corefile: what [`merge`] was given is what is left.
///
/// # Errors
/// Our marks are damaged.
pub fn remove(corefile: &str, mesh: &str) -> Result<String, String> {
    let (begin, end) = (begin(mesh), end(mesh));
    let mut rest = String::with_capacity(corefile.len());
    let mut inside = None;
    for (index, whole) in corefile.split_inclusive('\n').enumerate() {
        let (mark, line) = match whole.strip_prefix('\u{feff}') {
            Some(line) => ("\u{feff}", line),
            None => ("", whole),
        };
        let damaged = |why: &str| {
            format!(
                "line {}: {why}; take the block of fedmesh {mesh} out by hand, comments included",
                index + 1
            )
        };
        match (line.trim_end(), inside) {
            (text, None) if text == begin => {
                inside = Some(index);
                rest.push_str(mark);
            }
            (text, Some(_)) if text == begin => {
                return Err(damaged("the block of fedmesh begins twice"));
            }
            (text, Some(_)) if text == end => inside = None,
            (text, None) if text == end => {
                return Err(damaged("the block of fedmesh ends without a beginning"));
            }
            (_, Some(_)) => {}
            (_, None) => rest.push_str(whole),
        }
    }
    match inside {
        None => Ok(rest),
        Some(index) => Err(format!(
            "line {}: the block of fedmesh has no end; take it out by hand, comments included",
            index + 1
        )),
    }
}

fn begin(mesh: &str) -> String {
    format!("# begin fedmesh {mesh}: written by fedmesh, changes are lost")
}

fn end(mesh: &str) -> String {
    format!("# end fedmesh {mesh}")
}

fn block(stub: StubDomain<'_>, port: &str, bind: &[&str], newline: &str) -> String {
    let mut lines = vec![
        begin(stub.mesh),
        format!("{}:{port} {{", stub.suffix),
        "    errors".to_owned(),
        format!("    cache {CACHE}"),
    ];
    if !bind.is_empty() {
        lines.push(format!("    bind {}", bind.join(" ")));
    }
    lines.push(format!("    forward . {}", stub.nameservers.join(" ")));
    lines.push("}".to_owned());
    lines.push(end(stub.mesh));
    lines.push(String::new());
    lines.join(newline)
}

/// Whether a block that is not ours does what ours would.
fn match_foreign(
    corefile: &Corefile<'_>,
    block: &corefile::Block<'_>,
    stub: StubDomain<'_>,
    line: usize,
) -> Result<(), String> {
    let forwards = corefile.arguments(block, "forward");
    let same = forwards.iter().any(|arguments| {
        // What is forwarded may be less than the zone.
        let all = arguments.first().is_some_and(|from| {
            let from = from.trim_end_matches('.');
            from.is_empty() || from.eq_ignore_ascii_case(stub.suffix)
        });
        let mut theirs: Vec<String> = arguments.iter().skip(1).map(|to| server(to)).collect();
        let mut ours: Vec<String> = stub.nameservers.iter().map(|to| server(to)).collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        all && !theirs.is_empty() && theirs == ours
    });
    if same {
        return Ok(());
    }
    Err(format!(
        "line {line}: another server block has {}; take the zone out of it, or let it forward to {}",
        stub.suffix,
        stub.nameservers.join(" ")
    ))
}

/// A name server with its port.
fn server(text: &str) -> String {
    let text = text.strip_prefix("dns://").unwrap_or(text);
    if text.parse::<IpAddr>().is_ok() {
        if text.contains(':') {
            return format!("[{text}]:{DEFAULT_PORT}");
        }
        return format!("{text}:{DEFAULT_PORT}");
    }
    text.to_owned()
}

fn unreadable(fault: &Fault) -> String {
    format!(
        "line {}: {}, so CoreDNS would not take another one; mend the Corefile first",
        fault.line, fault.why
    )
}
