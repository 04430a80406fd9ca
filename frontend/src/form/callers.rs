//! Callers of a service and labels of its pods as texts of two form fields: `shop/web, quay, audit@porto` and
//! `app=orders`.

use std::collections::BTreeMap;

use shared::mesh::{Caller, Service};

/// A caller as a word, `namespace/serviceAccount@cluster`, where each part is optional or `*`; `None` for a caller
/// that one word cannot hold.
fn word_of(caller: &Caller) -> Option<String> {
    // Without a namespace, the word can be parsed only if it has a cluster.
    let is_anybody = caller.clusters.is_none() || !caller.service_accounts.is_empty();
    if caller.namespace.is_none() && is_anybody {
        return None;
    }
    let mut words = caller.words();
    words.pop().filter(|_| words.is_empty())
}

fn caller_of(word: &str) -> Caller {
    let (who, cluster) = match word.split_once('@') {
        Some((who, cluster)) => (who, Some(cluster)),
        None => (word, None),
    };
    let (namespace, account) = match who.split_once('/') {
        Some((namespace, account)) => (namespace, Some(account)),
        None => (who, None),
    };
    Caller {
        namespace: (namespace != "*" || cluster.is_none()).then(|| namespace.to_owned()),
        service_accounts: account.map(str::to_owned).into_iter().collect(),
        clusters: cluster.map(|cluster| vec![cluster.to_owned()]),
        ..Caller::default()
    }
}

/// The callers that can be written as words.
pub(crate) fn text(service: &Service) -> String {
    let callers = service.callers.iter().flatten();
    let words: Vec<String> = callers.filter_map(word_of).collect();
    words.join(", ")
}

/// The number of callers that the form does not show.
pub(crate) fn beyond_words(service: &Service) -> usize {
    let callers = service.callers.iter().flatten();
    callers.filter(|caller| word_of(caller).is_none()).count()
}

/// Replaces the callers that the form shows; the others stay behind them.
pub(crate) fn set<'a>(service: &mut Service, words: impl Iterator<Item = &'a str>) {
    let before = service.callers.take().unwrap_or_default().into_iter();
    let others = before.filter(|caller| word_of(caller).is_none());
    let callers: Vec<Caller> = words.map(caller_of).chain(others).collect();
    // Without an entry, all clients may call the service.
    service.callers = (!callers.is_empty()).then_some(callers);
}

/// Labels as `name=value`.
pub(crate) fn labels_text(labels: &BTreeMap<String, String>) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    labels.join(", ")
}

pub(crate) fn labels<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    words
        .map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_that_are_not_words_are_kept() {
        let rich = Caller {
            namespace: Some("a".into()),
            service_accounts: vec!["b".into(), "c".into()],
            ..Caller::default()
        };
        let mut service = Service {
            callers: Some(vec![rich.clone()]),
            ..Service::default()
        };
        set(
            &mut service,
            ["shop/web", "quay", "*@porto", "audit@porto"].into_iter(),
        );
        assert_eq!(text(&service), "shop/web, quay, *@porto, audit@porto");
        assert_eq!(beyond_words(&service), 1);
        let callers = service.callers.clone().unwrap();
        assert_eq!(callers[2].namespace, None);
        assert_eq!(callers[2].clusters, Some(vec!["porto".into()]));
        assert_eq!(callers[4], rich);
        set(&mut service, std::iter::empty());
        assert_eq!(service.callers, Some(vec![rich]));
    }
}
