//! Recorded output of curl and of the programs that query DNS.

use super::*;

#[test]
fn programs_are_found() {
    let new = "curl 8.16.0 (x86_64-pc-linux-musl) libcurl/8.16.0\nRelease-Date: x\ntool nslookup\n";
    assert_eq!(read_probe(new), (Some(Curl::New), Some(DnsTool::Nslookup)));
    assert_eq!(
        read_probe("curl 7.83.0 (x)\ntool dig\n"),
        (Some(Curl::New), Some(DnsTool::Dig))
    );
    assert_eq!(
        read_probe("curl 7.64.0 (x)\ntool getent\n"),
        (Some(Curl::Old), Some(DnsTool::Getent))
    );
    assert_eq!(read_probe("sh: curl: not found\n"), (None, None));
}

fn answered(status: u16, cluster: &str, envoy: bool) -> Reply {
    Reply::Answered(HttpResponse {
        status,
        cluster: (!cluster.is_empty()).then(|| cluster.to_owned()),
        envoy,
        body: String::new(),
    })
}

#[test]
fn transfers_of_a_new_curl() {
    let stdout = "\n\
        fedmesh-transfer\thttp://shop.example.org/html\t200\t0\t0.012345\t\t{\"server\":[\"istio-envoy\"],\n\
        \"x-fedmesh-cluster\":[\"north\"]\n}\n\
        \nfedmesh-transfer\thttp://gone.example.org/html\t000\t6\t0.001000\tCould not resolve host: gone.example.org\t{}\n\
        \nfedmesh-transfer\thttp://orders.sales.svc.cluster.local:8000/html\t503\t0\t2.5\t\t{\"server\":[\"envoy\"]}\n\
        \nfedmesh-transfer\thttp://slow.example.org/html\t200\t28\t5.0\tOperation timed out\t{}\n\
        \nfedmesh-transfer\thttp://last.example.org/html\t200\t0\t0.1\t\t{\"x-fedmesh-cluster\":[\"south\"]}\n\
        fedmesh-name shop.example.org\n192.0.2.1 STREAM\n";
    let transfers = read_transfers(stdout, "");
    let get = |host: &str| &transfers[host];
    assert_eq!(get("shop.example.org").reply, answered(200, "north", true));
    assert_eq!(get("shop.example.org").milliseconds, 12);
    assert_eq!(
        get("gone.example.org").reply,
        Reply::Failed(Failure::Unresolved)
    );
    let local = get("orders.sales.svc.cluster.local:8000");
    assert_eq!(local.reply, answered(503, "", true));
    assert_eq!(local.milliseconds, 2500);
    assert_eq!(
        get("slow.example.org").reply,
        Reply::Failed(Failure::Timeout)
    );
    // A Job's log continues after the last record.
    assert_eq!(get("last.example.org").reply, answered(200, "south", false));
    assert_eq!(transfers.len(), 5);
}

#[test]
fn transfers_of_an_old_curl() {
    let stdout = "HTTP/1.1 200 OK\r\nServer: envoy\r\nX-Fedmesh-Cluster: north\r\n\r\n\
        \nfedmesh-transfer\thttp://shop.example.org/\t200\t\t0.01\t\t\n\
        \nfedmesh-transfer\thttp://gone.example.org/\t000\t\t0.01\t\t\n\
        HTTP/1.1 404 Not Found\r\nserver: istio-envoy\r\n\r\n\
        \nfedmesh-transfer\thttp://other.example.org/\t404\t\t0.01\t\t\n\
        \nfedmesh-transfer\thttp://late.example.org/\t000\t\t5.0\t\t\n";
    let stderr = "curl: (6) Could not resolve host: gone.example.org\n\
        curl: (28) Operation timed out after 5000 milliseconds\n";
    let transfers = read_transfers(stdout, stderr);
    let reply = |host: &str| transfers[host].reply.clone();
    assert_eq!(reply("shop.example.org"), answered(200, "north", true));
    assert_eq!(reply("other.example.org"), answered(404, "", true));
    assert_eq!(
        reply("gone.example.org"),
        Reply::Failed(Failure::Unresolved)
    );
    assert_eq!(reply("late.example.org"), Reply::Failed(Failure::Timeout));
}

#[test]
fn sessions_and_calls_of_methods() {
    let stdout = "\n\
        fedmesh-transfer\thttps://vault.example.org:443/\t0.020\t52\t5.0\tEmpty reply from server\t{}\n\
        \nfedmesh-transfer\thttps://gone.example.org:443/\t0.000\t35\t0.1\tunexpected eof\t{}\n\
        \nfedmesh-transfer\thttp://stock.example.org:9000/\t200\t0\t0.1\t\t{\"grpc-status\":[\"12\"],\"x-fedmesh-cluster\":[\"north\"]}\n\
        \nfedmesh-transfer\thttp://down.example.org:9000/\t200\t0\t0.1\t\t{\"grpc-status\":[\"14\"],\"grpc-message\":[\"no healthy upstream\"]}\n";
    let transfers = read_transfers(stdout, "");
    let reply = |host: &str| transfers[host].reply.clone();
    assert_eq!(reply("vault.example.org:443"), Reply::Connected);
    assert_eq!(
        reply("gone.example.org:443"),
        Reply::Failed(Failure::Tls("unexpected eof".into()))
    );
    assert_eq!(
        reply("stock.example.org:9000"),
        answered(200, "north", false)
    );
    let Reply::Answered(down) = reply("down.example.org:9000") else {
        panic!("{stdout}")
    };
    assert_eq!(
        (down.status, down.body.as_str()),
        (503, "no healthy upstream")
    );
}

/// Runs one of our commands on this machine.
fn run(command: &[String]) -> (String, String) {
    let output = std::process::Command::new(&command[0])
        .args(&command[1..])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// A server whose answers identify the cluster, on a free port of loopback.
fn server() -> u16 {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 503 Service Unavailable\r\nserver: istio-envoy\r\n\
                  x-fedmesh-cluster: north\r\ncontent-length: 19\r\nconnection: close\r\n\r\n\
                  no healthy upstream",
            );
        }
    });
    port
}

#[test]
fn the_output_of_the_local_curl_is_parsed() {
    let port = server();
    let url = format!("http://127.0.0.1:{port}/status/503?a=[b]");
    let urls = [
        url.as_str(),
        "http://127.0.0.1:1/",
        "http://nowhere.invalid/",
    ];
    let deadline = Duration::from_secs(5);
    for curl in [Curl::New, Curl::Old] {
        let (stdout, stderr) = run(&transfers(curl, &urls, deadline));
        let transfers = read_transfers(&stdout, &stderr);
        let reply = |host: &str| transfers.get(host).map(|t| t.reply.clone());
        let at = format!("127.0.0.1:{port}");
        assert_eq!(reply(&at), Some(answered(503, "north", true)), "{stdout}");
        assert_eq!(
            reply("127.0.0.1:1"),
            Some(Reply::Failed(Failure::Refused)),
            "{stdout}"
        );
        assert_eq!(
            reply("nowhere.invalid"),
            Some(Reply::Failed(Failure::Unresolved)),
            "{stdout}\n{stderr}"
        );
        let (stdout, _) = run(&bodies(&[&url], deadline));
        assert_eq!(read_bodies(&stdout)[&at], "no healthy upstream", "{stdout}");
    }
}

/// A server that handles each connection with a closure, on a free port of loopback.
fn taking(each: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            each(&mut stream);
            held.push(stream);
        }
    });
    address.to_string()
}

#[test]
fn connections_are_tried() {
    use std::io::Write as _;
    let silent = taking(|_| ());
    let greeting = taking(|stream| {
        let _ = stream.write_all(b"220 ready\r\n");
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let closing = taking(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let (refused, unknown) = ("127.0.0.1:1".to_owned(), "nowhere.invalid:5432".to_owned());
    let cases = [
        (silent, Reply::Connected),
        (greeting, Reply::Connected),
        (closing, Reply::Failed(Failure::Reset)),
        (refused, Reply::Failed(Failure::Refused)),
        (unknown, Reply::Failed(Failure::Unresolved)),
    ];
    let urls: Vec<String> = cases
        .iter()
        .map(|(address, _)| format!("telnet://{address}"))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let (stdout, stderr) = run(&transfers(Curl::Old, &urls, Duration::from_secs(5)));
    let transfers = read_transfers(&stdout, &stderr);
    for (address, reply) in cases {
        assert_eq!(transfers[&address].reply, reply, "{address}\n{stdout}");
    }
}

#[test]
fn a_method_is_called_without_a_message() {
    use std::io::{Read as _, Write as _};
    let (asked, heard) = std::sync::mpsc::channel();
    let address = taking(move |stream| {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        asked.send(buffer[..length].to_vec()).unwrap();
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\n\
              grpc-message: no healthy upstream\r\ncontent-length: 0\r\n\r\n",
        );
    });
    let url = format!("grpc://{address}/grpc.health.v1.Health/Check");
    let (stdout, stderr) = run(&transfers(Curl::New, &[&url], Duration::from_secs(5)));
    let request = String::from_utf8(heard.recv().unwrap()).unwrap();
    assert!(
        request.starts_with("POST /grpc.health.v1.Health/Check HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/grpc\r\n"),
        "{request}"
    );
    let transfers = read_transfers(&stdout, &stderr);
    let reply = &transfers[&address].reply;
    assert!(
        matches!(reply, Reply::Answered(HttpResponse { status: 503, body, .. }) if body == "no healthy upstream"),
        "{stdout}"
    );
}

#[test]
fn one_command_for_each_scheme() {
    let urls = [
        "http://a/",
        "telnet://b:1",
        "http://c/",
        "https://d:443/",
        "grpc://e:1/",
    ];
    let groups = by_scheme(&urls.map(str::to_owned));
    assert_eq!(groups.concat().len(), 5);
    assert_eq!(groups.len(), 4);
    assert!(groups.contains(&vec!["http://a/".to_owned(), "http://c/".to_owned()]));
}

#[test]
fn the_probe_and_the_names_run_in_a_shell() {
    let (stdout, _) = run(&probe());
    assert!(read_probe(&stdout).0.is_some(), "{stdout}");
    // No name exists under this domain (RFC 6761, 6.4), with or without a network.
    let hosts: Vec<String> = (0..20).map(|n| format!("n{n}.invalid")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let (stdout, stderr) = run(&names(DnsTool::Getent, &hosts));
    let names = read_names(&stdout);
    assert_eq!(names.len(), 20, "{stdout}\n{stderr}");
    assert_eq!(names["n7.invalid"], Resolution::NoSuchName, "{stdout}");
}

#[test]
fn the_output_of_dns_programs_is_parsed() {
    let addresses = |list: &[&str]| {
        Resolution::Addresses(list.iter().map(|text| text.parse().unwrap()).collect())
    };
    #[rustfmt::skip]
    let cases: &[(&str, &str, Resolution)] = &[
        ("busybox", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tshop.example.org\nAddress: 192.0.2.2\nName:\tshop.example.org\nAddress: 192.0.2.1\n\n",
            addresses(&["192.0.2.1", "192.0.2.2"])),
        ("busybox, without IPv6", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n\nName:\tshop.example.org\nAddress: 192.0.2.1\n\n*** Can't find shop.example.org.: No answer\n",
            addresses(&["192.0.2.1"])),
        ("busybox, no such name", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find shop.example.org.: NXDOMAIN\n\n** server can't find shop.example.org.: NXDOMAIN\n",
            Resolution::NoSuchName),
        ("busybox, nothing there", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n*** Can't find shop.example.org.: No answer\n*** Can't find shop.example.org.: No answer\n",
            Resolution::NoAddress),
        ("busybox, no answer", ";; connection timed out; no servers could be reached\n\n",
            Resolution::Error(";; connection timed out; no servers could be reached".into())),
        ("an older busybox", "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc\n\nName:      shop.example.org\nAddress 1: 192.0.2.1 a.example.org\n",
            addresses(&["192.0.2.1"])),
        ("BIND", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nNon-authoritative answer:\nshop.example.org\tcanonical name = orders.example.org.\nName:\torders.example.org\nAddress: 192.0.2.1\nName:\torders.example.org\nAddress: 2001:db8::1\n",
            addresses(&["192.0.2.1", "2001:db8::1"])),
        ("BIND, refused", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n** server can't find shop.example.org: REFUSED\n",
            Resolution::Error("** server can't find shop.example.org: REFUSED".into())),
        ("dig", ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n\n;; ANSWER SECTION:\nshop.example.org.\t300\tIN\tCNAME\torders.example.org.\norders.example.org.\t300\tIN\tA\t192.0.2.1\n",
            addresses(&["192.0.2.1"])),
        ("dig, no such name", ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1\n", Resolution::NoSuchName),
        ("dig, nothing there", ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n", Resolution::NoAddress),
        ("getent", "192.0.2.1       STREAM shop.example.org\n192.0.2.1       DGRAM\n192.0.2.1       RAW\n", addresses(&["192.0.2.1"])),
        ("getent, not found", "\n", Resolution::NoSuchName),
    ];
    for (what, text, expected) in cases {
        let stdout =
            format!("fedmesh-name other.example.org\n\nfedmesh-name shop.example.org\n{text}\n");
        assert_eq!(&read_names(&stdout)["shop.example.org"], expected, "{what}");
    }
}
