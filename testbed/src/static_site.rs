//! A plain static file server, like any web host: files below a path, MIME types by extension. The page must work with
//! it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// No browser sends a longer head.
const LONGEST_LINE: u64 = 16 * 1024;
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// A folder served on a free loopback port until this value is dropped.
#[derive(Debug)]
pub struct StaticSite {
    address: SocketAddr,
    prefix: String,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl StaticSite {
    /// Serves `folder` below `prefix`, as in `/tools/fedmesh/`; all other paths return 404, so that a page that
    /// requests `/main.js` fails.
    ///
    /// # Errors
    /// No port can be bound.
    ///
    /// # Panics
    /// The prefix does not start and end with a slash.
    pub fn serve(folder: &Path, prefix: &str) -> io::Result<Self> {
        assert!(
            prefix.starts_with('/') && prefix.ends_with('/'),
            "a prefix starts and ends with a slash"
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, desired, stopped) = (folder.to_owned(), prefix.to_owned(), Arc::clone(&stop));
        let acceptor = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(connection) = connection else { continue };
                let (folder, prefix) = (folder.clone(), desired.clone());
                std::thread::spawn(move || {
                    // The browser may close connections at any time.
                    let _closed = answer_all(&connection, &folder, &prefix);
                });
            }
        });
        Ok(Self {
            address,
            prefix: prefix.to_owned(),
            stop,
            acceptor: Some(acceptor),
        })
    }

    /// The site's address, as in `http://127.0.0.1:41435/tools/fedmesh/`.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin(), self.prefix)
    }

    /// Its origin, as in `http://127.0.0.1:41435`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for StaticSite {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor; if it cannot be reached, it has ended.
        let _unreachable = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _panicked = acceptor.join();
        }
    }
}

fn answer_all(connection: &TcpStream, folder: &Path, prefix: &str) -> io::Result<()> {
    connection.set_read_timeout(Some(IDLE_CONNECTION))?;
    let mut reader = BufReader::new(connection);
    loop {
        let request = read_line(&mut reader)?;
        if request.is_empty() {
            return Ok(());
        }
        while !read_line(&mut reader)?.trim_end().is_empty() {}
        answer(connection, &request, folder, prefix)?;
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    io::Read::take(reader, LONGEST_LINE).read_line(&mut line)?;
    Ok(line)
}

fn answer(mut to: &TcpStream, request: &str, folder: &Path, prefix: &str) -> io::Result<()> {
    let mut words = request.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (status, kind, body) = if matches!(method, "GET" | "HEAD") {
        match file_for(target, folder, prefix).map(|file| (std::fs::read(&file), file)) {
            Some((Ok(body), file)) => ("200 OK", mime_type(&file), body),
            _ => ("404 Not Found", "text/plain", b"not found\n".to_vec()),
        }
    } else {
        (
            "405 Method Not Allowed",
            "text/plain",
            b"only GET and HEAD\n".to_vec(),
        )
    };
    write!(
        to,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\n\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        to.write_all(&body)?;
    }
    to.flush()
}

/// `None` for a path outside of the prefix or the folder.
fn file_for(target: &str, folder: &Path, prefix: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?;
    let inside = Path::new(path.strip_prefix(prefix)?);
    if !inside
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let file = folder.join(inside);
    Some(if file.is_dir() {
        file.join("index.html")
    } else {
        file
    })
}

fn mime_type(file: &Path) -> &'static str {
    match file
        .extension()
        .and_then(|end| end.to_str())
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn get(site: &StaticSite, target: &str) -> String {
        let mut connection = TcpStream::connect(site.address).expect("a connection");
        write!(connection, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        connection
            .shutdown(std::net::Shutdown::Write)
            .expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        answer
    }

    #[test]
    fn only_files_below_the_prefix_are_served() {
        let folder = tempfile::tempdir().expect("a folder");
        let site_folder = folder.path().join("site");
        std::fs::create_dir_all(site_folder.join("deep")).expect("a folder");
        std::fs::write(site_folder.join("index.html"), "the page").expect("a file");
        std::fs::write(site_folder.join("deep/a.wasm"), "code").expect("a file");
        std::fs::write(folder.path().join("secret"), "secret").expect("a file");
        let site = StaticSite::serve(&site_folder, "/sub/path/").expect("a site");

        let check = |target: &str, status: &str, kind: &str, body: &str| {
            let answer = get(&site, target);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{target}: {answer}"
            );
            assert!(
                answer.contains(&format!("Content-Type: {kind}")),
                "{target}: {answer}"
            );
            assert!(answer.ends_with(body), "{target}: {answer}");
        };
        check("/sub/path/", "200", "text/html", "the page");
        check("/sub/path/?x=1", "200", "text/html", "the page");
        check("/sub/path/deep/a.wasm", "200", "application/wasm", "code");
        check("/", "404", "text/plain", "not found\n");
        check("/index.html", "404", "text/plain", "not found\n");
        check("/sub/path/missing", "404", "text/plain", "not found\n");
        check("/sub/path/../secret", "404", "text/plain", "not found\n");
        check("/sub/path//etc/passwd", "404", "text/plain", "not found\n");
        assert!(site.url().ends_with("/sub/path/"));
    }
}
