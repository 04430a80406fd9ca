//! Findings in groups: those of one rule about one kind of field are one line, with their number.

use std::collections::{BTreeMap, BTreeSet};

use shared::check::{Finding, Fix, code};

use super::counts::number;
use crate::document::path::steps;
use crate::form::{label, place};
use crate::schema;

/// Findings up to which a group is shown as its findings.
pub(crate) const FEW: usize = 3;

/// Findings that are alike, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) findings: Vec<Finding>,
}

impl Group {
    /// Identifies the group while findings come and go.
    pub(crate) fn key(&self) -> String {
        key(&self.findings[0])
    }

    /// Whether it is one line.
    pub(crate) fn is_large(&self) -> bool {
        self.findings.len() > FEW
    }

    /// What is wrong in all of them: their message if they have one in common, else the title of their rule.
    pub(crate) fn title(&self) -> String {
        let first = &self.findings[0];
        if self.findings.iter().all(|one| one.message == first.message) {
            return capital(&first.message);
        }
        let rule = code::ALL.iter().find(|code| code.id == first.code);
        match rule {
            Some(code) if schema::nearest(&first.path).is_some() => {
                format!("{}: {}", code.title, place::lower(&label::of(&first.path)))
            }
            Some(code) => code.title.to_owned(),
            None => label::of(&first.path),
        }
    }

    /// How many there are, and in what: `100 services`.
    pub(crate) fn count_words(&self) -> String {
        let count = self.findings.len();
        let paths = self.findings.iter();
        let items: BTreeSet<&str> = paths.filter_map(|one| first_item(&one.path)).collect();
        let path = &self.findings[0].path;
        let general = schema::nearest(path).map_or_else(String::new, |_| label::general(path));
        let list = general.split_once("[]").map(|(list, _)| list);
        let Some(list) = list.and_then(|list| list.rsplit('.').next()) else {
            return number(count, "finding");
        };
        let items_in_words = number(items.len(), &label::singular(list));
        if items.len() == count {
            items_in_words
        } else {
            format!("{} in {items_in_words}", number(count, "finding"))
        }
    }

    /// The fixes, if all findings have one.
    pub(crate) fn fixes(&self) -> Option<Vec<Fix>> {
        self.findings.iter().map(|one| one.fix.clone()).collect()
    }
}

/// The groups of findings, in the order of the first finding of each.
pub(crate) fn groups(findings: &[Finding]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known = BTreeMap::new();
    for finding in findings {
        let index = *known.entry(key(finding)).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.findings.push(finding.clone()),
            None => groups.push(Group {
                findings: vec![finding.clone()],
            }),
        }
    }
    groups
}

/// Findings with one key are alike. Without a rule, they have a message in common.
fn key(finding: &Finding) -> String {
    let Finding {
        code,
        severity,
        path,
        message,
        ..
    } = finding;
    let message = if code.is_empty() { message } else { "" };
    // Paths in files that were imported are all different.
    let field = schema::nearest(path).map_or_else(String::new, |_| label::general(path));
    let severity = severity.as_str();
    format!("{severity} {code} {field} {message}")
}

/// The path of the outermost item of a list around a field.
fn first_item(path: &str) -> Option<&str> {
    let item = steps(path).find(|step| step.item().is_some())?;
    Some(&path[..item.end])
}

/// A message as a title.
fn capital(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use shared::check::Severity;

    use super::*;

    fn finding(code: &str, path: String, message: &str) -> Finding {
        Finding {
            code: code.to_owned(),
            severity: Severity::Error,
            path,
            message: message.to_owned(),
            hint: "set the port".to_owned(),
            fix: None,
        }
    }

    #[test]
    fn a_hundred_alike_are_one_line() {
        let missing = |index| {
            finding(
                "FM0104",
                format!("spec.services[{index}].port"),
                "the port is missing",
            )
        };
        let mut findings: Vec<Finding> = (0..100).map(missing).collect();
        // Others of the same rule are not alike, wherever they are in the list.
        findings.insert(
            50,
            finding("FM0104", "spec.dns.suffix".into(), "the suffix is missing"),
        );
        let groups = groups(&findings);
        let [ports, suffix] = &groups[..] else {
            panic!("{groups:?}")
        };
        assert_eq!(ports.title(), "The port is missing");
        assert_eq!(ports.count_words(), "100 services");
        assert!(ports.is_large() && !suffix.is_large());
        assert_ne!(ports.key(), suffix.key());
        assert_eq!(suffix.count_words(), "1 finding");
    }

    #[test]
    fn messages_that_differ_have_the_title_of_their_rule() {
        let at = |path: &str, text: &str| finding("FM0101", path.to_owned(), text);
        let group = |findings: &[Finding]| {
            let mut groups = groups(findings);
            assert_eq!(groups.len(), 1);
            groups.remove(0)
        };
        let names = group(&[
            at("spec.clusters[0].name", "`A` has capitals"),
            at("spec.clusters[1].name", "`B` has capitals"),
        ]);
        assert_eq!(names.title(), "Invalid DNS label: name");
        assert_eq!(names.count_words(), "2 clusters");
        let callers = group(&[
            at("spec.services[0].callers[0].namespace", "a"),
            at("spec.services[0].callers[1].namespace", "a"),
        ]);
        assert_eq!(callers.count_words(), "2 findings in 1 service");
    }

    #[test]
    fn a_group_has_fixes_if_all_have_one() {
        let with = |value: Option<&str>, index: usize| {
            let path = format!("spec.services[{index}].namespace");
            Finding {
                fix: value.map(|value| Fix {
                    path: path.clone(),
                    value: value.to_owned(),
                }),
                ..finding("FM0101", path, "invalid")
            }
        };
        let all = groups(&[with(Some("a"), 0), with(Some("b"), 1)]);
        assert_eq!(all[0].fixes().unwrap().len(), 2);
        let some = groups(&[with(Some("a"), 0), with(None, 1)]);
        assert_eq!(some[0].fixes(), None);
    }
}
