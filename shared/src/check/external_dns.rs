//! Rules about `spec.dns.externalDns`.

use super::labels::labels;
use super::{Findings, code, provider};
use crate::defaults;
use crate::mesh;
use crate::mesh::Policy;
use crate::name::{HostName, Label};
use crate::render::external_dns::{FILTER_FLAGS, OWN_FLAGS};
use crate::resolved;

pub(super) fn check(
    given: &mesh::ExternalDns,
    mesh_name: Option<&Label>,
    suffix: Option<&HostName>,
    findings: &mut Findings,
) -> Option<resolved::ExternalDns> {
    let plain =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let provider_good = plain(&given.provider);
    if !provider_good {
        findings.error(
            code::EMPTY_PROVIDER,
            "spec.dns.externalDns.provider",
            format!("{:?} is not a provider of ExternalDNS", given.provider),
            "write the provider that holds the zone, such as google, aws or rfc2136".into(),
        );
    }
    let owner_id = given
        .owner_id
        .clone()
        .or_else(|| mesh_name.map(ToString::to_string));
    let owner_good = owner_id
        .as_deref()
        .is_none_or(|id| plain(id) && !id.contains([',', '"', '=']));
    if !owner_good {
        findings.error(
            code::EMPTY,
            "spec.dns.externalDns.ownerId",
            "the owner id is empty or has blanks, commas, quotes or equals signs".into(),
            "use an owner id that no other ExternalDNS of this zone uses".into(),
        );
    }
    let namespace = findings.label(
        "spec.dns.externalDns.namespace",
        given
            .namespace
            .as_deref()
            .unwrap_or(defaults::DEFAULT_EXTERNAL_DNS_NAMESPACE),
        "ExternalDNS's namespace",
    );
    let zone = zone(given, suffix, findings);
    let arguments_good = arguments(given, findings);
    let settings = provider::check(given, findings);
    labels(
        "spec.dns.externalDns.podLabels",
        &given.pod_labels,
        findings,
    );
    let secret = match &given.secret {
        None => None,
        Some(text) => Some(findings.secret(
            "spec.dns.externalDns.secret",
            text,
            "ExternalDNS's namespace",
        )?),
    };
    let mut settings = settings?;
    settings.args.extend(given.args.iter().cloned());
    Some(resolved::ExternalDns {
        provider: provider_good.then(|| given.provider.clone())?,
        owner_id: owner_id.filter(|_| owner_good)?,
        zone: zone?,
        namespace: namespace?,
        args: arguments_good.then_some(settings.args)?,
        env: settings.env,
        credentials: settings.credentials,
        service_account_annotations: given.service_account_annotations.clone(),
        pod_labels: given.pod_labels.clone(),
        policy: given.policy.unwrap_or_default(),
        secret,
    })
}

/// Providers that search their zones for one whose name ends in the domain filter.
const SEARCHED: [&str; 6] = [
    "aws",
    "azure",
    "azure-dns",
    "azure-private-dns",
    "cloudflare",
    "google",
];

/// Labels of a suffix that is probably a part of a hosted zone: `mesh.corp.example.com` in `corp.example.com`. Shorter
/// ones are usually zones of their own.
const DEEP: usize = 4;

/// The hosted zone at the provider.
fn zone(
    given: &mesh::ExternalDns,
    suffix: Option<&HostName>,
    findings: &mut Findings,
) -> Option<HostName> {
    const PATH: &str = "spec.dns.externalDns.zone";
    let suffix = suffix?;
    let Some(text) = &given.zone else {
        let finds_parents = given.settings.get("zoneMatchParent") == Some(&true.into());
        let is_searched = SEARCHED.contains(&given.provider.as_str()) && !finds_parents;
        if is_searched && suffix.labels() >= DEEP {
            findings.hint(
                code::HOSTED_ZONE,
                PATH,
                format!(
                    "ExternalDNS publishes into the zone `{suffix}` at `{}`, and into no zone above it",
                    given.provider
                ),
                "if the hosted zone has a shorter name, set it here; otherwise nothing needs to be changed"
                    .into(),
            );
        }
        return Some(suffix.clone());
    };
    let Ok(zone) = HostName::new(text) else {
        findings.error(
            code::HOSTED_ZONE,
            PATH,
            format!("{text:?} is not a zone"),
            format!("use the suffix `{suffix}`, or a zone that it ends in"),
        );
        return None;
    };
    let is_above = suffix.lies_in(zone.as_str());
    if !is_above {
        findings.error(
            code::HOSTED_ZONE,
            PATH,
            format!("the zone `{zone}` does not contain the suffix `{suffix}`"),
            "use the suffix, or a zone that it ends in".into(),
        );
    }
    is_above.then_some(zone)
}

/// Whether these arguments can be passed to `ExternalDNS`.
fn arguments(given: &mesh::ExternalDns, findings: &mut Findings) -> bool {
    let mut good = true;
    for (index, argument) in given.args.iter().enumerate() {
        let flag = argument
            .strip_prefix("--")
            .filter(|rest| !rest.contains(char::is_control))
            .map(|rest| rest.split('=').next().unwrap_or_default());
        let fault = match flag {
            None | Some("") => (
                format!("{argument:?} is not a flag"),
                "use the form `--flag=value`".to_owned(),
            ),
            Some(flag) if OWN_FLAGS.contains(&flag) => (
                format!("fedmesh sets `--{flag}` itself"),
                "remove it; other fields of the document set this flag".to_owned(),
            ),
            Some(flag) if FILTER_FLAGS.contains(&flag) => {
                good &= filter(flag, index, given.policy.unwrap_or_default(), findings);
                continue;
            }
            Some(_) => continue,
        };
        good = false;
        findings.error(
            code::BAD_ARGUMENT,
            &format!("spec.dns.externalDns.args[{index}]"),
            fault.0,
            fault.1,
        );
    }
    good
}

/// Whether the policy allows a flag that leaves out records.
fn filter(flag: &str, index: usize, policy: Policy, findings: &mut Findings) -> bool {
    let path = format!("spec.dns.externalDns.args[{index}]");
    match policy {
        Policy::Sync => findings.error(
            code::RECORDS_FILTERED,
            &path,
            format!("`--{flag}` leaves out records, and the policy `sync` deletes published ones that are left out"),
            "remove it, or set `policy: upsert-only`".into(),
        ),
        Policy::UpsertOnly => findings.warning(
            code::RECORDS_FILTERED,
            &path,
            format!("`--{flag}` leaves out records, so some names may not resolve"),
            "remove it, unless its records are published by other means".into(),
        ),
    }
    policy == Policy::UpsertOnly
}
