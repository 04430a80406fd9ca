//! Many concurrent connections and requests.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use futures::future::join_all;

use crate::program::Serving;
use crate::support::{Response, TestServer, mesh, plan_request};

/// More connections than the agent accepts.
const CONNECTIONS: usize = 1500;

/// Whether the server has closed an idle connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    match stream.read(&mut [0; 1]) {
        Ok(0) => true,
        Ok(_) => panic!("the connection is idle"),
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
fn idle_connections_without_the_token_are_closed_for_new_ones() {
    rlimit::increase_nofile_limit(4096).unwrap();
    let agent = Serving::start();
    let connect = || TcpStream::connect(&agent.address).unwrap();
    let mut trusted = connect();
    let ask = |stream: &mut TcpStream| {
        let request = agent.request("/api/v1/session", &agent.token, "keep-alive");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        // The rest of the response.
        stream.set_nonblocking(true).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        _ = stream.read(&mut [0; 4096]);
        stream.set_nonblocking(false).unwrap();
    };
    ask(&mut trusted);
    let mut idle: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect()).collect();
    assert!(
        agent
            .get("/api/v1/session", &agent.token)
            .starts_with("HTTP/1.1 200 ")
    );
    assert!(is_closed(&mut idle[0]));
    assert!(!is_closed(&mut idle[CONNECTIONS - 1]));
    ask(&mut trusted);
    drop(idle);
    let (_, _, log) = agent.stop();
    assert!(log.contains("without the token were closed"), "{log}");
}

#[test]
fn a_connection_that_never_sends_its_request_is_closed() {
    let agent = Serving::start();
    let mut slow = TcpStream::connect(&agent.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    slow.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut answer = Vec::new();
    // The connection ends, with or without a response.
    _ = slow.read_to_end(&mut answer);
    assert!(is_closed(&mut slow));
    agent.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_wait_for_their_turn_and_too_many_are_rejected() {
    let server = TestServer::new();
    let plan = plan_request(&mesh()).to_string();
    let plans = (0..200).map(|_| server.send("POST", "/api/v1/plan", &[], plan.clone()));
    let answers = join_all(plans).await;
    // A plan that gets its turn fails only because of the missing kubeconfig.
    let is_full = |answer: &&Response| {
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        message == "64 other requests are waiting for a plan"
    };
    let (full, planned): (Vec<_>, Vec<_>) = answers.iter().partition(is_full);
    assert!(planned.len() >= 66 && !full.is_empty(), "{}", planned.len());
    for answer in full {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), "1");
        answer.assert_error();
    }
    for answer in planned {
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("kubeconfig"), "{message}");
    }
    // There is room again.
    let again = server.send("POST", "/api/v1/plan", &[], plan).await;
    assert!(!is_full(&&again));
}
