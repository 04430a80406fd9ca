//! The program from start to stop: where it listens, its token, its link.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use fedmesh_agent::http::{ListenAddress, Token, TokenFile};

#[test]
fn only_loopback_is_listened_on() {
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
fn the_tokens_file_is_its_owners_alone_and_no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let token = Token::random().unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;

    // Somebody put a link where the file is going to be, and a file that everybody reads.
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir_all(state.join("fedmesh")).unwrap();
    std::os::unix::fs::symlink(&victim, state.join("fedmesh/agent-8642.token")).unwrap();
    fs::write(state.join("fedmesh/agent-1.token"), "old").unwrap();
    for port in [8642, 1] {
        let file = TokenFile::create(&state, port, &token).unwrap();
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
    let _file = TokenFile::create(&fresh, 1, &token).unwrap();
    assert_eq!((mode(&fresh), mode(&fresh.join("fedmesh"))), (0o700, 0o700));

    let linked = folder.path().join("linked");
    fs::create_dir(&linked).unwrap();
    std::os::unix::fs::symlink(&fresh, linked.join("fedmesh")).unwrap();
    assert!(TokenFile::create(&linked, 1, &token).is_err());
}

#[test]
fn the_program_serves_until_it_is_told_to_stop() {
    let home = tempfile::tempdir().unwrap();
    let serve = |listen: &str| {
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
    };
    let mut agent = serve("127.0.0.1:0").spawn().unwrap();
    let mut stdout = BufReader::new(agent.stdout.take().unwrap());
    let mut link = String::new();
    stdout.read_line(&mut link).unwrap();
    let (origin, token) = link.trim().split_once("/#token=").unwrap();
    let address = origin.strip_prefix("http://").unwrap();
    let port = address.strip_prefix("127.0.0.1:").unwrap();

    let get = |path: &str, token: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get("/", "").starts_with("HTTP/1.1 200 "));
    assert!(get("/api/v1/session", token).ends_with("{\"version\":\"0.1.0\"}"));
    assert!(get("/api/v1/session", "wrong").starts_with("HTTP/1.1 401 "));
    assert!(get(&format!("/api/v1/session?token={token}"), "").starts_with("HTTP/1.1 401 "));
    let clusters = get("/api/v1/clusters", token);
    assert!(
        clusters.starts_with("HTTP/1.1 200 ") && clusters.contains("kubeconfig"),
        "{clusters}"
    );

    let file = home
        .path()
        .join(format!(".local/state/fedmesh/agent-{port}.token"));
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // A second one on the same port says what to do, and leaves the first one's token alone.
    let second = serve(address).output().unwrap();
    let text = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text.contains("cannot listen on 127.0.0.1:") && text.contains("hint: another program"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), token);

    // A connection that stays open does not keep it alive.
    let _idle = TcpStream::connect(address).unwrap();
    let killed = Command::new("kill")
        .args(["-TERM", &agent.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = agent.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(!file.exists());

    assert!(
        log.contains("GET /api/v1/session 200") && log.contains("GET /api/v1/session 401"),
        "{log}"
    );
    assert!(!log.contains(token), "the log has the token");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the link is printed once");
}
