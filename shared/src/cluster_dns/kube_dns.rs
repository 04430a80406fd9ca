//! kube-dns: `stubDomains`, a JSON object of lists of name servers by zone.
//!
//! JSON has no comments, so an annotation says which entry is whose. A change writes the object again, in
//! one line: the entries and their order stay, blanks between them do not.

use serde_json::{Map, Value, json};

use super::{Edit, KUBE_DNS, Refusal, StubDomain};

const FIELD: &str = "stubDomains";

/// What it takes; `None` where nothing of ours is or should be.
pub(super) fn edit(
    map: &Value,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Result<Option<Edit>, Refusal> {
    let mark = format!("fedmesh.dev/stub-domain-{mesh}");
    let ours = map["metadata"]["annotations"][&mark].as_str();
    if ours.is_none() && stub.is_none() {
        return Ok(None);
    }
    let refused = |why: String| Refusal {
        config_map: KUBE_DNS,
        why,
    };
    let text = map["data"][FIELD].as_str().unwrap_or_default();
    let before: Map<String, Value> = if text.trim().is_empty() {
        Map::new()
    } else {
        serde_json::from_str(text).map_err(|error| {
            refused(format!(
                "{FIELD} is not a JSON object ({error}); mend it first"
            ))
        })?
    };
    let mut after = before.clone();
    // An entry that we made for another suffix goes.
    if let Some(zone) = ours.filter(|zone| stub.is_none_or(|stub| stub.suffix != *zone)) {
        after.shift_remove(zone);
    }
    // What somebody else put there stays theirs, though it says the same.
    let mut mine = None;
    if let Some(stub) = stub {
        let wanted = json!(stub.nameservers);
        match after.get(stub.suffix) {
            Some(there) if *there == wanted => mine = ours.filter(|zone| *zone == stub.suffix),
            Some(_) if ours != Some(stub.suffix) => {
                return Err(refused(format!(
                    "{FIELD} has {} already, with other name servers; take it out, or give it {}",
                    stub.suffix,
                    stub.nameservers.join(", ")
                )));
            }
            _ => {
                after.insert(stub.suffix.to_owned(), wanted);
                mine = Some(stub.suffix);
            }
        }
    }
    let mut edited = json!({ "data": map["data"] });
    if after != before {
        if !edited["data"].is_object() {
            edited["data"] = json!({});
        }
        if let Some(data) = edited["data"].as_object_mut() {
            if after.is_empty() {
                data.shift_remove(FIELD);
            } else {
                data.insert(FIELD.to_owned(), Value::Object(after).to_string().into());
            }
        }
    }
    edited["metadata"] = json!({
        "annotations": { mark: mine },
    });
    Ok(Some(Edit {
        config_map: KUBE_DNS,
        before: Some(map.clone()),
        after: edited,
        needs_restart: false,
    }))
}
