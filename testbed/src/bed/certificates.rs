//! A certificate authority and a server certificate for each cluster: a client that uses one cluster's address with
//! another's authority is refused.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::BedError;

/// Writes `ca.crt`, `server.crt`, `server.key` and, for service account tokens, `accounts.key` and `accounts.pub` into
/// `folder`. The server certificate is valid for `names`, which may be addresses.
pub(crate) fn write(folder: &Path, context: &str, names: &[String]) -> Result<(), BedError> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, format!("{context} test authority"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new(names)?;
    server
        .distinguished_name
        .push(DnType::CommonName, format!("{context} API server"));
    let server_key = KeyPair::generate()?;
    let server_certificate = server.signed_by(&server_key, &issuer)?;

    let accounts_key = KeyPair::generate()?;

    for (name, text) in [
        ("ca.crt", authority_certificate.pem()),
        ("server.crt", server_certificate.pem()),
        ("server.key", server_key.serialize_pem()),
        ("accounts.key", accounts_key.serialize_pem()),
        ("accounts.pub", accounts_key.public_key_pem()),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| BedError::File { path, source })?;
    }
    Ok(())
}
