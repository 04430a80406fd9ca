//! Container images for the test bed's nodes, created without a registry and without Docker from programs of this
//! machine and those of [`crate::tools`], and the *seed*: a root folder of containerd that contains all of them,
//! unpacked.
//!
//! A node adds the seed's parts to its own containerd by bind mounts, so that no node imports anything and all share
//! one page cache:
//!
//! | part, below the seed | in a node's containerd |
//! |---|---|
//! | `io.containerd.metadata.v1.bolt` | a copy: it is written to |
//! | `io.containerd.snapshotter.v1.overlayfs/metadata.db` | a copy |
//! | `io.containerd.content.v1.content/blobs` | bind mount |
//! | `io.containerd.snapshotter.v1.overlayfs/snapshots/*` | bind mounts, one each: the folder gets new ones |

mod archive;
mod host;
mod layer;
mod recipes;
mod seed;

use std::io;
use std::path::{Path, PathBuf};

pub use seed::Seed;

use crate::cache::CacheError;
use crate::tools::{
    COREDNS, EXTERNAL_DNS, GoProgram, HTTPBIN, PAUSE, PILOT_AGENT, PILOT_DISCOVERY, SERVICES,
    ToolError,
};

/// The programs that Go builds for the images: most of the work.
pub const PROGRAMS: &[GoProgram] = &[
    COREDNS,
    EXTERNAL_DNS,
    HTTPBIN,
    PAUSE,
    PILOT_AGENT,
    PILOT_DISCOVERY,
    SERVICES,
];

/// The image of each pod's sandbox, for containerd's `sandbox_image`.
pub const PAUSE_IMAGE: &str = "docker.io/local/pause:1";

/// The image of the cluster DNS.
pub const COREDNS_IMAGE: &str = "docker.io/local/coredns:1";

/// The registry of Istio's images `pilot` and `proxyv2`: `values.global.hub`.
pub const ISTIO_HUB: &str = "docker.io/local";

/// The tag of Istio's images: `values.global.tag`.
pub const ISTIO_TAG: &str = "1";

/// The image of services for tests of protocols, used by no sample.
pub const SERVICES_IMAGE: &str = "docker.io/local/services:1";

/// The images in manifests under test: full names with registry and tag, as in `docker.io/curlimages/curl:8.16.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageNames {
    /// Of the sample server, instead of go-httpbin.
    pub httpbin: String,
    /// Of the sample client, instead of curlimages/curl.
    pub sleep: String,
    /// Of the sample bookinfo, each with its program, such as `reviews-v2`. The programs replace Istio's: the same
    /// calls and versions, without a real page.
    pub bookinfo: Vec<(String, String)>,
    /// Of ExternalDNS, the real program.
    pub external_dns: String,
}

/// A program or file of this machine that the images need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The Debian package that contains it.
    pub package: &'static str,
    /// A file, or the name of a program that may be anywhere on PATH.
    found_by: &'static str,
}

impl Requirement {
    pub(crate) const fn new(package: &'static str, found_by: &'static str) -> Self {
        Self { package, found_by }
    }

    /// Whether this machine has it.
    pub fn is_met(&self) -> bool {
        if self.found_by.starts_with('/') {
            return Path::new(self.found_by).exists();
        }
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(self.found_by).is_file())
        })
    }
}

/// The requirements of [`Seed::ensure`] besides Go.
pub fn requirements() -> &'static [Requirement] {
    const {
        &[
            Requirement::new("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
            Requirement::new("containerd", "containerd"),
            Requirement::new("curl", "/usr/bin/curl"),
            Requirement::new("findutils", "/usr/bin/find"),
            Requirement::new("hostname", "/usr/bin/hostname"),
            Requirement::new("iproute2", "/usr/bin/ip"),
            Requirement::new("iptables", "/usr/sbin/xtables-nft-multi"),
            Requirement::new("netbase", "/etc/protocols"),
            Requirement::new("nftables", "/usr/sbin/nft"),
            Requirement::new("python3-pip", "pip3"),
        ]
    }
}

/// The images cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Containerd mounts what it unpacks, which requires root.
    #[error("cannot make the test bed's images: containerd needs root\nhint: run this as root")]
    NotRoot,
    /// A program of this machine that an image needs is missing.
    #[error(
        "cannot make the test bed's images: this machine has no {name}\n\
         hint: on Debian, install {}",
        packages()
    )]
    NoProgram {
        /// Its name.
        name: String,
    },
    /// The libraries of a program cannot be found.
    #[error("cannot tell the libraries of {}: {reason}", file.display())]
    Libraries {
        /// The program.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An image cannot be written.
    #[error("cannot make the image {image}")]
    Image {
        /// Its name.
        image: String,
        /// The I/O error.
        source: io::Error,
    },
    /// Containerd does not start, or ends.
    #[error("containerd {what}:\n{log}")]
    Containerd {
        /// The event.
        what: &'static str,
        /// The end of its log.
        log: String,
    },
    /// A command of containerd's client failed.
    #[error("ctr {command} failed:\n{output}")]
    Ctr {
        /// The command.
        command: String,
        /// The output.
        output: String,
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
    /// A program of an image is not available.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

fn packages() -> String {
    let names = requirements().iter().map(|requirement| requirement.package);
    names.collect::<Vec<_>>().join(" ")
}
