//! Features of Istio's versions, as far as they affect rendering.

use serde::Deserialize;

/// Istio's version, as far as it affects rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct IstioVersion {
    /// 1 so far.
    pub major: u16,
    /// 27 in 1.27.
    pub minor: u16,
}

/// Oldest supported version; earlier ones differ in unknown ways.
///
/// It lacks many features that later versions have since 1.1 (the reference of networking.istio.io/v1alpha3 in
/// istio.io/archive/v1.0, `ValidateVirtualService` of its Pilot):
/// - endpoints have no locality, so that calls go to all of them alike;
/// - a retry has no condition: any status of 500 and above is retried;
/// - any such status ejects an endpoint, and Envoy's panic threshold stays at a half (pull request 496 of istio/api):
///   if fewer are healthy, calls go to all;
/// - routes change no headers of responses;
/// - a Gateway is referenced by a host name, `<name>.<namespace>.svc.<cluster domain>`;
/// - TLS is routed by its name only if a route matches it, and is plain TCP otherwise (pull request 11735 of
///   istio/istio).
pub const OLDEST_ISTIO: IstioVersion = IstioVersion::v1(0);
/// Oldest version in which a gateway terminates mutual TLS of its own mesh (`Server.TLSOptions` of istio/api:
/// 982e5c3888c6 for 1.2 does not have `ISTIO_MUTUAL`, 483f2547d882 for 1.3 has it).
pub const OLDEST_ISTIO_WITH_MUTUAL_SERVERS: IstioVersion = IstioVersion::v1(3);
/// Oldest version in which a sidecar can verify the certificates of external hosts with the authorities of its image
/// (pull request 33472 of istio/istio).
pub const OLDEST_ISTIO_WITH_TLS: IstioVersion = IstioVersion::v1(12);
/// Oldest version in which a `DestinationRule` sets localities and the kinds of failures, and a retry can leave the
/// failing locality; and oldest with `networking.istio.io/v1beta1` (`networking/` of istio/api, 35e06ef8d838 for 1.4
/// and 228308df3f1b for 1.5).
pub const OLDEST_ISTIO_WITH_LOCALITY: IstioVersion = IstioVersion::v1(5);
/// Oldest version with `WorkloadEntry`, and with ServiceEntries that select them (`networking/v1beta1` of istio/api).
pub const OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES: IstioVersion = IstioVersion::v1(6);
/// Oldest version in which `exportTo` accepts namespaces: earlier ones accept `.` and `*` (pull request 24443 of
/// istio/istio, after the branch of 1.6).
pub const OLDEST_ISTIO_WITH_EXPORTS: IstioVersion = IstioVersion::v1(7);

/// Oldest version in which the servers of a gateway alone enable passthrough of mutual TLS (istio
/// `releasenotes/notes/auto-auto-passthrough.yaml`).
pub const OLDEST_ISTIO_WITH_MTLS: IstioVersion = IstioVersion::v1(11);
/// Oldest version in which sidecars send the host of a request as SNI, and verify that the certificate is valid for it
/// (istio `releasenotes`, `ENABLE_AUTO_SNI` and `VERIFY_CERTIFICATE_AT_CLIENT`).
pub const OLDEST_ISTIO_WITH_CHECKED_NAMES: IstioVersion = IstioVersion::v1(21);
/// Oldest version in which an entry without endpoints, whose calls keep their address, supports another target port
/// (istio `releasenotes/notes/targetPort-service-entry.yaml`).
pub const OLDEST_ISTIO_WITH_TARGET_PORTS: IstioVersion = IstioVersion::v1(22);

impl IstioVersion {
    /// A minor version of Istio 1.
    pub const fn v1(minor: u16) -> Self {
        Self { major: 1, minor }
    }

    /// Parses `1.27`; a patch version is allowed and ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let version = Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
        };
        match (parts.next(), parts.next()) {
            (None, _) => Some(version),
            (Some(patch), None) if patch.parse::<u16>().is_ok() => Some(version),
            _ => None,
        }
    }

    /// The API version of `networking.istio.io` to render: `v1` from Istio 1.22, `v1beta1` from 1.5, `v1alpha3` before.
    pub fn networking_api(self) -> &'static str {
        if self >= Self::v1(22) {
            "v1"
        } else if self.has_locality() {
            "v1beta1"
        } else {
            "v1alpha3"
        }
    }

    /// The API version of `security.istio.io` to render: `v1` from Istio 1.22, `v1beta1` before. Istio before 1.5 has
    /// no policy that denies; it has no mutual TLS between clusters either ([`OLDEST_ISTIO_WITH_MTLS`]).
    pub fn security_api(self) -> &'static str {
        if self >= Self::v1(22) {
            "v1"
        } else {
            "v1beta1"
        }
    }

    /// Whether it is [`OLDEST_ISTIO`], whose objects have fewer features than those of all others.
    pub fn is_oldest(self) -> bool {
        self == OLDEST_ISTIO
    }

    /// Whether a `DestinationRule` can set localities.
    pub fn has_locality(self) -> bool {
        self >= OLDEST_ISTIO_WITH_LOCALITY
    }
}

impl std::fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl TryFrom<String> for IstioVersion {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a version of Istio")
    }
}
