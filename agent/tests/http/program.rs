//! The program from start to stop: its address, token and link.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use fedmesh_agent::http::{ListenAddress, Token, TokenFile};
use tempfile::TempDir;

#[test]
fn only_loopback_addresses_are_accepted() {
    for good in [
        "127.0.0.1:8642",
        "127.0.0.1:0",
        "127.8.8.8:1",
        "[::1]:8642",
        "localhost:8642",
    ] {
        assert!(good.parse::<ListenAddress>().is_ok(), "{good}");
    }
    for bad in [
        "0.0.0.0:8642",
        "[::]:8642",
        "192.0.2.1:8642",
        "[::ffff:127.0.0.1]:8642",
        "[::ffff:192.0.2.1]:8642",
        "169.254.169.254:80",
        "localhost.evil.example:8642",
        "example.org:8642",
        "127.0.0.1",
        ":8642",
        "8642",
        "",
    ] {
        assert!(bad.parse::<ListenAddress>().is_err(), "{bad}");
    }
}

#[test]
fn the_token_file_is_private_and_no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let token = Token::random().unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;

    // There is a link with the name of the file, and an old file that all users can read.
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir_all(state.join("fedmesh")).unwrap();
    std::os::unix::fs::symlink(&victim, state.join("fedmesh/agent-8642.token")).unwrap();
    fs::write(state.join("fedmesh/agent-1.token"), "old").unwrap();
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    for port in [8642, 1] {
        let file = TokenFile::create(&state, local(port), &token).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), token.reveal());
        assert!(fs::symlink_metadata(file.path()).unwrap().is_file());
        assert_eq!(mode(file.path()), 0o600);
        let opener = file
            .write_opener("http://127.0.0.1:8642/#token=x")
            .unwrap()
            .to_owned();
        assert_eq!(mode(&opener), 0o600);
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists() && !opener.exists());
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    let fresh = folder.path().join("fresh");
    let _file = TokenFile::create(&fresh, local(1), &token).unwrap();
    assert_eq!((mode(&fresh), mode(&fresh.join("fedmesh"))), (0o700, 0o700));

    let linked = folder.path().join("linked");
    fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(&fresh, linked.join("fedmesh")).unwrap();
    assert!(TokenFile::create(&linked, local(1), &token).is_err());
}

/// The program, serving until it gets a signal.
pub(crate) struct Serving {
    agent: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
    pub(crate) token: String,
    home: TempDir,
}

fn serve(home: &TempDir, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"));
    command
        .args(["serve", "--listen", listen])
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Serving {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let command = serve(&home, "127.0.0.1:0");
        Self::of(home, command)
    }

    fn of(home: TempDir, mut command: Command) -> Self {
        let mut agent = command.spawn().unwrap();
        let mut stdout = BufReader::new(agent.stdout.take().unwrap());
        let mut link = String::new();
        stdout.read_line(&mut link).unwrap();
        let (origin, token) = link.trim().split_once("/#token=").unwrap();
        Self {
            address: origin.strip_prefix("http://").unwrap().to_owned(),
            token: token.to_owned(),
            agent,
            stdout,
            home,
        }
    }

    /// Starts it by another program.
    fn started_by(program: &str, arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let plain = serve(&home, "127.0.0.1:0");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::of(home, command)
    }

    pub(crate) fn request(&self, path: &str, token: &str, connection: &str) -> String {
        let address = &self.address;
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: {connection}\r\n\r\n"
        )
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = self.request(path, token, "close");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn token_file(&self) -> PathBuf {
        let port = self.address.strip_prefix("127.0.0.1:").unwrap();
        let name = format!(".local/state/fedmesh/agent-{port}.token");
        self.home.path().join(name)
    }

    fn signal(&self, name: &str) {
        let pid = self.agent.id().to_string();
        let status = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(status.success());
    }

    /// Exit code, the rest of standard output, and the log.
    pub(crate) fn stop(mut self) -> (Option<i32>, String, String) {
        self.signal("-TERM");
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String, String) {
        let code = self.agent.wait().unwrap().code();
        let (mut rest, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        let mut stderr = self.agent.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        (code, rest, log)
    }
}

#[test]
fn the_program_serves_until_a_signal() {
    let agent = Serving::start();
    let token = agent.token.clone();
    assert!(agent.get("/", "").starts_with("HTTP/1.1 200 "));
    assert!(
        agent
            .get("/api/v1/session", &token)
            .ends_with("{\"version\":\"0.1.0\"}")
    );
    assert!(
        agent
            .get("/api/v1/session", "wrong")
            .starts_with("HTTP/1.1 401 ")
    );
    let in_query = format!("/api/v1/session?token={token}");
    assert!(agent.get(&in_query, "").starts_with("HTTP/1.1 401 "));
    let clusters = agent.get("/api/v1/clusters", &token);
    assert!(
        clusters.starts_with("HTTP/1.1 200 ") && clusters.contains("kubeconfig"),
        "{clusters}"
    );

    let file = agent.token_file();
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // A second agent on the same port prints a hint, and keeps the token of the first one.
    let second = serve(&agent.home, &agent.address).output().unwrap();
    let text = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text.contains("cannot listen on 127.0.0.1:") && text.contains("hint: use --listen"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), token);

    // An open connection does not keep the agent running.
    let _idle = TcpStream::connect(&agent.address).unwrap();
    let (code, rest, log) = agent.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!file.exists());

    assert!(
        log.contains("GET /api/v1/session 200") && log.contains("GET /api/v1/session 401"),
        "{log}"
    );
    assert!(!log.contains(&token), "the log contains the token");
    assert_eq!(rest, "", "the link is printed once");
}

#[test]
fn a_closed_terminal_stops_the_program_without_nohup() {
    // The tests themselves may have been started with nohup.
    let mut agent = Serving::started_by("env", &["--default-signal=HUP"]);
    let file = agent.token_file();
    assert!(file.exists());
    agent.signal("-HUP");
    let (code, _, log) = agent.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!file.exists());

    // With nohup, it continues.
    let agent = Serving::started_by("nohup", &[]);
    agent.signal("-HUP");
    assert!(agent.get("/", "").starts_with("HTTP/1.1 200 "));
    agent.stop();
}

#[test]
fn agents_with_the_same_port_have_their_own_tokens() {
    let home = tempfile::tempdir().unwrap();
    let token = Token::random().unwrap();
    let other = Token::random().unwrap();
    let create = |address: &str, token| {
        TokenFile::create(home.path(), address.parse().unwrap(), token).unwrap()
    };
    let files = [
        create("127.0.0.1:8642", &token),
        create("127.0.0.2:8642", &other),
        create("[::1]:8642", &other),
    ];
    let texts = files
        .each_ref()
        .map(|file| fs::read_to_string(file.path()).unwrap());
    assert_eq!(texts, [token.reveal(), other.reveal(), other.reveal()]);
}
