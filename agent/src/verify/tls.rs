//! TLS sessions with gateways.

use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use shared::verify::{Failure, Reply};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Agrees on a session under a name. Its certificate is the service's own affair, and is not looked at:
/// what is passed through may well be signed by an authority that only its clients know.
pub(super) async fn session(stream: TcpStream, host: &str) -> Reply {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth()
        });
    let name = ServerName::try_from(host.to_owned());
    let (config, name) = match (config, name) {
        (Ok(config), Ok(name)) => (config, name),
        (Err(error), _) => return Reply::Failed(Failure::Other(error.to_string())),
        (_, Err(error)) => return Reply::Failed(Failure::Other(format!("{host}: {error}"))),
    };
    let session = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match session.await {
        Ok(_) => Reply::Connected,
        // Nobody behind the gateway has taken the connection.
        Err(error) if matches!(error.kind(), UnexpectedEof | ConnectionReset) => {
            Reply::Failed(Failure::Reset)
        }
        Err(error) => Reply::Failed(Failure::Tls(error.to_string())),
    }
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
