//! The token that authenticates the page.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

use crate::file::{self, Readers};

/// 32 random bytes in hexadecimal. `Debug` output never contains it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new token.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// The text of the token, for the link and the file only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a text is the token, compared in constant time.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(text).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The token in a file that only its owner can read, for scripts of the same user. Dropping it removes the file.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    opener: PathBuf,
}

impl TokenFile {
    /// Writes `fedmesh/agent-<port>.token` in a state folder (`$XDG_STATE_HOME`); for another address than 127.0.0.1,
    /// which may have the same port, `agent-<address>-<port>.token`.
    ///
    /// # Errors
    /// The folder cannot be created, is not a folder, or cannot be written.
    pub fn create(state: &Path, address: SocketAddr, token: &Token) -> io::Result<Self> {
        let folder = state.join("fedmesh");
        make_private(&folder)?;
        let name = match address.ip() {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => format!("agent-{}", address.port()),
            // File names on Windows cannot contain colons.
            ip => format!(
                "agent-{}-{}",
                ip.to_string().replace(':', "_"),
                address.port()
            ),
        };
        let path = folder.join(format!("{name}.token"));
        file::replace(&path, &folder, token.reveal().as_bytes(), Readers::Owner)?;
        Ok(Self {
            opener: folder.join(format!("{name}.html")),
            path,
        })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a page that only its owner can read and that redirects to a link. The browser is started with its path,
    /// because every user of the machine could read a link with the token in the list of processes.
    pub fn write_opener(&self, link: &str) -> io::Result<&Path> {
        let page = format!(
            "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta http-equiv=\"refresh\" content=\"0; url={link}\">\n<title>fedmesh</title>\n"
        );
        let folder = self.opener.parent().unwrap_or(Path::new("."));
        file::replace(&self.opener, folder, page.as_bytes(), Readers::Owner)?;
        Ok(&self.opener)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // The files may already be removed.
        _ = fs::remove_file(&self.path);
        _ = fs::remove_file(&self.opener);
    }
}

/// The folder for state of programs: `$XDG_STATE_HOME`, or `~/.local/state` (XDG Base Directory Specification 0.8);
/// `None` without a home folder.
pub(super) fn state_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .or_else(|| absolute("LOCALAPPDATA"))
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    // The metadata of the entry itself, since a link could lead to another user's folder.
    if fs::symlink_metadata(folder)?.is_dir() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} is not a folder", folder.display()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_unique_and_hidden_in_debug_output() {
        let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.reveal().len(), 64);
        assert_ne!(one.reveal(), two.reveal());
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::random().unwrap();
        assert!(token.is(token.reveal().as_bytes()));
        for wrong in [
            "",
            "0",
            &token.reveal()[..63],
            &format!("{}0", token.reveal()),
        ] {
            assert!(!token.is(wrong.as_bytes()), "{wrong}");
        }
    }
}
