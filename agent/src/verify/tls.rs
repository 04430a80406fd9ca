//! TLS sessions with gateways.

use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use shared::defaults::{MESH_ROOT_CONFIG_MAP, SYSTEM_CA};
use shared::verify::{Failure, Reply};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cluster::{Connection, Request};

/// The file in which every proxy has the root of its own mesh, which Istio also keeps in a ConfigMap of every namespace
/// (istio `pkg/config/constants`).
const MESH_ROOT: &str = "/var/run/secrets/istio/root-cert.pem";

/// The authorities that may sign a gateway's certificate.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// A set of root certificates.
    Roots(Arc<RootCertStore>),
    /// A file that only the proxies have: only the name of the certificate is checked.
    NameOnly,
}

impl Trust {
    /// The authorities of `spec.tls.ca`, for the gateway of a cluster in a namespace; `system` means those of this
    /// machine. Where they are unknown, only names are checked.
    pub(super) async fn of(ca: &str, connection: Option<&Connection>, namespace: &str) -> Self {
        let mut roots = RootCertStore::empty();
        if ca == SYSTEM_CA {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else if ca == MESH_ROOT
            && let Some(connection) = connection
        {
            roots = mesh_roots(connection, namespace).await;
        }
        if roots.is_empty() {
            Self::NameOnly
        } else {
            Self::Roots(Arc::new(roots))
        }
    }

    /// Starts a session for a name that the certificate must be valid for.
    pub(super) async fn session(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = match self {
            Self::NameOnly => None,
            Self::Roots(roots) => {
                let builder =
                    WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
                Some(
                    builder
                        .build()
                        .map_err(|error| Failure::Other(error.to_string()))?,
                )
            }
        };
        let looking = Looking::Name(chain);
        begin(stream, host, None, Arc::new(Verifier { provider, looking }))
            .await
            .map_err(|error| match certificate_error(&error) {
                Some(why) => Failure::Certificate(why),
                None if is_closed(&error) => Failure::Certificate(
                    "the gateway closed the connection without a certificate".to_owned(),
                ),
                None => Failure::Tls(error.to_string()),
            })
    }
}

/// The roots of a cluster's own mesh; empty if they cannot be read.
pub(super) async fn mesh_roots(connection: &Connection, namespace: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{MESH_ROOT_CONFIG_MAP}");
    if let Ok(Some(map)) = connection.find(&Request::get(path)).await {
        let pem = map["data"]["root-cert.pem"].as_str().unwrap_or_default();
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
        roots.add_parsable_certificates(certificates.flatten());
    }
    roots
}

/// Starts a session for a name without verifying the certificate, which is the service's own: it may be signed by an
/// authority that only its clients trust.
pub(super) async fn session(stream: TcpStream, host: &str) -> Reply {
    let verifier = Verifier {
        provider: Arc::new(rustls::crypto::ring::default_provider()),
        looking: Looking::Away,
    };
    match begin(stream, host, None, Arc::new(verifier)).await {
        Ok(_) => Reply::Connected,
        // No backend has accepted the connection.
        Err(error) if is_closed(&error) => Reply::Failed(Failure::Reset),
        Err(error) => Reply::Failed(Failure::Tls(error.to_string())),
    }
}

/// The certificates for a name and an ALPN protocol, the leaf first. The outcome of the session does not matter, since
/// the server may require a client certificate.
pub(super) async fn certificates(
    stream: TcpStream,
    host: &str,
    alpn: &str,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let verifier = Verifier {
        provider: Arc::new(rustls::crypto::ring::default_provider()),
        looking: Looking::Keeping(seen.clone()),
    };
    let session = begin(stream, host, Some(alpn), Arc::new(verifier)).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    match session {
        Err(error) if seen.is_empty() && is_closed(&error) => Err(Failure::Reset),
        Err(error) if seen.is_empty() => Err(Failure::Tls(error.to_string())),
        Ok(_) | Err(_) => Ok(seen),
    }
}

async fn begin(
    stream: TcpStream,
    host: &str,
    alpn: Option<&str>,
    verifier: Arc<Verifier>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(verifier.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = alpn
        .into_iter()
        .map(|one| one.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn is_closed(error: &std::io::Error) -> bool {
    matches!(error.kind(), UnexpectedEof | ConnectionReset)
}

/// The fault of a certificate, if the error is about one.
fn certificate_error(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    match error {
        Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    }
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    looking: Looking,
}

#[derive(Debug)]
enum Looking {
    /// Accepts any certificate.
    Away,
    /// Verifies the name; with a verifier also authority and dates.
    Name(Option<Arc<WebPkiServerVerifier>>),
    /// Accepts any certificate, and stores the chain.
    Keeping(Arc<Mutex<Vec<CertificateDer<'static>>>>),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.looking {
            Looking::Away => {}
            Looking::Keeping(seen) => {
                let chain = std::iter::once(end_entity).chain(intermediates);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                *seen = chain.map(|one| one.clone().into_owned()).collect();
            }
            Looking::Name(Some(chain)) => {
                return chain.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                );
            }
            Looking::Name(None) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
    };
    use rustls::ServerConfig;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const HOST: &str = "shop.s.external.svc.mesh.example.com";

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A gateway with a certificate for some names; without one it closes connections.
    async fn gateway(certificate: Option<ServerConfig>) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Some(config) = certificate {
                let acceptor = TlsAcceptor::from(Arc::new(config));
                // The client reports refused certificates.
                _ = acceptor.accept(stream).await;
            }
        });
        TcpStream::connect(address).await.unwrap()
    }

    fn signed(
        authority: &CertifiedIssuer<'static, KeyPair>,
        names: &[&str],
        until: i32,
    ) -> ServerConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    fn trusting(authority: &CertifiedIssuer<'static, KeyPair>) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        Trust::Roots(Arc::new(roots))
    }

    #[tokio::test]
    async fn valid_and_invalid_certificates() {
        let (ours, theirs) = (authority("ours"), authority("theirs"));
        let known = trusting(&ours);
        let wide = ["*.s.external.svc.mesh.example.com"];
        let cases = [
            ("by us", Some(signed(&ours, &wide, 2100)), &known, None),
            (
                "another name",
                Some(signed(&ours, &["*.mesh.example.com"], 2100)),
                &known,
                Some("not valid for name"),
            ),
            (
                "another authority",
                Some(signed(&theirs, &wide, 2100)),
                &known,
                Some("UnknownIssuer"),
            ),
            (
                "out of date",
                Some(signed(&ours, &wide, 2001)),
                &known,
                Some("expired"),
            ),
            ("none", None, &known, Some("closed the connection")),
            (
                "anybody's",
                Some(signed(&theirs, &wide, 2100)),
                &Trust::NameOnly,
                None,
            ),
            (
                "anybody's, another name",
                Some(signed(&theirs, &["x.example.com"], 2100)),
                &Trust::NameOnly,
                Some("not valid for name"),
            ),
        ];
        for (what, certificate, trust, why) in cases {
            let stream = gateway(certificate).await;
            match (trust.session(stream, HOST).await, why) {
                (Ok(_), None) => {}
                (Err(Failure::Certificate(said)), Some(why)) if said.contains(why) => {}
                (got, _) => panic!("{what}: {got:?}"),
            }
        }
    }

    #[tokio::test]
    async fn certificates_are_read_whether_or_not_the_session_succeeds() {
        let sni = "outbound_.8000_._.shop.s.svc.cluster.local";
        let ours = signed(&authority("ours"), &["x.example.com"], 2100);
        let stream = gateway(Some(ours)).await;
        let seen = certificates(stream, sni, "istio").await.unwrap();
        assert_eq!(seen.len(), 1);
        let closed = gateway(None).await;
        assert_eq!(
            certificates(closed, sni, "istio").await,
            Err(Failure::Reset)
        );
    }

    #[tokio::test]
    async fn passthrough_accepts_any_certificate() {
        let stream = gateway(Some(signed(&authority("theirs"), &["x.example.com"], 2001))).await;
        assert_eq!(session(stream, HOST).await, Reply::Connected);
        let closed = gateway(None).await;
        assert_eq!(session(closed, HOST).await, Reply::Failed(Failure::Reset));
    }
}
