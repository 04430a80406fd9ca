//! The ClusterRole that grants permissions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Command, Needs};
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;

/// A rule of a role: all verbs on all resources, which are of one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// Plurals, sorted; one where names restrict it.
    pub resources: BTreeSet<Cow<'static, str>>,
    /// Names of objects; empty for all.
    pub names: BTreeSet<String>,
    /// Sorted.
    pub verbs: BTreeSet<Cow<'static, str>>,
}

impl Needs {
    /// The rules that grant these permissions in all namespaces, and no others. Sorted.
    pub fn rules(&self) -> Vec<Rule> {
        /// By verb, the names; `None` without a restriction.
        type Verbs = BTreeMap<Cow<'static, str>, Option<BTreeSet<String>>>;
        let mut resources: BTreeMap<_, Verbs> = BTreeMap::new();
        for (one, _) in self.iter() {
            let on = (one.group.clone(), one.resource.clone());
            let verbs = resources.entry(on).or_default();
            let names = verbs
                .entry(one.verb.clone())
                .or_insert_with(|| Some(BTreeSet::new()));
            match (&one.name, names.as_mut()) {
                (Some(name), Some(names)) => {
                    names.insert(name.clone());
                }
                (None, _) => *names = None,
                (Some(_), None) => {}
            }
        }
        let mut rules: BTreeMap<_, BTreeSet<Cow<'static, str>>> = BTreeMap::new();
        for ((group, resource), verbs) in resources {
            let mut by_names: BTreeMap<BTreeSet<String>, BTreeSet<Cow<'static, str>>> =
                BTreeMap::new();
            for (verb, names) in verbs {
                by_names
                    .entry(names.unwrap_or_default())
                    .or_default()
                    .insert(verb);
            }
            for (names, verbs) in by_names {
                // Names are those of one resource.
                let only = (!names.is_empty()).then(|| resource.clone());
                let rule = rules.entry((group.clone(), only, names, verbs));
                rule.or_default().insert(resource.clone());
            }
        }
        let rules = rules.into_iter();
        let mut rules: Vec<Rule> = rules
            .map(|((group, _, names, verbs), resources)| Rule {
                group,
                resources,
                names,
                verbs,
            })
            .collect();
        rules.sort();
        rules
    }
}

impl Rule {
    /// As `PolicyRule` of `rbac.authorization.k8s.io/v1`.
    pub fn to_json(&self) -> Value {
        let mut rule = json!({ "apiGroups": [self.group], "resources": self.resources });
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule["verbs"] = json!(self.verbs);
        rule
    }
}

/// A ClusterRole, `fedmesh-<mesh>-<command>`, that grants the permissions.
pub fn cluster_role(mesh: &str, command: Command, needs: &Needs) -> Object {
    let name = format!("{}-{}", ownership::object_name(mesh), command.as_str());
    let rules: Vec<Value> = needs.rules().iter().map(Rule::to_json).collect();
    Object::new(Kind::CLUSTER_ROLE, None, name, json!({ "rules": rules }))
}
