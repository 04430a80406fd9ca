//! Errors about credentials, without any part of them: the errors of other crates may quote the text that they could
//! not parse.
//!
//! Paths in a kubeconfig are not shown either: users also write a key itself where its file belongs.

use kube::client::RustlsTlsError;
use kube::config::{KubeconfigError, LoadDataError};

/// The fault of a kubeconfig, or of an entry in it.
pub(crate) fn of_kubeconfig(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(cause) => {
            let error = shared::yaml::redacted(cause);
            match (error.line, error.column) {
                (Some(line), Some(column)) => format!("line {line}, column {column}: {error}"),
                _ => error.to_string(),
            }
        }
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::LoadCertificateAuthority(error) => of_data("certificate-authority", error),
        KubeconfigError::LoadClientCertificate(error) => of_data("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => of_data("client-key", error),
        KubeconfigError::ParseCertificates(_) => {
            "certificate-authority is not valid PEM".to_owned()
        }
        KubeconfigError::MissingClusterUrl => "its cluster has no server".to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "server is not a valid URL".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "proxy-url is not a valid URL".to_owned(),
        // Names of entries and fixed texts.
        error => error.to_string(),
    }
}

/// The fault of a field with data or the name of a file.
fn of_data(field: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => format!("{field}-data is not valid base64"),
        LoadDataError::ReadFile(error, _) => {
            format!("the file that {field} names cannot be read: {error}")
        }
        LoadDataError::NoBase64DataOrFile => format!("{field} is missing"),
    }
}

/// The reason why an entry of a kubeconfig is not valid for a client.
pub(super) fn of_client(error: &kube::Error) -> String {
    match error {
        kube::Error::RustlsTls(error) => of_tls(error),
        kube::Error::InferKubeconfig(error) => of_kubeconfig(error),
        kube::Error::HttpError(_) => {
            "as, as-uid, as-groups or as-user-extra has characters that are invalid in a header"
                .to_owned()
        }
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => {
            "the scheme of proxy-url is not http, https or socks5".to_owned()
        }
        _ => "they are not valid".to_owned(),
    }
}

fn of_tls(error: &RustlsTlsError) -> String {
    let fixed = match error {
        RustlsTlsError::InvalidIdentityPem(_) | RustlsTlsError::UnknownPrivateKeyFormat => {
            "client-certificate or client-key is not valid PEM"
        }
        RustlsTlsError::MissingPrivateKey => "client-key has no private key",
        RustlsTlsError::MissingCertificate => "client-certificate has no certificate",
        RustlsTlsError::InvalidPrivateKey(_) => {
            "client-key is invalid, or does not belong to client-certificate"
        }
        RustlsTlsError::AddRootCertificate(_) => "certificate-authority is not a valid certificate",
        RustlsTlsError::NoValidNativeRootCA(_) => {
            "this machine has no root certificates, and the entry has no certificate-authority"
        }
        RustlsTlsError::InvalidServerName(_) => "tls-server-name is not a valid name",
    };
    fixed.to_owned()
}
