//! A report as text, the same for terminals, pull requests and the page.

use std::collections::BTreeMap;

use super::{Check, Counts, Explanation, Family, Outcome, Report};

impl Report {
    /// `10 checks: 6 passed, 2 failed`
    pub fn summary(&self) -> String {
        self.counts().summary()
    }
}

impl Counts {
    /// `10 checks: 6 passed, 2 failed`
    pub fn summary(self) -> String {
        let Self {
            passed,
            failed,
            could_not_check,
            advisory,
        } = self;
        let mut parts = vec![format!("{passed} passed")];
        for (count, words) in [
            (failed, "failed"),
            (could_not_check, "could not be checked"),
            (advisory, "for information"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        let checks = match passed + failed + could_not_check + advisory {
            1 => "1 check".to_owned(),
            count => format!("{count} checks"),
        };
        format!("{checks}: {}", parts.join(", "))
    }
}

impl Check {
    /// The subject of the check, in one line.
    pub fn subject(&self) -> String {
        let mut words = Vec::new();
        for word in [&self.cluster, &self.service, &self.level, &self.host] {
            if !word.is_empty() {
                words.push(word.as_str());
            }
        }
        words.join(" ")
    }

    /// The observed result, in one line.
    pub fn seen_in_words(&self) -> String {
        let seen = &self.seen;
        let mut parts = Vec::new();
        if let Some(status) = seen.status {
            parts.push(format!("status {status}"));
        }
        if let Some(cluster) = &seen.answered_by {
            parts.push(format!("from {cluster}"));
        }
        if !seen.addresses.is_empty() {
            parts.push(seen.addresses.join(", "));
        }
        if !seen.text.is_empty() {
            parts.push(seen.text.lines().collect::<Vec<_>>().join(" "));
        }
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        if let Some(milliseconds) = seen.milliseconds {
            parts.push(format!("in {milliseconds} ms"));
        }
        parts.join(" ")
    }

    /// The outcome in a word or two; advisory checks have their own.
    pub const fn verdict(&self) -> &'static str {
        match (self.outcome, self.advisory) {
            (Outcome::Passed, _) => "passed",
            (_, true) => "for information",
            (outcome, false) => outcome.as_str(),
        }
    }

    /// A cell of a table: `ok` with the time, or the code of the cause.
    pub fn cell(&self) -> String {
        match (self.outcome, &self.cause, self.seen.milliseconds) {
            (Outcome::Passed, _, Some(milliseconds)) => format!("ok {milliseconds} ms"),
            (Outcome::Passed, _, None) => "ok".to_owned(),
            (_, Some(cause), _) if self.advisory => format!("({})", cause.code),
            (_, Some(cause), _) => cause.code.clone(),
            (outcome, None, _) => outcome.as_str().to_owned(),
        }
    }

    /// The caller or callee: the client's cluster, a gateway with its address, a name server.
    pub fn who(&self) -> String {
        match (self.family, self.cluster.as_str()) {
            (Family::Call, cluster) => cluster.to_owned(),
            (_, "") => self.asked.clone(),
            (Family::Gateway, cluster) => format!("{cluster} {}", self.asked),
            (_, cluster) => cluster.to_owned(),
        }
    }
}

/// The display name of a host among the checks of its service: its level, with the region, zone or cluster that it has in
/// addition to the global name. A port after it stays.
pub fn name_of<'a>(host: &str, checks: impl IntoIterator<Item = &'a Check> + Clone) -> String {
    let known = checks
        .clone()
        .into_iter()
        .find(|check| check.host == host && !check.level.is_empty());
    let Some(known) = known else {
        return host.to_owned();
    };
    let global = checks
        .into_iter()
        .find(|check| check.service == known.service && check.level == "global");
    let bare = without_port(host);
    let mut name = known.level.clone();
    if let ("region" | "zone" | "cluster", Some(global)) = (known.level.as_str(), global) {
        name = format!("{name} {}", between(bare, without_port(&global.host)));
    }
    name + &host[bare.len()..]
}

fn without_port(host: &str) -> &str {
    host.split(':').next().unwrap_or(host)
}

/// The labels of a host that a shorter one, otherwise the same, does not have.
fn between<'a>(host: &'a str, shorter: &str) -> &'a str {
    let start: usize = host
        .split_inclusive('.')
        .zip(shorter.split_inclusive('.'))
        .take_while(|(a, b)| a == b)
        .map(|(label, _)| label.len())
        .sum();
    let rest = &host[start..];
    rest.strip_suffix(&shorter[start..])
        .unwrap_or(rest)
        .trim_end_matches('.')
}

/// Checks that did not pass for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<'a> {
    /// The reason.
    pub cause: &'a Explanation,
    /// The checks, in the order of the report.
    pub checks: Vec<&'a Check>,
}

/// One entry for each cause with the same text, so that a hundred checks with one fault are one; in the order of the
/// report.
pub fn faults(checks: &[Check]) -> Vec<Fault<'_>> {
    let mut known = BTreeMap::new();
    let mut faults: Vec<Fault<'_>> = Vec::new();
    for check in checks {
        let Some(cause) = &check.cause else { continue };
        if check.outcome == Outcome::Passed {
            continue;
        }
        let at = *known.entry(cause.message.as_str()).or_insert_with(|| {
            let checks = Vec::new();
            faults.push(Fault { cause, checks });
            faults.len() - 1
        });
        faults[at].checks.push(check);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn additional_labels_of_a_name() {
        let global = "orders.sales.external.svc.mesh.example.org";
        for (host, more) in [
            ("orders.sales.external.svc.eu.mesh.example.org", "eu"),
            (
                "orders.sales.external.svc.eu-a.eu.mesh.example.org",
                "eu-a.eu",
            ),
            (global, ""),
            ("other.example.net", "other.example.net"),
        ] {
            assert_eq!(between(host, global), more, "{host}");
        }
    }
}
