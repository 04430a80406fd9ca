//! The mesh's server block in a Corefile: insertion, removal, and conflicts with other blocks.

use std::net::IpAddr;

use super::corefile::{Block, Corefile, DEFAULT_PORT, Fault};
use super::{StubDomain, same_name};

/// Seconds for which answers are cached: short, so that a changed name is found soon.
const CACHE: u8 = 30;

/// A Corefile with a stub domain in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole text.
    pub text: String,
    /// Whether CoreDNS loads it only at a restart, without the plugin `reload`.
    pub needs_restart: bool,
}

/// Inserts a stub domain into a Corefile. All other bytes stay; a second run changes nothing.
///
/// # Errors
/// The position in the Corefile, the reason, and the remedy: CoreDNS would not load it, another block has the zone, or
/// the mesh's marks are damaged.
pub fn merge(corefile: &str, stub: StubDomain<'_>) -> Result<Merged, String> {
    let rest = remove(corefile, stub.mesh)?;
    let parsed = Corefile::parse(&rest).map_err(|fault| unreadable(&fault))?;
    if parsed.blocks.is_empty() {
        return Err(
            "it has no server block, so CoreDNS would lose its default; add one first".to_owned(),
        );
    }
    let place = Listener::in_corefile(&parsed);
    let needs_restart = parsed.needs_restart();
    // The displayed text may have the mesh's block before the others.
    let ours = corefile.lines().count() - rest.lines().count();
    if is_served(&parsed, stub, place.port, ours)? {
        return Ok(Merged {
            text: rest,
            needs_restart,
        });
    }
    let newline = if rest.contains("\r\n") { "\r\n" } else { "\n" };
    let (mark, text) = match rest.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", rest.as_str()),
    };
    let block = block(stub, &place, newline);
    Ok(Merged {
        text: format!("{mark}{block}{text}"),
        needs_restart,
    })
}

/// The address at which CoreDNS listens: a block for another one would not be queried.
pub(super) struct Listener<'a> {
    pub(super) port: &'a str,
    bind: Vec<&'a str>,
}

impl<'a> Listener<'a> {
    /// Copied from the block for all zones without a block of their own.
    pub(super) fn in_corefile(corefile: &Corefile<'a>) -> Self {
        let root = corefile.root();
        let bind = root.map(|(root, _)| corefile.arguments(root, "bind"));
        Self {
            port: root.map_or(DEFAULT_PORT, |(_, port)| port),
            bind: bind.into_iter().flatten().flatten().collect(),
        }
    }
}

/// Whether another block already does the same. `before` is the number of lines that were removed before parsing.
///
/// # Errors
/// A block has, or may have, the zone with another configuration.
pub(super) fn is_served(
    corefile: &Corefile<'_>,
    stub: StubDomain<'_>,
    port: &str,
    before: usize,
) -> Result<bool, String> {
    for found in &corefile.blocks {
        if let Some(line) = found.variable() {
            return Err(format!(
                "line {}: the zone of a server block is a variable, which may be {}; replace it by its value, or set \
                 dnsFlavour: none and add the zone by hand",
                line + before,
                stub.suffix
            ));
        }
        if let Some(line) = found.serves(stub.suffix, port) {
            match_foreign(corefile, found, stub, line + before)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the mesh's block from a Corefile: the inverse of [`merge`].
///
/// # Errors
/// The mesh's marks are damaged.
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
                "line {}: {why}; remove the block of fedmesh {mesh} by hand, including its comments",
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
            "line {}: the block of fedmesh has no end; remove it by hand, including its comments",
            index + 1
        )),
    }
}

/// Whether a Corefile has, or had, the mesh's block.
pub(super) fn is_marked(corefile: &str, mesh: &str) -> bool {
    corefile.contains(&begin(mesh)) || corefile.contains(&end(mesh))
}

fn begin(mesh: &str) -> String {
    format!("# begin fedmesh {mesh}: written by fedmesh, changes are lost")
}

fn end(mesh: &str) -> String {
    format!("# end fedmesh {mesh}")
}

pub(super) fn block(stub: StubDomain<'_>, place: &Listener<'_>, newline: &str) -> String {
    let mut lines = vec![
        begin(stub.mesh),
        format!("{}:{} {{", stub.suffix, place.port),
        "    errors".to_owned(),
        format!("    cache {CACHE}"),
    ];
    if !place.bind.is_empty() {
        lines.push(format!("    bind {}", place.bind.join(" ")));
    }
    lines.push(format!("    forward . {}", stub.nameservers.join(" ")));
    lines.push("}".to_owned());
    lines.push(end(stub.mesh));
    lines.push(String::new());
    lines.join(newline)
}

/// Reports a block for the zone that forwards it elsewhere.
fn match_foreign(
    corefile: &Corefile<'_>,
    block: &Block<'_>,
    stub: StubDomain<'_>,
    line: usize,
) -> Result<(), String> {
    let forwards = corefile.arguments(block, "forward");
    let same = forwards.iter().any(|arguments| {
        // The forwarded zone may be smaller.
        let all = arguments
            .first()
            .is_some_and(|from| *from == "." || same_name(from, stub.suffix));
        all && same_servers(arguments.iter().skip(1).copied(), stub.nameservers)
    });
    if same {
        return Ok(());
    }
    Err(format!(
        "line {line}: another server block has {}; remove the zone from it, or forward it to {}",
        stub.suffix,
        stub.nameservers.join(" ")
    ))
}

/// Whether name servers are the same, in any order.
pub(super) fn same_servers<'a>(theirs: impl Iterator<Item = &'a str>, ours: &[String]) -> bool {
    let mut theirs: Vec<String> = theirs.map(server).collect();
    let mut ours: Vec<String> = ours.iter().map(|to| server(to)).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    !theirs.is_empty() && theirs == ours
}

/// A name server with its port.
pub(super) fn server(text: &str) -> String {
    let text = text.strip_prefix("dns://").unwrap_or(text);
    if text.parse::<IpAddr>().is_ok() {
        if text.contains(':') {
            return format!("[{text}]:{DEFAULT_PORT}");
        }
        return format!("{text}:{DEFAULT_PORT}");
    }
    text.to_owned()
}

pub(super) fn unreadable(fault: &Fault) -> String {
    format!(
        "line {}: {}, so CoreDNS would not load another one; fix it first",
        fault.line, fault.why
    )
}
