//! The output of a login tool: an `ExecCredential` with a token, a client certificate, or both.

use std::time::Duration;

use http::HeaderValue;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

/// A credential that expires within this time is not used: a request takes time.
const LEEWAY: Duration = Duration::from_secs(10);

/// The credential of a login tool. It has no `Debug`: it is secret.
pub(in crate::cluster) struct Credential {
    /// The header `Authorization`.
    pub(in crate::cluster) authorization: Option<HeaderValue>,
    pub(in crate::cluster) certificate: Option<Certificate>,
    expires: Option<Timestamp>,
}

/// A client certificate and its key, in PEM.
pub(in crate::cluster) struct Certificate {
    pub(in crate::cluster) certificate: String,
    pub(in crate::cluster) key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Credential {
    /// Parses a tool's output, JSON or YAML, as client-go does (`plugin/pkg/client/auth/exec/exec.go`). The error
    /// quotes nothing of it.
    pub(super) fn read(output: &[u8], api_version: &str) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(output).map_err(|_| "it is not UTF-8")?;
        let mut documents = shared::yaml::documents(text).map_err(|_| "it is not JSON or YAML")?;
        let (Some(document), true) = (documents.pop(), documents.is_empty()) else {
            return Err("it is not one document");
        };
        let read: ExecCredential = serde_json::from_value(document)
            .map_err(|_| "a field has another type than in an ExecCredential")?;
        if read.kind != "ExecCredential" {
            return Err("its kind is not ExecCredential");
        }
        if read.api_version != api_version {
            return Err("its apiVersion is not the one in the kubeconfig");
        }
        let status = read.status.ok_or("it has no status")?;
        status.credential()
    }

    /// Whether it remains valid for a while.
    pub(super) fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| {
            Timestamp::now().duration_until(expires).as_secs() > LEEWAY.as_secs().cast_signed()
        })
    }
}

impl Status {
    fn credential(self) -> Result<Credential, &'static str> {
        let set = |text: Option<String>| text.filter(|text| !text.is_empty());
        let certificate = match (set(self.client_certificate_data), set(self.client_key_data)) {
            (Some(certificate), Some(key)) => Some(Certificate { certificate, key }),
            (None, None) => None,
            _ => return Err("it has a client certificate or a key, not both"),
        };
        let token = set(self.token);
        if token.is_none() && certificate.is_none() {
            return Err("it has no token and no client certificate");
        }
        let authorization = token
            .map(|token| bearer(&token))
            .transpose()
            .map_err(|_| "its token has characters that are invalid in a header")?;
        let expires = set(self.expiration_timestamp)
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| "its expirationTimestamp is not a time")?;
        Ok(Credential {
            authorization,
            certificate,
            expires,
        })
    }
}

/// The header of a token.
pub(in crate::cluster) fn bearer(token: &str) -> Result<HeaderValue, &'static str> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| "has a line break, or another character that is invalid in a header")?;
    header.set_sensitive(true);
    Ok(header)
}
