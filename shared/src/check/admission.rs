//! Rules about pass-through fields whose values conflict. Istio's own admission refuses them (`pkg/config/validation`,
//! and the schemas of its kinds), but only at an apply.

use serde_json::{Map, Value};

use super::headers::{is_authority, is_header, is_matched};
use super::{Findings, code};
use crate::passthrough::{self, Message};

/// A route with its pass-through fields; `at` is its path.
pub(super) fn route(at: &str, route: &Map<String, Value>, findings: &mut Findings) {
    let mut rules = Rules { findings };
    rules.all(at, passthrough::route(), route);
    rules.part(at, route, "redirect", |rules, at, redirect| {
        rules.prefix_rewrite(at, redirect, route);
    });
    rules.part(at, route, "retries", Rules::retries);
    for (index, one) in items(route.get("match")) {
        rules.matched(&format!("{at}.match[{index}]"), one);
    }
    let rewritten = route
        .get("rewrite")
        .is_some_and(|rewrite| !rewrite["authority"].is_null());
    rules.headers(at, route, rewritten);
    for (index, share) in items(route.get("to")) {
        rules.headers(&format!("{at}.to[{index}]"), share, false);
    }
}

/// Traffic policy of a service or a subset. Returns whether Istio accepts it; otherwise there are findings.
pub(super) fn traffic_policy(
    at: &str,
    policy: &Map<String, Value>,
    findings: &mut Findings,
) -> bool {
    let before = findings.0.len();
    let mut rules = Rules { findings };
    rules.all(at, passthrough::traffic_policy(), policy);
    rules.part(at, policy, "connectionPool", |rules, at, pool| {
        rules.part(at, pool, "http", Rules::protocols);
    });
    rules.part(at, policy, "loadBalancer", |rules, at, balancer| {
        rules.part(at, balancer, "consistentHash", |rules, at, hash| {
            rules.part(at, hash, "httpCookie", Rules::cookie);
        });
    });
    rules.part(at, policy, "outlierDetection", Rules::outlier_detection);
    findings.0.len() == before
}

/// The same for outlier detection.
pub(super) fn outlier_detection(
    at: &str,
    given: &Map<String, Value>,
    findings: &mut Findings,
) -> bool {
    let before = findings.0.len();
    let mut rules = Rules { findings };
    rules.all(at, passthrough::outlier_detection(), given);
    rules.outlier_detection(at, given);
    findings.0.len() == before
}

fn items(list: Option<&Value>) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items
        .enumerate()
        .filter_map(|(index, item)| Some((index, item.as_object()?)))
}

struct Rules<'a> {
    findings: &'a mut Findings,
}

impl Rules<'_> {
    fn refused(&mut self, at: &str, what: &str, hint: &str) {
        self.findings
            .error(code::ISTIO_REFUSES, at, what.into(), hint.into());
    }

    /// The sets of fields of which a message, or one in it, has to have one, at least or at most.
    fn all(&mut self, at: &str, message: &'static Message, given: &Map<String, Value>) {
        passthrough::each_message(message, given, at, &mut |at, message, given| {
            for names in &message.at_least_one {
                self.at_least_one(at, given, names);
            }
            for names in &message.at_most_one {
                self.at_most_one(at, given, names);
            }
        });
    }

    /// Checks a part, if it is set.
    fn part(
        &mut self,
        at: &str,
        whole: &Map<String, Value>,
        name: &str,
        rule: impl Fn(&mut Self, &str, &Map<String, Value>),
    ) {
        if let Some(Value::Object(part)) = whole.get(name) {
            rule(self, &format!("{at}.{name}"), part);
        }
    }

    fn at_least_one(&mut self, at: &str, given: &Map<String, Value>, names: &[String]) {
        if !names.iter().any(|name| given.contains_key(name)) {
            let what = if names.len() == 1 {
                "add it"
            } else {
                "add one of them"
            };
            let names = names.join("` or `");
            self.refused(at, &format!("`{names}` is missing"), what);
        }
    }

    fn at_most_one(&mut self, at: &str, given: &Map<String, Value>, names: &[String]) {
        let there = names.iter().filter(|name| given.contains_key(*name));
        let there: Vec<&str> = there.map(String::as_str).collect();
        if there.len() > 1 {
            let there = there.join("` and `");
            self.refused(at, &format!("`{there}` conflict"), "remove all but one");
        }
    }

    fn protocols(&mut self, at: &str, http: &Map<String, Value>) {
        let upgrades = http.get("h2UpgradePolicy") == Some(&"UPGRADE".into());
        if upgrades && http.get("useClientProtocol") == Some(&true.into()) {
            self.refused(
                at,
                "`useClientProtocol: true` conflicts with `h2UpgradePolicy: UPGRADE`",
                "remove `useClientProtocol` or `h2UpgradePolicy`",
            );
        }
    }

    fn cookie(&mut self, at: &str, cookie: &Map<String, Value>) {
        let mut names = Vec::new();
        for (index, attribute) in items(cookie.get("attributes")) {
            let Some(name) = attribute.get("name") else {
                continue;
            };
            if names.contains(&name) {
                self.refused(
                    &format!("{at}.attributes[{index}]"),
                    &format!("attribute {name} is listed twice"),
                    "list each attribute once",
                );
            }
            names.push(name);
        }
    }

    /// A redirect replaces the prefix that a route matches, so each of its paths has to be one.
    fn prefix_rewrite(
        &mut self,
        at: &str,
        redirect: &Map<String, Value>,
        route: &Map<String, Value>,
    ) {
        let is_other = |one: &Map<String, Value>| one["uri"]["prefix"].is_null();
        let mut matches = items(route.get("match")).filter(|(_, one)| one.contains_key("uri"));
        let others = route.contains_key("exact")
            || route.contains_key("regex")
            || matches.any(|(_, one)| is_other(one));
        if redirect.contains_key("prefixRewrite") && others {
            self.refused(
                at,
                "`prefixRewrite` requires that each path of the route is a prefix",
                "match paths by `prefix`, or set `uri` instead",
            );
        }
    }

    fn retries(&mut self, at: &str, retries: &Map<String, Value>) {
        let none = retries
            .get("attempts")
            .and_then(Value::as_u64)
            .is_none_or(|attempts| attempts == 0);
        let how = ["perTryTimeout", "retryOn", "retryRemoteLocalities"];
        if none && how.iter().any(|name| retries.contains_key(*name)) {
            self.refused(
                at,
                "`perTryTimeout`, `retryOn` and `retryRemoteLocalities` require `attempts` of at least 1",
                "set `attempts` to at least 1, or remove the other fields",
            );
        }
    }

    fn outlier_detection(&mut self, at: &str, given: &Map<String, Value>) {
        let counted = given
            .get("consecutiveLocalOriginFailures")
            .and_then(Value::as_u64)
            .is_some_and(|failures| failures > 0);
        if counted && given.get("splitExternalLocalOriginErrors") != Some(&true.into()) {
            self.refused(
                at,
                "`consecutiveLocalOriginFailures` requires `splitExternalLocalOriginErrors: true`",
                "set `splitExternalLocalOriginErrors: true`",
            );
        }
    }

    fn matched(&mut self, at: &str, given: &Map<String, Value>) {
        for field in ["headers", "withoutHeaders"] {
            for name in names(given.get(field)).filter(|name| !is_matched(name)) {
                self.refused(
                    &format!("{at}.{field}"),
                    &format!("{name:?} is not a header name"),
                    "use a header name such as `x-user`",
                );
            }
        }
    }

    /// Changes of headers in `given`; `authority` is whether another field sets the host already.
    fn headers(&mut self, at: &str, given: &Map<String, Value>, authority: bool) {
        let Some(headers) = given.get("headers") else {
            return;
        };
        let mut hosts = usize::from(authority);
        for side in ["request", "response"] {
            for change in ["set", "add", "remove"] {
                let changed = &headers[side][change];
                let listed = changed.as_array().into_iter().flatten();
                let listed = listed.filter_map(Value::as_str);
                for name in names(Some(changed)).chain(listed) {
                    let settable = side == "request" && change != "remove" && is_authority(name);
                    hosts += usize::from(settable);
                    if !settable && (!is_header(name) || is_authority(name)) {
                        self.refused(
                            &format!("{at}.headers.{side}.{change}"),
                            &format!("header {name:?} cannot be changed here"),
                            "use a header name such as `x-user`; or set `host` in requests",
                        );
                    }
                }
            }
        }
        if hosts > 1 {
            self.refused(
                &format!("{at}.headers.request"),
                "the host of requests is set more than once",
                "set it once, with `rewrite.authority` or one header",
            );
        }
    }
}

fn names(fields: Option<&Value>) -> impl Iterator<Item = &str> {
    let fields = fields.and_then(Value::as_object).into_iter().flatten();
    fields.map(|(name, _)| name.as_str())
}
