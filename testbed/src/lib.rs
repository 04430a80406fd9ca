//! Real components for fedmesh's tests: Kubernetes API servers, their tools, a headless browser and a static file
//! server, all on loopback.
//!
//! Every process that is started here ends with its owner, however the owner ends: see [`process::OwnedProcess`].
//!
//! ```no_run
//! let bed = testbed::Testbed::start(testbed::Options::with_clusters(2))?;
//! let names = bed.kubectl("cluster1", &["get", "namespaces", "-o", "name"])?;
//! assert!(names.contains("namespace/istio-system"));
//! # Ok::<(), testbed::BedError>(())
//! ```
//!
//! All calls block; from async code, start the bed in `spawn_blocking` or before the runtime. A bed in a `static` is
//! fine: it ends with the process.

mod bed;
pub mod browser;
pub mod cache;
pub mod images;
mod kubectl;
mod mesh;
pub mod process;
pub mod static_site;
pub mod tools;

pub use bed::{
    BedError, ClusterOptions, CrdSet, IstioAdmission, KubeFed, Options, Testbed, Unsupported,
};
pub use kubectl::Kubectl;
pub use mesh::{
    Authority, Delay, MeshBed, MeshCluster, MeshOptions, Mtls, NameServer, RunningPod, SignedKey,
    TrustDomain,
};
