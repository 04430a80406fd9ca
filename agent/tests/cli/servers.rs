//! Servers whose responses no API server would send.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::workdir::Workdir;

/// The body of every response.
#[derive(Clone)]
enum Body {
    Json(&'static str),
    /// The text, repeated forever.
    Endless(&'static str),
}

/// Starts a server that runs until the tests end.
fn server(status: &'static str, body: Body) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, body) = (stream.unwrap(), body.clone());
            std::thread::spawn(move || {
                // The client closes the connection when it has read enough.
                _ = answer(stream, status, &body);
            });
        }
    });
    address
}

fn answer(mut stream: TcpStream, status: &str, body: &Body) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    match body {
        Body::Json(text) => stream.write_all(text.as_bytes()),
        Body::Endless(text) => {
            let chunk = text.repeat(10_000);
            loop {
                stream.write_all(chunk.as_bytes())?;
            }
        }
    }
}

/// The output of each command for two clusters with that server, whose address has no scheme, as kubectl accepts it.
fn said_of(address: &str) -> Vec<String> {
    let workdir = Workdir::new();
    workdir.write("token", "token\n");
    workdir.write(
        "kubeconfig",
        &format!(
            "{{apiVersion: v1, kind: Config, clusters: [{{name: c, cluster: {{server: '{address}'}}}}], \
             users: [{{name: u, user: {{tokenFile: token}}}}], \
             contexts: [{{name: ctx-one, context: {{cluster: c, user: u}}}}, \
             {{name: ctx-two, context: {{cluster: c, user: u}}}}]}}"
        ),
    );
    let commands: [&[&str]; 3] = [&["plan"], &["verify"], &["remove", "--yes"]];
    let run = |command: &&[&str]| {
        let mut arguments = command.to_vec();
        arguments.extend(["-f", "mesh.yaml", "--kubeconfig", "kubeconfig"]);
        let output = workdir.command(&arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains("panicked"), "{command:?}: {said}");
        assert!(
            output.status.code().is_some_and(|code| code != 101),
            "{command:?}: {said}"
        );
        said
    };
    commands.iter().map(run).collect()
}

#[test]
fn no_response_causes_a_panic() {
    for json in [
        "[]",
        "null",
        "\"text\"",
        "{}",
        r#"{"metadata":[]}"#,
        r#"{"metadata":{"annotations":[],"labels":"x","uid":[]}}"#,
        r#"{"metadata":{"name":1},"data":[],"items":[[],1,null,{}],"resources":1,"groups":{}}"#,
        r#"{"items":{}}"#,
        r#"{"kind":"Status","details":[]}"#,
        "",
    ] {
        for status in ["200 OK", "409 Conflict"] {
            said_of(&server(status, Body::Json(json)));
        }
    }
}

#[test]
fn an_endless_response_is_cut_off() {
    for text in ["x", "\n"] {
        for said in said_of(&server("200 OK", Body::Endless(text))) {
            assert!(said.contains("ctx-one"), "{said}");
            assert!(said.contains("the answer is longer than "), "{said}");
        }
    }
    for said in said_of(&server("403 Forbidden", Body::Endless("x"))) {
        assert!(said.contains("ctx-one"), "{said}");
    }
}
