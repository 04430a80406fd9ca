//! Callers of a service as the text of one field: `shop/web, quay, audit@porto`.

use serde_json::{Map, Value, json};
use shared::mesh::Caller;

use super::text::words;

/// A caller as a word, `namespace/serviceAccount@cluster`, where each part is optional or `*`; `None` for a caller
/// that one word cannot hold.
fn word_of(caller: &Value) -> Option<String> {
    let caller: Caller = serde_json::from_value(caller.clone()).ok()?;
    // Without a namespace, the word can be parsed only if it has a cluster.
    let is_anybody = caller.clusters.is_none() || !caller.service_accounts.is_empty();
    if caller.namespace.is_none() && is_anybody {
        return None;
    }
    let mut words = caller.words();
    words.pop().filter(|_| words.is_empty())
}

fn caller_of(word: &str) -> Value {
    let (who, cluster) = match word.split_once('@') {
        Some((who, cluster)) => (who, Some(cluster)),
        None => (word, None),
    };
    let (namespace, account) = match who.split_once('/') {
        Some((namespace, account)) => (namespace, Some(account)),
        None => (who, None),
    };
    let mut caller = Map::new();
    if namespace != "*" || cluster.is_none() {
        caller.insert("namespace".to_owned(), json!(namespace));
    }
    if let Some(account) = account {
        caller.insert("serviceAccounts".to_owned(), json!([account]));
    }
    if let Some(cluster) = cluster {
        caller.insert("clusters".to_owned(), json!([cluster]));
    }
    Value::Object(caller)
}

/// The callers that can be written as words.
pub(crate) fn text(callers: &[Value]) -> String {
    let words: Vec<String> = callers.iter().filter_map(word_of).collect();
    words.join(", ")
}

/// The number of callers that are not in the text.
pub(crate) fn others(callers: &[Value]) -> usize {
    callers
        .iter()
        .filter(|caller| word_of(caller).is_none())
        .count()
}

/// Replaces the callers that are in the text; the others stay behind them.
pub(crate) fn with_text(callers: &[Value], text: &str) -> Vec<Value> {
    let others = callers.iter().filter(|caller| word_of(caller).is_none());
    words(text).map(caller_of).chain(others.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_that_are_not_words_are_kept() {
        let rich = json!({ "namespace": "a", "serviceAccounts": ["b", "c"] });
        let callers = with_text(
            std::slice::from_ref(&rich),
            "shop/web, quay *@porto\naudit@porto",
        );
        assert_eq!(text(&callers), "shop/web, quay, *@porto, audit@porto");
        assert_eq!(others(&callers), 1);
        assert_eq!(callers[2], json!({ "clusters": ["porto"] }));
        assert_eq!(callers[4], rich);
        assert_eq!(with_text(&callers, ""), [rich]);
    }
}
