//! Access to clusters, and observation of their state. Nothing here changes a cluster by itself.
//!
//! ```text
//! kubeconfig ──▶ Connection ──probe──▶ contexts, gateway addresses
//!                           ──look───▶ Look: desired and observed objects, orphaned objects
//!                           ──exec───▶ output of a command in a pod
//! ```

mod address;
mod authorization;
mod connection;
mod credentials;
mod dns_servers;
mod dns_settings;
mod dry_run;
mod endpoints;
mod exec;
mod gateway;
mod identity;
mod kinds;
mod kubeconfig;
mod lease;
mod limit;
mod list;
mod live;
mod login;
mod look;
mod nodes;
mod of_mesh;
mod parent;
mod probe;
mod redacted;
mod request;
mod request_error;
mod rights;
mod server_url;
mod workload;
mod writer;
mod writers;

pub use kubeconfig::KubeconfigError;
pub use writer::Holder;

pub(crate) use address::{collection, object, object_at};
pub(crate) use connection::{Connection, RetryPolicy, Wait};
pub(crate) use dns_settings::{DnsLook, Zone, dns_settings, edit_request, edited, look_at_dns};
pub(crate) use dry_run::conflicts_of;
pub(crate) use endpoints::{ENDPOINT_SLICES, SERVICE_NAME_LABEL, ready_endpoints};
pub(crate) use exec::{ExecError, Ran, exec};
pub(crate) use gateway::{cluster_ip, gateway};
pub(crate) use identity::identity;
pub(crate) use kubeconfig::Kubeconfig;
pub(crate) use lease::{Claimed, Lease, Waiting};
pub(crate) use live::resource_version;
pub(crate) use login::kill_all as end_login_tools;
pub(crate) use look::{Look, Search, Seen, look, look_at_kinds};
pub(crate) use nodes::places;
pub(crate) use of_mesh::of_mesh;
pub(crate) use parent::Parent;
pub(crate) use probe::probe;
#[cfg(fuzzing)]
pub(crate) use redacted::of_kubeconfig as describe_kubeconfig_error;
pub(crate) use request::Request;
pub(crate) use request_error::RequestError;
pub(crate) use rights::{Review, rights};
pub(crate) use workload::mismatch;
pub(crate) use writer::Writer;
