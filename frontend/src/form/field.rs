//! The fields of the form: the path, label and placeholder of each one, and how its text becomes a value and
//! back.

use shared::defaults;
use shared::mesh::{Endpoints, Gateway, Gitops, Images, Mesh, Naming, Service, Target};

use super::callers;
use super::texts::{
    levels, levels_text, number, number_text, option, routes_text, set_paths, words,
};

/// Paths of the document that the form shows, at least in part.
const SHOWN: [&str; 10] = [
    "metadata.name",
    "spec.target",
    "spec.endpoints",
    "spec.gitops",
    "spec.istio",
    "spec.dns",
    "spec.images",
    "spec.samples",
    "spec.clusters",
    "spec.services",
];

/// Whether the form has a field for the path of a finding, or for a parent of it.
pub(crate) fn has_field(path: &str) -> bool {
    SHOWN.iter().any(|shown| {
        let rest = path.strip_prefix(shown);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    MeshName,
    Target,
    RepoUrl,
    RepoPath,
    RepoBranch,
    RepoSecret,
    Istio,
    Suffix,
    Federation,
    Ttl,
    Naming,
    Levels,
    Endpoints,
    DnsCluster,
    Provider,
    OwnerId,
    ExternalDnsNamespace,
    HttpbinImage,
    SleepImage,
    ExternalDnsImage,
    Cluster(usize, ClusterField),
    Service(usize, ServiceField),
}

/// A field of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClusterField {
    Name,
    Region,
    Zone,
    Context,
    Addresses,
    ClusterIp,
}

/// A field of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceField {
    Name,
    Namespace,
    Port,
    Hostname,
    Routes,
    Callers,
    Selector,
}

impl ClusterField {
    /// The columns of the table, in their order.
    pub(crate) const COLUMNS: [Self; 5] = [
        Self::Name,
        Self::Region,
        Self::Zone,
        Self::Context,
        Self::Addresses,
    ];
}

impl ServiceField {
    /// The columns of the table, in their order.
    pub(crate) const COLUMNS: [Self; 4] = [Self::Name, Self::Namespace, Self::Port, Self::Hostname];
}

impl Field {
    /// The path in the document, which is also the id of the input.
    pub(crate) fn path(self) -> String {
        let fixed = match self {
            Self::MeshName => "metadata.name",
            Self::Target => "spec.target",
            Self::RepoUrl => "spec.gitops.repoURL",
            Self::RepoPath => "spec.gitops.path",
            Self::RepoBranch => "spec.gitops.branch",
            Self::RepoSecret => "spec.gitops.secret",
            Self::Istio => "spec.istio",
            Self::Suffix => "spec.dns.suffix",
            Self::Federation => "spec.dns.federation",
            Self::Ttl => "spec.dns.ttl",
            Self::Naming => "spec.dns.naming",
            Self::Levels => "spec.dns.levels",
            Self::Endpoints => "spec.endpoints",
            Self::DnsCluster => "spec.dns.cluster",
            Self::Provider => "spec.dns.externalDns.provider",
            Self::OwnerId => "spec.dns.externalDns.ownerId",
            Self::ExternalDnsNamespace => "spec.dns.externalDns.namespace",
            Self::HttpbinImage => "spec.images.httpbin",
            Self::SleepImage => "spec.images.sleep",
            Self::ExternalDnsImage => "spec.images.externalDns",
            Self::Cluster(index, field) => {
                let field = match field {
                    ClusterField::Name => "name",
                    ClusterField::Region => "region",
                    ClusterField::Zone => "zone",
                    ClusterField::Context => "context",
                    ClusterField::Addresses => "gateway.addresses",
                    ClusterField::ClusterIp => "gateway.clusterIP",
                };
                return format!("spec.clusters[{index}].{field}");
            }
            Self::Service(index, field) => {
                let field = match field {
                    ServiceField::Name => "name",
                    ServiceField::Namespace => "namespace",
                    ServiceField::Port => "port",
                    ServiceField::Hostname => "hostname",
                    ServiceField::Routes => "routes",
                    ServiceField::Callers => "callers",
                    ServiceField::Selector => "selector",
                };
                return format!("spec.services[{index}].{field}");
            }
        };
        fixed.to_owned()
    }

    /// The label of the field, or of its column.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::MeshName => "Mesh name",
            Self::Target => "Engine",
            Self::RepoUrl => "Git repository",
            Self::RepoPath => "Folder",
            Self::RepoBranch => "Branch",
            Self::RepoSecret => "Secret for Flux",
            Self::Istio => "Istio version",
            Self::Suffix => "DNS suffix",
            Self::Federation => "Federation",
            Self::Ttl => "TTL",
            Self::Naming => "Names start with",
            Self::Levels => "Levels of names",
            Self::Endpoints => "Endpoints",
            Self::DnsCluster => "DNS cluster",
            Self::Provider => "ExternalDNS provider",
            Self::OwnerId => "Owner ID",
            Self::ExternalDnsNamespace => "ExternalDNS namespace",
            Self::HttpbinImage => "httpbin image",
            Self::SleepImage => "sleep image",
            Self::ExternalDnsImage => "ExternalDNS image",
            Self::Cluster(_, ClusterField::Name) | Self::Service(_, ServiceField::Name) => "Name",
            Self::Cluster(_, ClusterField::Region) => "Region",
            Self::Cluster(_, ClusterField::Zone) => "Zone",
            Self::Cluster(_, ClusterField::Context) => "Context",
            Self::Cluster(_, ClusterField::Addresses) => "Gateway address",
            Self::Cluster(_, ClusterField::ClusterIp) => "Gateway cluster IP",
            Self::Service(_, ServiceField::Namespace) => "Namespace",
            Self::Service(_, ServiceField::Port) => "Port",
            Self::Service(_, ServiceField::Hostname) => "Hostname",
            Self::Service(_, ServiceField::Routes) => "Allowed paths",
            Self::Service(_, ServiceField::Callers) => "Callers",
            Self::Service(_, ServiceField::Selector) => "Pod labels",
        }
    }

    /// The name of the field outside of its row: `Zone of cluster 2`.
    pub(crate) fn long_label(self) -> String {
        match self {
            Self::Cluster(index, _) => format!("{} of cluster {}", self.label(), index + 1),
            Self::Service(index, _) => format!("{} of service {}", self.label(), index + 1),
            _ => self.label().to_owned(),
        }
    }

    /// Whether the text is a number.
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::Ttl | Self::Service(_, ServiceField::Port))
    }

    /// The placeholder: the default, or an example of a required value.
    pub(crate) fn placeholder(self, mesh: &Mesh) -> String {
        let cluster = |index: usize| mesh.spec.clusters.get(index);
        match self {
            Self::RepoUrl => "https://…".to_owned(),
            Self::RepoPath => "root of the repository".to_owned(),
            Self::RepoBranch => defaults::DEFAULT_BRANCH.to_owned(),
            Self::Istio => defaults::DEFAULT_ISTIO.to_owned(),
            Self::Suffix => "mesh.example.com".to_owned(),
            Self::Federation => defaults::DEFAULT_FEDERATION.to_owned(),
            Self::Ttl => defaults::DEFAULT_TTL.to_string(),
            Self::RepoSecret | Self::Provider | Self::Service(_, ServiceField::Hostname) => {
                "none".to_owned()
            }
            Self::OwnerId if mesh.spec.dns.external_dns.is_some() => mesh.metadata.name.clone(),
            Self::ExternalDnsNamespace => defaults::DEFAULT_EXTERNAL_DNS_NAMESPACE.to_owned(),
            Self::HttpbinImage => defaults::HTTPBIN_IMAGE.to_owned(),
            Self::SleepImage => defaults::SLEEP_IMAGE.to_owned(),
            Self::ExternalDnsImage => defaults::EXTERNAL_DNS_IMAGE.to_owned(),
            Self::Cluster(index, ClusterField::Context) => {
                cluster(index).map(|c| c.name.clone()).unwrap_or_default()
            }
            Self::Cluster(_, ClusterField::Addresses) => "unknown".to_owned(),
            Self::Cluster(_, ClusterField::ClusterIp) => "detected".to_owned(),
            Self::Service(_, ServiceField::Namespace) => defaults::DEFAULT_NAMESPACE.to_owned(),
            Self::Service(_, ServiceField::Routes) => "all paths".to_owned(),
            Self::Service(_, ServiceField::Callers) => "all clients".to_owned(),
            Self::Service(_, ServiceField::Selector) => "none".to_owned(),
            _ => String::new(),
        }
    }

    /// The text of the field.
    pub(crate) fn get(self, mesh: &Mesh) -> String {
        let spec = &mesh.spec;
        let dns = &spec.dns;
        let external = dns.external_dns.as_ref();
        let images = spec.images.as_ref();
        let gitops = spec.gitops.as_ref();
        let text = |option: Option<&String>| option.cloned().unwrap_or_default();
        match self {
            Self::MeshName => mesh.metadata.name.clone(),
            Self::Target => spec.target.unwrap_or_default().as_str().to_owned(),
            Self::RepoUrl => text(gitops.map(|g| &g.repo_url)),
            Self::RepoPath => text(gitops.and_then(|g| g.path.as_ref())),
            Self::RepoBranch => text(gitops.and_then(|g| g.branch.as_ref())),
            Self::RepoSecret => text(gitops.and_then(|g| g.secret.as_ref())),
            Self::Istio => text(spec.istio.as_ref()),
            Self::Suffix => dns.suffix.clone(),
            Self::Federation => text(dns.federation.as_ref()),
            Self::Ttl => number_text(dns.ttl),
            Self::Naming => match dns.naming.unwrap_or_default() {
                Naming::Service => "service".to_owned(),
                Naming::Gateway => "gateway".to_owned(),
            },
            Self::Levels => levels_text(dns.levels.as_deref()),
            Self::Endpoints => match spec.endpoints() {
                Endpoints::Names => "names".to_owned(),
                Endpoints::Addresses => "addresses".to_owned(),
            },
            Self::DnsCluster => text(dns.cluster.as_ref()),
            Self::Provider => external.map(|e| e.provider.clone()).unwrap_or_default(),
            Self::OwnerId => text(external.and_then(|e| e.owner_id.as_ref())),
            Self::ExternalDnsNamespace => text(external.and_then(|e| e.namespace.as_ref())),
            Self::HttpbinImage => text(images.and_then(|i| i.httpbin.as_ref())),
            Self::SleepImage => text(images.and_then(|i| i.sleep.as_ref())),
            Self::ExternalDnsImage => text(images.and_then(|i| i.external_dns.as_ref())),
            Self::Cluster(index, field) => {
                let Some(cluster) = spec.clusters.get(index) else {
                    return String::new();
                };
                match field {
                    ClusterField::Name => cluster.name.clone(),
                    ClusterField::Region => cluster.region.clone(),
                    ClusterField::Zone => {
                        let zones: Vec<&str> = cluster.all_zones().collect();
                        zones.join(", ")
                    }
                    ClusterField::Context => text(cluster.context.as_ref()),
                    ClusterField::Addresses => cluster
                        .gateway
                        .as_ref()
                        .map(|g| g.addresses.join(", "))
                        .unwrap_or_default(),
                    ClusterField::ClusterIp => {
                        text(cluster.gateway.as_ref().and_then(|g| g.cluster_ip.as_ref()))
                    }
                }
            }
            Self::Service(index, field) => {
                let Some(service) = spec.services.get(index) else {
                    return String::new();
                };
                match field {
                    ServiceField::Name => service.name.clone(),
                    ServiceField::Namespace => text(service.namespace.as_ref()),
                    ServiceField::Port => number_text(service.port),
                    ServiceField::Hostname => text(service.hostname.as_ref()),
                    ServiceField::Routes => routes_text(&service.routes),
                    ServiceField::Callers => callers::text(service),
                    ServiceField::Selector => callers::labels_text(&service.selector),
                }
            }
        }
    }

    /// Sets the text of the field.
    pub(crate) fn set(self, mesh: &mut Mesh, text: &str) {
        let text = text.trim();
        let spec = &mut mesh.spec;
        match self {
            Self::MeshName => text.clone_into(&mut mesh.metadata.name),
            Self::Target => {
                let target = Target::all().find(|target| target.as_str() == text);
                spec.target = target.filter(|target| *target != Target::default());
            }
            Self::RepoUrl | Self::RepoPath | Self::RepoBranch | Self::RepoSecret => {
                let gitops = spec.gitops.get_or_insert_default();
                match self {
                    Self::RepoUrl => text.clone_into(&mut gitops.repo_url),
                    Self::RepoPath => gitops.path = option(text),
                    Self::RepoBranch => gitops.branch = option(text),
                    _ => gitops.secret = option(text),
                }
                if *gitops == Gitops::default() {
                    spec.gitops = None;
                }
            }
            Self::Istio => spec.istio = option(text),
            Self::Suffix => text.clone_into(&mut spec.dns.suffix),
            Self::Federation => spec.dns.federation = option(text),
            Self::Ttl => spec.dns.ttl = number(text),
            Self::Naming => spec.dns.naming = (text == "gateway").then_some(Naming::Gateway),
            Self::Levels => spec.dns.levels = levels(text),
            Self::Endpoints => {
                let chosen = match text {
                    "addresses" => Endpoints::Addresses,
                    _ => Endpoints::Names,
                };
                spec.endpoints = None;
                spec.endpoints = Some(chosen).filter(|one| *one != spec.endpoints());
            }
            Self::DnsCluster => spec.dns.cluster = option(text),
            Self::Provider | Self::OwnerId | Self::ExternalDnsNamespace => {
                let external = spec.dns.external_dns.get_or_insert_default();
                match self {
                    Self::Provider => text.clone_into(&mut external.provider),
                    Self::OwnerId => external.owner_id = option(text),
                    _ => external.namespace = option(text),
                }
                // ExternalDNS requires a provider, so its other settings are removed too.
                if self == Self::Provider && text.is_empty()
                    || *external == shared::mesh::ExternalDns::default()
                {
                    spec.dns.external_dns = None;
                }
            }
            Self::HttpbinImage | Self::SleepImage | Self::ExternalDnsImage => {
                let images = spec.images.get_or_insert_default();
                match self {
                    Self::HttpbinImage => images.httpbin = option(text),
                    Self::SleepImage => images.sleep = option(text),
                    _ => images.external_dns = option(text),
                }
                if *images == Images::default() {
                    spec.images = None;
                }
            }
            Self::Cluster(index, field) => set_cluster(mesh, index, field, text),
            Self::Service(index, field) => {
                if let Some(service) = spec.services.get_mut(index) {
                    set_service(service, field, text);
                }
            }
        }
    }

    /// Whether two texts have the same value, such as `a,b` and `a, b`.
    pub(crate) fn reads_as(self, mesh: &Mesh, typed: &str) -> bool {
        let mut other = mesh.clone();
        self.set(&mut other, typed);
        self.get(&other) == self.get(mesh)
    }
}

fn set_cluster(mesh: &mut Mesh, index: usize, field: ClusterField, text: &str) {
    let Some(cluster) = mesh.spec.clusters.get_mut(index) else {
        return;
    };
    // References to the cluster are updated with its name, region and zone.
    match field {
        ClusterField::Name => mesh.spec.rename_cluster(index, text),
        ClusterField::Region => {
            let zones = cluster.all_zones().map(str::to_owned).collect();
            mesh.spec.move_cluster(index, text, zones);
        }
        ClusterField::Zone => {
            let region = cluster.region.clone();
            let zones = words(text).map(str::to_owned).collect();
            mesh.spec.move_cluster(index, &region, zones);
        }
        ClusterField::Context => cluster.context = option(text),
        ClusterField::Addresses | ClusterField::ClusterIp => {
            let gateway = cluster.gateway.get_or_insert_default();
            if field == ClusterField::ClusterIp {
                gateway.cluster_ip = option(text);
            } else {
                gateway.addresses = words(text).map(str::to_owned).collect();
            }
            if *gateway == Gateway::default() {
                cluster.gateway = None;
            }
        }
    }
}

fn set_service(service: &mut Service, field: ServiceField, text: &str) {
    match field {
        ServiceField::Name => text.clone_into(&mut service.name),
        ServiceField::Namespace => service.namespace = option(text),
        ServiceField::Port => service.port = number(text),
        ServiceField::Hostname => service.hostname = option(text),
        ServiceField::Routes => set_paths(&mut service.routes, text),
        ServiceField::Callers => callers::set(service, words(text)),
        ServiceField::Selector => service.selector = callers::labels(words(text)),
    }
}
