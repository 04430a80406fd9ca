//! The `Authorization` header of each request, by the kubeconfig's kind of credential.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;
use kube::config::{AuthInfo, AuthProviderConfig};
use secrecy::ExposeSecret;

use super::login::{LoginError, LoginTool, bearer};

/// Age at which a token file is read again (client-go, `transport/token_source.go`).
const REREAD: Duration = Duration::from_secs(50);
/// A token is a few kilobytes; the limit guards against a device that never ends.
const TOKEN_LIMIT: u64 = 1 << 20;

/// The source of the header.
#[derive(Clone)]
pub(super) enum Authorization {
    /// A client certificate, basic authentication, or no credential.
    None,
    /// A token in the kubeconfig.
    Token(HeaderValue),
    /// A file that another program keeps valid.
    File(Arc<TokenFile>),
    /// A login tool.
    Tool(Arc<LoginTool>),
}

/// The reason why there is no header. It contains no part of a credential.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorizationError {
    #[error("{0}")]
    Token(String),
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl Authorization {
    /// Takes the source out of an entry of a kubeconfig, in kubectl's order of precedence: a token before a login tool,
    /// and a file before a token.
    pub(super) async fn take(user: &mut AuthInfo) -> Result<Self, AuthorizationError> {
        let token = user.token.take();
        let file = user.token_file.take().filter(|file| !file.is_empty());
        let exec = user.exec.take();
        let provider = user.auth_provider.take();
        let token = token
            .as_ref()
            .map(ExposeSecret::expose_secret)
            .filter(|token| !token.is_empty());
        let in_token = |error| AuthorizationError::Token(format!("token {error}"));
        let token = token.map(bearer).transpose().map_err(in_token)?;
        if let Some(file) = file {
            let file = TokenFile::open(file.into(), token).await?;
            return Ok(Self::File(Arc::new(file)));
        }
        match (token, exec, provider) {
            (Some(token), ..) => Ok(Self::Token(token)),
            (None, Some(exec), _) => Ok(Self::Tool(LoginTool::of(&exec)?)),
            (None, None, Some(provider)) => Ok(Self::Token(of_provider(&provider)?)),
            (None, None, None) => Ok(Self::None),
        }
    }

    /// The header; reads the file or runs the login tool if needed.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, AuthorizationError> {
        match self {
            Self::None => Ok(None),
            Self::Token(header) => Ok(Some(header.clone())),
            Self::File(file) => Ok(Some(file.header().await)),
            Self::Tool(tool) => {
                let credential = tool.credential(|_| ()).await?;
                Ok(credential.authorization.clone())
            }
        }
    }

    /// The login tool, if it is the source.
    pub(super) fn tool(&self) -> Option<&Arc<LoginTool>> {
        match self {
            Self::Tool(tool) => Some(tool),
            _ => None,
        }
    }
}

/// kubectl supports only the provider `oidc`; its token is used and not renewed.
fn of_provider(provider: &AuthProviderConfig) -> Result<HeaderValue, AuthorizationError> {
    let fault = |why: String| AuthorizationError::Token(why);
    if provider.name != "oidc" {
        return Err(fault(
            "auth-provider is not oidc, the only one that kubectl still supports; use a login tool \
             (exec) such as gke-gcloud-auth-plugin or kubelogin"
                .to_owned(),
        ));
    }
    let token = provider.config.get("id-token");
    let token = token.ok_or_else(|| fault("auth-provider has no id-token".to_owned()))?;
    bearer(token).map_err(|error| fault(format!("id-token {error}")))
}

/// A file with a token that may change.
pub(super) struct TokenFile {
    path: PathBuf,
    held: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    /// A file that cannot be read is an error, unless the entry also has a token.
    async fn open(path: PathBuf, beside: Option<HeaderValue>) -> Result<Self, AuthorizationError> {
        let header = match (read(&path).await, beside) {
            (Ok(header), _) | (Err(_), Some(header)) => header,
            (Err(why), None) => return Err(AuthorizationError::Token(format!("tokenFile {why}"))),
        };
        Ok(Self {
            path,
            held: Mutex::new((header, Instant::now())),
        })
    }

    /// If the file cannot be read any more, the last token stays.
    async fn header(&self) -> HeaderValue {
        let (header, at) = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if at.elapsed() < REREAD {
            return header;
        }
        let header = read(&self.path).await.unwrap_or(header);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) =
            (header.clone(), Instant::now());
        header
    }
}

async fn read(path: &Path) -> Result<HeaderValue, String> {
    let path = path.to_owned();
    // It may be a pipe without a writer.
    tokio::task::spawn_blocking(move || read_blocking(&path))
        .await
        .unwrap_or_else(|_| Err("cannot be read".to_owned()))
}

fn read_blocking(path: &Path) -> Result<HeaderValue, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let length = file
        .take(TOKEN_LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if length as u64 > TOKEN_LIMIT {
        return Err("is longer than 1 MiB".to_owned());
    }
    // As client-go does: editors end a file with a line break.
    match text.trim() {
        "" => Err("is empty".to_owned()),
        token => bearer(token).map_err(str::to_owned),
    }
}
