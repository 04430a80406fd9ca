//! Checks: from the document to findings and, without an error, a [`Resolved`].
//!
//! A check never fails: it reports all findings, so that the page can always be rendered.

mod addresses;
mod admission;
mod callers;
mod chosen;
mod clusters;
mod credentials;
mod dns;
mod domains;
mod endpoints;
mod external;
mod external_dns;
mod external_port;
mod failover;
mod fields;
mod gateway_api;
mod gitops;
mod headers;
mod ignore;
mod istio;
mod labels;
mod levels;
mod locality;
mod mcs;
mod mtls;
mod overrides;
mod ports;
mod provider;
mod routes;
mod samples;
mod services;
mod sidecars;
mod tls;

pub(crate) use crate::findings::Findings;
pub use crate::findings::{Finding, Fix, Severity, code};
pub(crate) use failover::is_connect_timeout;

use crate::defaults;
use crate::engine;
use crate::facts::Facts;
use crate::kubernetes::ownership;
use crate::mesh::{BookinfoProgram, Images, Mesh, Sample};
use crate::render::shared_ports;
use crate::resolved::{self, Resolved};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// All findings, errors first, then in the order of the document.
    pub findings: Vec<Finding>,
    /// The document to render; set if no finding is an error.
    pub resolved: Option<Resolved>,
}

impl Checked {
    /// Number of findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    }
}

/// Checks a document with the known facts about the clusters.
pub fn check(mesh: &Mesh, facts: &Facts) -> Checked {
    let mut findings = Findings::default();
    let resolved = resolve(mesh, facts, &mut findings);
    credentials::check(mesh, &mut findings);
    let mut findings = findings.0;
    findings.sort_by_key(|finding| finding.severity);
    let failed = findings
        .first()
        .is_some_and(|f| f.severity == Severity::Error);
    Checked {
        findings,
        resolved: if failed { None } else { resolved },
    }
}

/// `None` only together with at least one error in `findings`.
fn resolve(mesh: &Mesh, facts: &Facts, findings: &mut Findings) -> Option<Resolved> {
    let spec = &mesh.spec;
    let name = findings.label("metadata.name", &mesh.metadata.name, "the mesh");
    if let Some(name) = &name
        && name.as_str().len() > ownership::MESH_NAME_MAX
    {
        findings.error(
            code::NAME_TOO_LONG,
            "metadata.name",
            format!(
                "the mesh name `{name}` has {} characters",
                name.as_str().len()
            ),
            format!(
                "use at most {} characters: the mesh name is part of the names of objects",
                ownership::MESH_NAME_MAX
            ),
        );
    }
    let istio = istio::version(spec.istio.as_deref(), findings);
    let clusters = clusters::check(spec, facts, findings);
    let dns = dns::check(spec, facts, name.as_ref(), clusters.as_deref(), findings);
    let gitops = gitops::check(spec, findings);
    let services = services::check(spec, dns.as_ref(), clusters.as_deref(), findings);
    let external = external::check(spec, name.as_ref(), istio, services.as_deref(), findings);
    endpoints::check(spec, findings);
    levels::check(spec, findings);
    let sidecars = sidecars::hosts(spec.sidecars.as_ref(), findings);
    mtls::mixed(spec, findings);
    let tls = tls::check(spec, istio, findings);
    let images = images(spec.images.as_ref(), findings);
    let ignore = ignore::rules(spec, findings);
    gateway_api::check(spec, istio, services.as_deref(), findings);
    let target = spec.target.unwrap_or_default();
    engine::of(target).check(spec, findings);
    mcs::check(spec, findings);
    istio::lacking(spec, istio, findings);

    let resolved = Resolved {
        name: name?,
        target,
        istio: istio?,
        gitops,
        dns: dns?,
        endpoints: spec.endpoints(),
        sidecars: sidecars?,
        tls: tls?,
        answer_header: spec.answer_header.unwrap_or(true) && !istio?.is_oldest(),
        gateway_api: spec.gateway_api.unwrap_or_default(),
        clusters: clusters?,
        shared_ports: services.as_deref().map(shared_ports).unwrap_or_default(),
        services: services?,
        external: external?,
        samples: Sample::ALL
            .into_iter()
            .filter(|sample| spec.samples.contains(sample))
            .collect(),
        bookinfo: spec.bookinfo.as_ref().and_then(|bookinfo| bookinfo.routes),
        images: images?,
        ignore: ignore?,
    };
    clusters::check_ports(&resolved, findings);
    locality::check_callers(spec, &resolved, findings);
    dns::check_records(&resolved, findings);
    addresses::check(spec, &resolved, findings);
    addresses::loops(&resolved, findings);
    domains::mirrors(spec, &resolved, findings);
    engine::of(target).limits(&resolved, findings);
    levels::check_gateways(&resolved, findings);
    tls::certificates(&resolved, findings);
    samples::check(&resolved, findings);
    mtls::check(spec, &resolved, findings);
    callers::check(&resolved, findings);
    sidecars::check(&resolved, findings);
    istio::check(spec, &resolved, findings);
    ignore::check(&resolved, findings);
    Some(resolved)
}

fn images(images: Option<&Images>, findings: &mut Findings) -> Option<resolved::Images> {
    let mut one = |field: &str, given: Option<&String>, pinned: &str| {
        let image = given.map_or(pinned, String::as_str);
        if image.is_empty() || image.chars().any(|c| c.is_whitespace() || c.is_control()) {
            findings.error(
                code::BAD_IMAGE,
                &format!("spec.images.{field}"),
                format!("{image:?} is not an image reference"),
                format!("write one such as {pinned}, or remove the field"),
            );
            return None;
        }
        Some(image.to_owned())
    };
    let httpbin = one(
        "httpbin",
        images.and_then(|i| i.httpbin.as_ref()),
        defaults::HTTPBIN_IMAGE,
    );
    let sleep = one(
        "sleep",
        images.and_then(|i| i.sleep.as_ref()),
        defaults::SLEEP_IMAGE,
    );
    let external_dns = one(
        "externalDns",
        images.and_then(|i| i.external_dns.as_ref()),
        defaults::EXTERNAL_DNS_IMAGE,
    );
    let bookinfo: Vec<_> = BookinfoProgram::ALL
        .into_iter()
        .map(|program| {
            let field = format!("bookinfo.{}", program.as_str());
            let given = images.and_then(|i| i.bookinfo.get(&program));
            Some((program, one(&field, given, &program.image())?))
        })
        .collect();
    Some(resolved::Images {
        httpbin: httpbin?,
        sleep: sleep?,
        bookinfo: bookinfo.into_iter().collect::<Option<_>>()?,
        external_dns: external_dns?,
    })
}

/// Parses a port; otherwise there is a finding.
fn port(findings: &mut Findings, path: &str, port: u32) -> Option<u16> {
    let number = u16::try_from(port).ok().filter(|&number| number != 0);
    if number.is_none() {
        findings.error(
            code::BAD_PORT,
            path,
            format!("port `{port}` is out of range (1–65535)"),
            "use a port from 1 to 65535".into(),
        );
    }
    number
}
