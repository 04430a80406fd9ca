//! The load generator against the sample server, with an outage in between.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::process::OwnedProcess;
use testbed::tools::{HTTPBIN, LOAD};

fn serve(cluster: &str, address: SocketAddr, log: &Path) -> OwnedProcess {
    let port = address.port().to_string();
    let environment = [
        ("HOST", OsStr::new("127.0.0.1")),
        ("PORT", port.as_ref()),
        ("FEDMESH_CLUSTER", cluster.as_ref()),
    ];
    let program = HTTPBIN.ensure().expect("httpbin");
    let server =
        OwnedProcess::start(&program, [] as [&str; 0], &environment, log).expect("a server");
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            server.output()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

#[test]
fn an_outage_and_who_takes_over_are_seen_with_their_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);

    let west = serve("west", address, &log);
    let load = Command::new(LOAD.ensure().expect("load"))
        .args(["-url", &format!("http://{address}/html")])
        .args([
            "-host",
            "sample.example",
            "-rps",
            "100",
            "-c",
            "4",
            "-d",
            "4s",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("load");
    std::thread::sleep(Duration::from_secs(1));
    drop(west);
    std::thread::sleep(Duration::from_secs(1));
    let _east = serve("east", address, &log);
    let output = load.wait_with_output().expect("its output");
    assert!(output.status.success());

    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("a count: {seen}"));
    let time = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("a time: {seen}"));
    assert_eq!(seen["n"], 400);
    let ok = count(&seen["statuses"]["200"]);
    assert_eq!(count(&seen["failed"]), 400 - ok);
    let (west, east) = (&seen["clusters"]["west"], &seen["clusters"]["east"]);
    assert_eq!(count(west) + count(east), ok);

    let failures = seen["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 1, "{seen}");
    let [from, to] = ["from", "to"].map(|end| time(&failures[0][end]));
    assert_eq!(failures[0]["n"], seen["failed"]);
    assert!((0.5..2.0).contains(&from) && to - from > 0.8, "{seen}");

    let switches = seen["switches"].as_array().expect("a list");
    assert_eq!(switches.len(), 1, "{seen}");
    assert_eq!(switches[0]["from"], "west");
    assert_eq!(switches[0]["to"], "east");
    assert!(time(&switches[0]["at"]) > to, "{seen}");
}

#[test]
fn an_open_loop_says_so_when_it_can_not_keep_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);
    let _server = serve("slow", address, &folder.path().join("log"));
    let output = Command::new(LOAD.ensure().expect("load"))
        .args(["-url", &format!("http://{address}/delay/0.2")])
        .args(["-rps", "20", "-c", "1", "-d", "1s"])
        .output()
        .expect("load");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["n"], 20, "none is left out: {seen}");
    assert_eq!(seen["kept_up"], false);
    // The last is due after 0.95 s and ends after 20 × 0.2 s.
    assert!(seen["latency_ms"]["max"].as_f64() > Some(3000.0), "{seen}");
}
