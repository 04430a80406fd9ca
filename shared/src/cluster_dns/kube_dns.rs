//! kube-dns: `stubDomains`, a JSON object of lists of name servers by zone.
//!
//! JSON has no comments, so an annotation marks the mesh's entry: `<zone>`, or `<zone> <JSON>` if the field was not an
//! object before, with its former content.

use serde_json::{Value, json};

use super::forwarding::Changed;
use super::members::Members;
use super::merge::same_servers;
use super::{StubDomain, same_name};

const FIELD: &str = "stubDomains";

/// The change; `None` if there is no stub domain of the mesh and none is desired.
pub(super) fn edit(
    map: Option<&Value>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Option<Result<Changed, String>> {
    let map = map.unwrap_or(&Value::Null);
    // The name alone after the slash: with a prefix, the longest one would exceed the limit.
    let annotation = format!("stub-domain.fedmesh.dev/{mesh}");
    let ours = map["metadata"]["annotations"][&annotation].as_str();
    if ours.is_none() && stub.is_none() {
        return None;
    }
    let before = map["data"][FIELD].as_str();
    Some(change(before, ours, stub).map(|(field, mark)| {
        let mut after = json!({ "data": map["data"] });
        if field.as_deref() != before {
            match (field, after["data"].as_object_mut()) {
                (Some(text), _) => after["data"][FIELD] = text.into(),
                (None, Some(data)) => _ = data.shift_remove(FIELD),
                (None, None) => {}
            }
        }
        let holds_ours = mark.is_some();
        after["metadata"] = json!({ "annotations": { annotation: mark } });
        Changed {
            after,
            holds_ours,
            needs_restart: false,
        }
    }))
}

/// The new field, and the mark of the mesh's entry in it.
fn change(
    before: Option<&str>,
    ours: Option<&str>,
    stub: Option<StubDomain<'_>>,
) -> Result<(Option<String>, Option<String>), String> {
    let is_current = |mark: &&str| stub.is_some_and(|stub| same_name(zone(mark), stub.suffix));
    let mark = ours.filter(is_current);
    let mut field = before.map(str::to_owned);
    // An entry for a former suffix is removed.
    if let (Some(old), None) = (ours, mark) {
        field = without(field, old)?;
    }
    let Some(stub) = stub else {
        return Ok((field, None));
    };
    let servers = json!(stub.nameservers).to_string();
    let member = format!("{}: {servers}", json!(stub.suffix));
    let Some(text) = object(field.as_deref()) else {
        let mark = format!("{} {}", stub.suffix, json!(field));
        return Ok((Some(format!("{{{member}}}")), Some(mark)));
    };
    let members = read(text)?;
    let mut all = members.all.iter();
    let (text, mark) = match all.find(|member| same_name(&member.name, stub.suffix)) {
        None => (members.insert(&member), Some(stub.suffix)),
        // An equal entry of another owner stays theirs.
        Some(there) if is_same(&text[there.value.clone()], stub) => (text.to_owned(), mark),
        Some(there) if mark.is_none() => {
            return Err(format!(
                "{FIELD} already has {} with other name servers; remove it, or set it to {}",
                there.name,
                stub.nameservers.join(", ")
            ));
        }
        Some(there) => (members.replace(there.value.clone(), &servers), mark),
    };
    Ok((Some(text), mark.map(str::to_owned)))
}

/// The field without the entry of a mark.
fn without(field: Option<String>, mark: &str) -> Result<Option<String>, String> {
    let Some(text) = object(field.as_deref()) else {
        return Ok(field);
    };
    let members = read(text)?;
    // Exactly as written: if the text differs, it belongs to another owner.
    let mut all = members.all.iter();
    let Some(index) = all.position(|member| member.name == zone(mark)) else {
        return Ok(field);
    };
    let was = mark
        .split_once(' ')
        .and_then(|(_, was)| serde_json::from_str(was).ok());
    Ok(match was {
        Some(was) if members.all.len() == 1 => was,
        _ => Some(members.remove(index)),
    })
}

fn zone(mark: &str) -> &str {
    mark.split(' ').next().unwrap_or_default()
}

/// The text of the field, unless it is blank.
fn object(field: Option<&str>) -> Option<&str> {
    field.filter(|text| !text.trim().is_empty())
}

fn read(text: &str) -> Result<Members<'_>, String> {
    Members::read(text)
        .map_err(|error| format!("{FIELD} is not a JSON object ({error}); fix it first"))
}

fn is_same(value: &str, stub: StubDomain<'_>) -> bool {
    let servers = serde_json::from_str::<Vec<String>>(value).unwrap_or_default();
    same_servers(servers.iter().map(String::as_str), stub.nameservers)
}
