//! Mutual TLS with the pods of a service, as seen from outside of the meshes: the certificate that a gateway passes
//! through, and the meshes whose roots have signed it.

use std::collections::BTreeMap;

use futures::future::join_all;
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use shared::resolved::mutual::{ALPN, Mutual};
use shared::verify::{Failure, Reply};
use tokio::net::TcpStream;

use super::tls;
use crate::operation::ObservedMesh;

/// The root certificates of each mesh, by cluster name; clusters whose roots are unreadable are missing.
#[derive(Debug, Default)]
pub(super) struct Roots(BTreeMap<String, RootCertStore>);

impl Roots {
    /// Reads the roots of all clusters, if any call uses mutual TLS.
    pub(super) async fn look(observed: &ObservedMesh) -> Self {
        let resolved = &observed.resolved;
        let mut services = resolved.services.iter();
        if !services.any(shared::resolved::Service::is_mutual) {
            return Self::default();
        }
        let found = resolved.clusters.iter().map(|cluster| async move {
            let name = cluster.name.as_str();
            let namespace = cluster.east_west_gateway.namespace.as_str();
            let roots = tls::mesh_roots(observed.connection(name)?, namespace).await;
            (!roots.is_empty()).then(|| (name.to_owned(), roots))
        });
        Self(join_all(found).await.into_iter().flatten().collect())
    }

    /// Those of `clusters` that have no root in common with the client's cluster.
    pub(super) fn foreign(&self, client: &str, clusters: &[String]) -> Vec<String> {
        let Some(ours) = self.0.get(client) else {
            return Vec::new();
        };
        let is_foreign = |cluster: &&String| {
            let theirs = self.0.get(*cluster);
            theirs.is_some_and(|theirs| !theirs.roots.iter().any(|one| ours.roots.contains(one)))
        };
        clusters.iter().filter(is_foreign).cloned().collect()
    }

    /// Whether the certificate behind a gateway is the service's, and valid for callers of every mesh.
    pub(super) async fn session(&self, stream: TcpStream, mutual: &Mutual) -> Reply {
        match tls::certificates(stream, &mutual.sni, ALPN).await {
            Ok(chain) => self.judge(&chain, mutual),
            Err(failure) => Reply::Failed(failure),
        }
    }

    fn judge(&self, chain: &[CertificateDer<'_>], mutual: &Mutual) -> Reply {
        let Some((own, others)) = chain.split_first() else {
            return Reply::Failed(Failure::Reset);
        };
        let foreign: Vec<String> = self
            .0
            .iter()
            .filter(|(_, roots)| !has_signed(roots, own, others))
            .map(|(cluster, _)| cluster.clone())
            .collect();
        if !foreign.is_empty() {
            return Reply::Failed(Failure::ForeignRoot(foreign));
        }
        let identity = identity(own).unwrap_or_else(|| "no identity".to_owned());
        if mutual.is_of(&identity) {
            Reply::Connected
        } else {
            Reply::Failed(Failure::Identity(identity))
        }
    }
}

fn has_signed(
    roots: &RootCertStore,
    certificate: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
) -> bool {
    let provider = rustls::crypto::ring::default_provider();
    ParsedCertificate::try_from(certificate).is_ok_and(|certificate| {
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            roots,
            others,
            UnixTime::now(),
            provider.signature_verification_algorithms.all,
        )
        .is_ok()
    })
}

/// The identity in a certificate (SPIFFE, X.509-SVID, section 2: exactly one URI).
fn identity(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let identity = certificate.valid_uri_names().next()?;
    Some(identity.to_owned())
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    };

    use super::*;

    const SHOP: &str = "spiffe://cluster.local/ns/s/sa/shop";

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn store(authority: &CertifiedIssuer<'static, KeyPair>) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        roots
    }

    fn of(
        identity: &str,
        authority: &CertifiedIssuer<'static, KeyPair>,
    ) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(identity.try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, authority).unwrap().der().clone()
    }

    fn meshes(list: &[(&str, &CertifiedIssuer<'static, KeyPair>)]) -> Roots {
        let each = list
            .iter()
            .map(|(name, one)| ((*name).to_owned(), store(one)));
        Roots(each.collect())
    }

    #[test]
    fn certificates_by_identity_and_root() {
        let (ours, theirs) = (authority("ours"), authority("theirs"));
        let one = meshes(&[("north", &ours), ("south", &ours)]);
        let two = meshes(&[("north", &ours), ("south", &theirs)]);
        let foreign = Failure::ForeignRoot(vec!["south".into()]);
        let other = "spiffe://cluster.local/ns/t/sa/shop";
        for (roots, identity, desired, reply) in [
            (&one, SHOP, SHOP, Reply::Connected),
            (
                &one,
                SHOP,
                "spiffe://cluster.local/ns/s/sa/",
                Reply::Connected,
            ),
            (
                &one,
                other,
                SHOP,
                Reply::Failed(Failure::Identity(other.into())),
            ),
            (&two, SHOP, SHOP, Reply::Failed(foreign)),
            (&Roots::default(), SHOP, SHOP, Reply::Connected),
        ] {
            let mutual = Mutual {
                sni: String::new(),
                identity: desired.to_owned(),
            };
            assert_eq!(roots.judge(&[of(identity, &ours)], &mutual), reply);
        }
    }

    #[test]
    fn roots_that_are_foreign_to_a_client() {
        let (ours, theirs) = (authority("ours"), authority("theirs"));
        let roots = meshes(&[("north", &ours), ("south", &theirs), ("west", &ours)]);
        let all = ["north", "south", "west", "east"].map(str::to_owned);
        assert_eq!(roots.foreign("north", &all), ["south"]);
        assert_eq!(roots.foreign("south", &all), ["north", "west"]);
        assert!(
            roots.foreign("east", &all).is_empty(),
            "its roots are unknown"
        );
    }
}
