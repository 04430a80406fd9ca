//! Import: from existing manifests to the Mesh document that would produce them.
//!
//! Losses are found by comparison, not by a list of known ones: the document is rendered, and every given object and
//! field that is not among the rendered ones is reported, including unforeseen fields.
//!
//! ```text
//! texts ──read──▶ ──engine──▶ manifests of each cluster ──▶ Mesh ──render──▶ compare
//! ```

mod addresses;
mod backends;
mod callers;
mod clusters;
mod comparable;
mod compare;
mod counterparts;
mod credentials;
mod delegates;
mod difference;
mod dns;
mod domains;
mod endpoints;
mod external;
mod external_dns;
mod gateways;
mod gitops;
mod hints;
mod levels;
mod locality;
mod locals;
mod mutual;
mod names;
mod order;
mod partial;
mod policies;
mod ports;
mod read;
mod rewrites;
mod routes;
mod samples;
mod services;
mod sidecars;
mod tls;
mod virtual_services;
mod workloads;
mod world;

use crate::check::{Finding, Findings, Severity, check, code};
use crate::defaults::DEFAULT_ISTIO;
use crate::facts::Facts;
use crate::istio::{IstioVersion, OLDEST_ISTIO};
use crate::kubernetes::ownership::{self, MESH_LABEL};
use crate::manifests::{Object, TooManyCopies};
use crate::mesh::{Dns, Endpoints, Mesh, Metadata, NameLevel, Naming, Service, Spec, Transport};
use names::Names;
pub use read::NotAManifest;
use samples::Samples;
use world::World;

/// A text with manifests: YAML or JSON, any number of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name in findings.
    pub file: String,
    /// The cluster of its objects, unless headings in the text set it.
    pub cluster: Option<String>,
    /// The text.
    pub text: String,
}

impl Source {
    /// A file in a folder of manifests, by its path: the subfolders are named after clusters.
    pub fn in_folder(path: &str, text: String) -> Self {
        let folder = path.split_once('/').map(|(folder, _)| folder);
        Self {
            file: path.to_owned(),
            cluster: folder.map(str::to_owned),
            text,
        }
    }

    /// Whether a file has an extension of manifests.
    pub fn has_usual_ending(path: &str) -> bool {
        let ending = path.rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
    }
}

/// Most paths that a finding names.
const NAMED: usize = 5;

/// Values that override those of the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The mesh's name.
    pub name: Option<String>,
    /// The DNS suffix.
    pub suffix: Option<String>,
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The document, without default values.
    pub mesh: Mesh,
    /// Losses and assumptions. The path is one of the manifests, `<file>: <kind> <namespace>/<name> <field>`, or one of
    /// the document.
    pub findings: Vec<Finding>,
    /// The findings of the checks of the document.
    pub checks: Vec<Finding>,
}

impl Imported {
    /// Whether part of the manifests is not in the document, or was assumed.
    pub fn is_incomplete(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity != Severity::Hint)
    }
}

/// The reason why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No text is a manifest; the first reason.
    #[error("{0}")]
    NotAManifest(NotAManifest),
    /// The manifests exceed the limit.
    #[error("the manifests are too large: {0} bytes together")]
    TooLarge(usize),
    /// The copies of objects exceed the limit.
    #[error(transparent)]
    TooManyCopies(#[from] TooManyCopies),
    /// There are no manifests.
    #[error("there are no manifests")]
    Empty,
    /// The suffix is unknown.
    #[error("the manifests do not have the DNS suffix of published services")]
    NoSuffix,
}

impl ImportError {
    /// The remedy.
    pub fn hint(&self) -> String {
        match self {
            Self::NotAManifest(one) => one.hint.clone(),
            Self::TooLarge(_) => format!("import at most {} bytes at once", read::MAX_BYTES),
            Self::TooManyCopies(_) => {
                "remove clusters from the placement, or routes from the delegate, that has far too many"
                    .to_owned()
            }
            Self::Empty => "name files or folders with the objects of your clusters".to_owned(),
            Self::NoSuffix => {
                "set the suffix, or add the VirtualServices, ServiceEntries or DNSEndpoints with the names"
                    .to_owned()
            }
        }
    }
}

/// Imports manifests.
///
/// # Errors
/// No text is a manifest, or the DNS suffix is unknown.
pub fn import(sources: &[Source], options: &Options) -> Result<Imported, ImportError> {
    let (given, skipped) = read::read(sources)?;
    if given.objects.is_empty() {
        return Err(ImportError::Empty);
    }
    let skipped = skipped.into_iter().map(NotAManifest::skipped);
    let mut findings = Findings(skipped.collect());
    let mut world = world::spread(given, &mut findings)?;
    domains::find(&mut world);
    workloads::select(&mut world);
    virtual_services::prepare(&mut world, &mut findings)?;
    let names = Names::find(&world, options, &mut findings).ok_or(ImportError::NoSuffix)?;
    world.order(&clusters::orders(&world, &names));
    let mesh = document(&world, &names, options, &mut findings);
    let (mut mesh, left_out) = credentials::leave_out(mesh);

    let mut checked = check(&mesh, &Facts::default());
    if let Some(resolved) = &checked.resolved
        && let Some(sidecars) = &mut mesh.spec.sidecars
        && sidecars::without_called(&world, resolved, sidecars)
    {
        checked = check(&mesh, &Facts::default());
    }
    if external::without_refused(&mut mesh, &checked.findings) {
        checked = check(&mesh, &Facts::default());
    }
    match &checked.resolved {
        Some(resolved) => compare::compare(&world, &names, resolved, &mut findings)?,
        None => compare_in_part(&world, &names, &mesh, &left_out, &mut findings)?,
    }
    Ok(Imported {
        mesh,
        findings: findings.0,
        checks: checked.findings,
    })
}

/// Compares the manifests with the part of the document that has no errors; `credentials` are the paths of those in the
/// document, which a comparison would reveal.
fn compare_in_part(
    world: &World,
    names: &Names,
    mesh: &Mesh,
    credentials: &[String],
    findings: &mut Findings,
) -> Result<(), ImportError> {
    let Some((resolved, left_out)) = partial::resolve(mesh) else {
        compare::without_comparison(world, findings);
        for path in credentials {
            findings.warning(
                code::CREDENTIAL_LEFT_OUT,
                path,
                "the manifests have a credential here, which is not imported".into(),
                hints::TO_A_SECRET.into(),
            );
        }
        return Ok(());
    };
    let count = left_out.len();
    let first = left_out.iter().take(NAMED);
    let mut left_out: Vec<String> = first.map(|path| format!("`{path}`")).collect();
    if count > NAMED {
        left_out.push(format!("{} more", count - NAMED));
    }
    findings.warning(
        code::NOT_CARRIED,
        "",
        format!(
            "the document has errors, so it is compared with the manifests without {}",
            left_out.join(", ")
        ),
        "fix the errors below, then check the changes that `plan` shows: what the manifests have there is reported as missing".into(),
    );
    compare::compare(world, names, &resolved, findings)
}

fn document(world: &World, names: &Names, options: &Options, findings: &mut Findings) -> Mesh {
    let name = options.name.clone().or_else(|| mesh_name(world));
    let name = name.unwrap_or_else(|| {
        findings.hint(
            code::ASSUMED,
            "metadata.name",
            "the manifests have no name for the mesh".into(),
            "set a name; it becomes part of the names of objects".into(),
        );
        "mesh".to_owned()
    });
    let mut services = services::find(world, names, findings);
    let naming = services::naming(world, names, &services, findings);
    if naming.is_none() {
        locals::rename(&mut services);
    } else {
        locals::named(world, names, &mut services);
    }
    locals::write(world, &mut services);
    let samples = Samples::find(world, &services);
    policies::add(world, names, &samples, &mut services);
    levels::add(world, names, &mut services);
    let trust_domains = mutual::trust_domains(&services, world.clusters.len(), findings);
    let said = callers::find(world, names, &services);
    let services = services.into_iter().map(|one| (one.service, one.locality));
    let (mut services, localities): (Vec<_>, Vec<_>) = services.unzip();
    let tls = tls::find(world, names, findings);
    let mut clusters = clusters::find(
        world,
        names,
        naming.as_ref(),
        &services,
        tls.is_some(),
        findings,
    );
    for (cluster, domain) in clusters.iter_mut().zip(trust_domains) {
        cluster.trust_domain = domain;
    }
    let with_sidecar = sidecars::namespaces(world);
    for (service, said) in services.iter_mut().zip(said) {
        said.write(service, &clusters, &with_sidecar);
    }
    for (service, locality) in services.iter_mut().zip(localities) {
        let levels = service.levels.as_ref();
        let has_names = levels.is_some_and(|levels| levels.contains(&NameLevel::Cluster));
        let by_zone = !has_names && workloads::endpoints(world, names) == Some(Endpoints::Names);
        service.locality = locality.settle(&clusters, by_zone);
    }
    let mut transport = tls.is_some().then_some(Transport::Tls);
    let is_mutual = |one: &Service| one.transport == Some(Transport::Mtls);
    if !services.is_empty() && services.iter().all(is_mutual) {
        transport = Some(Transport::Mtls);
        for service in &mut services {
            service.transport = None;
        }
    }
    let external = external::hosts(world, names);
    external::without_unused(&mut clusters, &external);
    gateways::assumed_pods(world, &clusters, findings);
    let (target, gitops) = gitops::find(world, findings);
    let dns = Dns {
        suffix: names.suffix.clone(),
        federation: names.federation.clone(),
        naming: naming.map(|_| Naming::Gateway),
        levels: levels::shared(&mut services),
        ttl: dns::ttl(world),
        cluster: dns::cluster(world),
        resolve_host_names: None,
        nameservers: Vec::new(),
        external_dns: external_dns::find(world, &name, &names.suffix),
    };
    let mut mesh = Mesh {
        metadata: Metadata { name },
        spec: Spec {
            target,
            istio: istio(world, names),
            gitops,
            dns,
            transport,
            tls,
            answer_header: routes::answer_header(world),
            clusters,
            services,
            sidecars: sidecars::find(world),
            external,
            samples: samples.placed,
            bookinfo: samples.bookinfo,
            images: samples.images,
            ignore: gitops::ignored(world),
            ..Spec::default()
        },
        ..Mesh::default()
    };
    let usual = mesh.spec.endpoints();
    mesh.spec.endpoints = workloads::endpoints(world, names).filter(|one| *one != usual);
    mesh
}

/// The mesh's name in fedmesh's own objects, by label or by the Gateway's name.
fn mesh_name(world: &World) -> Option<String> {
    let labels = world.objects.iter().find_map(|one| one.label(MESH_LABEL));
    let prefix = ownership::object_name("");
    let gateways = world.of_kind("Gateway");
    let mut gateways = gateways.filter_map(|(_, one)| one.name().strip_prefix(prefix.as_str()));
    labels.or_else(|| gateways.next()).map(str::to_owned)
}

/// An API version is only a lower bound: the newest Istio with the same manifests, if the default has others. fedmesh's
/// objects for 1.0 are recognized by their endpoints.
fn istio(world: &World, names: &Names) -> Option<String> {
    let default = IstioVersion::parse(DEFAULT_ISTIO)?;
    let mut versions = ["VirtualService", "ServiceEntry", "Gateway"]
        .into_iter()
        .flat_map(|kind| world.of_kind(kind))
        .map(|(_, object)| object.version());
    let version = versions.find(|version| !version.is_empty())?;
    // Every Istio accepts the oldest version, which other tools still use.
    let says_nothing =
        version == OLDEST_ISTIO.networking_api() && !world.objects.iter().any(Object::is_ours);
    if says_nothing || version == default.networking_api() || versions.any(|other| other != version)
    {
        return None;
    }
    if version == OLDEST_ISTIO.networking_api() && clusters::are_without_locality(world, names) {
        return Some(OLDEST_ISTIO.to_string());
    }
    let mut older = default;
    while older.minor > 0 {
        older.minor -= 1;
        if older.networking_api() == version {
            return Some(older.to_string());
        }
    }
    None
}
