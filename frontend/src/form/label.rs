//! Labels of fields, from their names in the document.

/// Labels that do not follow from the name: the path's end, with `[]` for any item, and the label.
const LABELS: &[(&str, &str)] = &[
    ("metadata.name", "Mesh name"),
    ("dns.suffix", "DNS suffix"),
    ("dns.naming", "Names start with"),
    ("dns.levels", "Levels of names"),
    ("dns.cluster", "DNS cluster"),
    ("spec.target", "Engine"),
    ("spec.istio", "Istio version"),
    ("externalDns.provider", "ExternalDNS provider"),
    ("externalDns.namespace", "ExternalDNS namespace"),
    ("gitops.path", "Folder"),
    ("gitops.secret", "Secret for Flux"),
    ("gateway.addresses", "Gateway address"),
    ("gateway.clusterIP", "Gateway cluster IP"),
    ("services[].routes", "Allowed paths"),
    ("services[].selector", "Pod labels"),
    ("services[].clusters", "Runs in"),
];

/// Words with letters that are not as in other words.
const WORDS: &[(&str, &str)] = &[
    ("api", "API"),
    ("cidr", "CIDR"),
    ("cors", "CORS"),
    ("dns", "DNS"),
    ("externaldns", "ExternalDNS"),
    ("http", "HTTP"),
    ("http1", "HTTP/1"),
    ("http2", "HTTP/2"),
    ("id", "ID"),
    ("ip", "IP"),
    ("mcs", "MCS"),
    ("mtls", "mTLS"),
    ("repo", "repository"),
    ("sni", "SNI"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
    ("ttl", "TTL"),
    ("txt", "TXT"),
    ("uri", "URI"),
    ("url", "URL"),
];

/// The label of the field with a path.
pub(crate) fn of(path: &str) -> String {
    let general = general(path);
    let known = LABELS.iter().find(|(end, _)| is_end(&general, end));
    known.map_or_else(
        || {
            from_name(
                general
                    .rsplit('.')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches("[]"),
            )
        },
        |(_, label)| (*label).to_owned(),
    )
}

/// The label outside of the row or group of the field: `Zone of cluster 2`.
pub(crate) fn long(path: &str) -> String {
    let label = of(path);
    match around(path) {
        Some(around) => format!("{label} of {around}"),
        None => label,
    }
}

/// The innermost item of a list around a field: `cluster 2`.
fn around(path: &str) -> Option<String> {
    let (list, rest) = path.rsplit_once('[')?;
    let index: usize = rest.split_once(']')?.0.parse().ok()?;
    let name = list.rsplit(['.', ']']).next()?;
    Some(format!("{} {}", singular(name), index + 1))
}

/// The name of one item of a list, with its number: `Route 2`.
pub(crate) fn item(list: &str, index: usize) -> String {
    let name = list.rsplit(['.', ']']).next().unwrap_or_default();
    let one = singular(name);
    let mut chars = one.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{} {}", chars.as_str(), index + 1)
}

/// The name of one item of a list, in small letters: `route`.
pub(crate) fn singular(name: &str) -> String {
    let words = from_name(name);
    let lower = if words.chars().nth(1).is_some_and(char::is_lowercase) {
        let mut chars = words.chars();
        let first: String = chars
            .next()
            .into_iter()
            .flat_map(char::to_lowercase)
            .collect();
        first + chars.as_str()
    } else {
        words
    };
    match lower.as_str() {
        "match" => "match".to_owned(),
        "to" => "destination".to_owned(),
        "distribute" => "distribution".to_owned(),
        "external" => "external host".to_owned(),
        "ignore" => "ignored field".to_owned(),
        other => {
            let ies = other.strip_suffix("ies").map(|stem| format!("{stem}y"));
            ies.unwrap_or_else(|| other.strip_suffix('s').unwrap_or(other).to_owned())
        }
    }
}

/// A path with `[]` in place of every index.
pub(crate) fn general(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut is_index = false;
    for c in path.chars() {
        match c {
            '[' => is_index = true,
            ']' => is_index = false,
            _ if is_index => continue,
            _ => {}
        }
        general.push(c);
    }
    general
}

fn is_end(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// A name in camel case as words: `perTryTimeout` gives `Per try timeout`.
fn from_name(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut was_upper = true;
    for c in name.chars() {
        let starts_word = c.is_uppercase() && !was_upper;
        was_upper = c.is_uppercase();
        match words.last_mut() {
            Some(word) if !starts_word => word.extend(c.to_lowercase()),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    let words = words.into_iter().map(|word| {
        let known = WORDS.iter().find(|(lower, _)| *lower == word);
        known.map_or(word, |(_, known)| (*known).to_owned())
    });
    let label = words
        .collect::<Vec<_>>()
        .join(" ")
        .replace("external DNS", "ExternalDNS");
    let mut chars = label.chars();
    match chars.next() {
        Some(first) if label.chars().nth(1).is_none_or(char::is_lowercase) => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_from_names() {
        for (path, label) in [
            ("metadata.name", "Mesh name"),
            ("spec.clusters[3].name", "Name"),
            ("spec.clusters[3].gateway.addresses", "Gateway address"),
            ("spec.services[0].failover.perTryTimeout", "Per try timeout"),
            ("spec.dns.externalDns.ownerId", "Owner ID"),
            ("spec.dns.externalDns", "ExternalDNS"),
            ("spec.gitops.repoURL", "Repository URL"),
            ("spec.dns.ttl", "TTL"),
            ("spec.mcs", "MCS"),
            ("spec.services[0].routes[2].match[1].uri", "URI"),
            ("spec.services[0].trafficPolicy", "Traffic policy"),
        ] {
            assert_eq!(of(path), label, "{path}");
        }
    }

    #[test]
    fn items_have_a_name_and_a_number() {
        assert_eq!(long("spec.clusters[1].zone"), "Zone of cluster 2");
        assert_eq!(long("spec.clusters[1].gateway.port"), "Port of cluster 2");
        assert_eq!(
            long("spec.services[0].routes[2].timeout"),
            "Timeout of route 3"
        );
        assert_eq!(long("spec.dns.suffix"), "DNS suffix");
        assert_eq!(item("spec.services[0].routes", 1), "Route 2");
        assert_eq!(item("spec.external", 0), "External host 1");
        assert_eq!(
            general("spec.services[0].routes[12].to"),
            "spec.services[].routes[].to"
        );
    }
}
