//! The common root certificate of a bed's meshes, which also signs their gateways' certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

use crate::BedError;

/// The authority that a bed's meshes trust.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    key: String,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct SignedKey {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// Creates a new authority.
    ///
    /// # Errors
    /// There is no randomness for a key.
    pub fn new() -> Result<Self, BedError> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "test root of all meshes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate()?;
        let pem = key.serialize_pem();
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, key)?,
            key: pem,
        })
    }

    /// A certificate for names, which may have wildcards.
    ///
    /// # Errors
    /// A name is invalid.
    pub fn sign(&self, names: &[String]) -> Result<SignedKey, BedError> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        Ok(SignedKey {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Its own certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// The Secret for istiod.
    pub(super) fn secret(&self) -> Value {
        let certificate = self.certificate();
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cacerts", "namespace": "istio-system"},
            "stringData": {
                "root-cert.pem": certificate,
                "cert-chain.pem": certificate,
                "ca-cert.pem": certificate,
                "ca-key.pem": self.key,
            },
        })
    }
}
