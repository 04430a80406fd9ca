//! The commands for a client's pod, and the parser of their output: pure text in and out.
//!
//! The scheme of a URL selects the request: `http` is a GET, `grpc` a call of a method, `https` a TLS session whose
//! certificate is not verified, `telnet` a connection.

mod connection;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use shared::render::ANSWER_HEADER;
use shared::verify::{Failure, HttpResponse, Reply, Resolution};

use super::http::{AGENT, beginning, of_grpc};

/// Marks the start of a transfer's record; no header and no message of curl contains it.
const MARK: &str = "fedmesh-transfer\t";
/// Marks the start of a name's answer.
const NAME_MARK: &str = "fedmesh-name ";
/// Marks the start of a body.
const BODY_MARK: &str = "fedmesh-body\t";
/// Parallel transfers in a pod.
const AT_ONCE: &str = "8";

/// The features of a pod's curl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curl {
    /// 7.83 and later: parallel transfers, headers as JSON.
    New,
    /// Before 7.83: one transfer at a time, raw headers.
    Old,
}

/// The program that queries DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DnsTool {
    Nslookup,
    Dig,
    Getent,
}

impl DnsTool {
    const ALL: [(&'static str, Self); 3] = [
        ("nslookup", Self::Nslookup),
        ("dig", Self::Dig),
        ("getent", Self::Getent),
    ];

    fn command(self) -> &'static str {
        match self {
            // BIND's and busybox's both query IPv4 and IPv6 addresses.
            Self::Nslookup => "nslookup \"$n.\"",
            Self::Dig => "dig +time=2 +tries=2 +noall +comments +answer \"$n.\" A \"$n.\" AAAA",
            Self::Getent => "getent ahosts \"$n.\"",
        }
    }
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) reply: Reply,
    pub(super) milliseconds: u32,
}

/// The command that lists the available programs. It fails in a pod without a shell.
pub(super) fn probe() -> Vec<String> {
    let tools = DnsTool::ALL.map(|(name, _)| name).join(" ");
    let script = format!(
        "curl --version; for t in {tools}; do command -v $t >/dev/null 2>&1 && echo \"tool $t\" && break; done; exit 0"
    );
    words(["sh", "-c", &script])
}

/// Parses the output of [`probe`]: `None` where curl is missing.
pub(super) fn read_probe(output: &str) -> (Option<Curl>, Option<DnsTool>) {
    let curl = output.lines().find_map(|line| {
        let version = line.strip_prefix("curl ")?.split(' ').next()?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
        let version = (parts.next()??, parts.next()??);
        Some(if version >= (7, 83) {
            Curl::New
        } else {
            Curl::Old
        })
    });
    let tool = output.lines().find_map(|line| {
        let name = line.strip_prefix("tool ")?;
        let found = DnsTool::ALL.iter().find(|(other, _)| *other == name)?;
        Some(found.1)
    });
    (curl, tool)
}

/// Groups URLs by scheme: one command fetches one group.
pub(super) fn by_scheme(urls: &[String]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for url in urls {
        groups.entry(scheme(url)).or_default().push(url.clone());
    }
    groups.into_values().collect()
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

/// The command that fetches URLs with one scheme, each of another host or port.
pub(super) fn transfers(curl: Curl, urls: &[&str], deadline: Duration) -> Vec<String> {
    let scheme = urls.first().map_or("", |url| scheme(url));
    if scheme == connection::SCHEME {
        return connection::command(urls);
    }
    let mut command = common(deadline);
    let mut status = "http_code";
    if scheme == "https" {
        command.push("--insecure".to_owned());
        // In place of a status: the time of the TLS handshake.
        status = "time_appconnect";
    }
    if scheme == "grpc" {
        // The call of a method without a message: any gRPC status shows that it reached a server.
        command.extend(words(["--request", "POST", "--header", "te: trailers"]));
        command.extend(words(["--header", "content-type: application/grpc"]));
    }
    let format = format!(
        "\\n{MARK}%{{url_effective}}\\t%{{{status}}}\\t%{{exitcode}}\\t%{{time_total}}\\t%{{errormsg}}\\t%{{header_json}}\\n"
    );
    match curl {
        Curl::New => command.extend(words(["--parallel", "--parallel-max", AT_ONCE])),
        Curl::Old => command.extend(words(["--show-error", "--dump-header", "-"])),
    }
    let format = match curl {
        Curl::New => format,
        Curl::Old => {
            format!("\\n{MARK}%{{url_effective}}\\t%{{{status}}}\\t\\t%{{time_total}}\\t\\t\\n")
        }
    };
    command.extend(words(["--write-out", &format]));
    for url in urls {
        let url = url.replacen("grpc://", "http://", 1);
        command.extend(words(["--output", "/dev/null", &url]));
    }
    command
}

/// The command that fetches the bodies of URLs, one after the other.
pub(super) fn bodies(urls: &[&str], deadline: Duration) -> Vec<String> {
    let mut command = common(deadline);
    let format = format!("\\n{BODY_MARK}%{{url_effective}}\\n");
    command.extend(words(["--max-filesize", "65536", "--write-out", &format]));
    command.extend(urls.iter().map(ToString::to_string));
    command
}

fn common(deadline: Duration) -> Vec<String> {
    let seconds = format!("{:.1}", deadline.as_secs_f64());
    words([
        "curl",
        "--silent",
        "--globoff",
        "--path-as-is",
        "--noproxy",
        "*",
        "--max-time",
        &seconds,
        "--user-agent",
        AGENT,
    ])
}

/// The command that resolves names, some at a time.
pub(super) fn names(tool: DnsTool, hosts: &[&str]) -> Vec<String> {
    let mut command = words(["sh", "-c", &names_script(tool), "sh"]);
    command.extend(hosts.iter().map(ToString::to_string));
    command
}

/// The script for the first program that exists; without any it writes nothing.
pub(super) fn names_script_for_any() -> String {
    let branches = DnsTool::ALL.map(|(name, tool)| {
        format!(
            "if command -v {name} >/dev/null 2>&1; then {}; el",
            names_script(tool)
        )
    });
    format!("{}se true; fi", branches.concat())
}

/// The script; the names are its arguments. Each answer is written in one piece, since several names are resolved at a
/// time.
fn names_script(tool: DnsTool) -> String {
    format!(
        "i=0; for n in \"$@\"; do (o=$({} 2>&1); printf '%s%s\\n%s\\n' '{NAME_MARK}' \"$n\" \"$o\") & \
         i=$((i+1)); [ $((i%8)) -ne 0 ] || wait; done; wait",
        tool.command()
    )
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// Parses the transfers, keyed by `host[:port]`. Error messages of curl before 7.83 are on standard error, in order.
pub(super) fn read_transfers(stdout: &str, stderr: &str) -> BTreeMap<String, Transfer> {
    let mut failures = stderr.lines().filter_map(|line| {
        let (code, message) = line.strip_prefix("curl: (")?.split_once(") ")?;
        Some((code.parse::<u16>().ok()?, message.to_owned()))
    });
    let mut transfers = BTreeMap::new();
    let mut before = stdout;
    while let Some((head, rest)) = before.split_once(MARK) {
        let end = rest.find(MARK).unwrap_or(rest.len());
        if scheme(rest) == connection::SCHEME {
            transfers.extend(connection::read(&rest[..end]));
            before = rest;
            continue;
        }
        let mut fields = rest[..end].splitn(6, '\t');
        let mut field = || fields.next().unwrap_or_default();
        let (url, status, exit, seconds, message, headers) =
            (field(), field(), field(), field(), field(), field());
        let session = scheme(url) == "https" && status.parse().is_ok_and(|time: f64| time > 0.0);
        let status: u16 = status.parse().unwrap_or(0);
        let mut failure = (exit.parse().unwrap_or(0), message.to_owned());
        if status == 0
            && !session
            && failure.0 == 0
            && let Some(next) = failures.next()
        {
            failure = next;
        }
        // Other output may follow the last record.
        let mut values = serde_json::Deserializer::from_str(headers).into_iter::<Value>();
        let headers = match values.next() {
            Some(Ok(headers @ Value::Object(_))) => headers,
            _ => headers_of(head),
        };
        let header = |name: &str| headers[name][0].as_str().map(str::to_owned);
        // A body that breaks off after the head counts as no answer.
        let reply = if session {
            Reply::Connected
        } else if status == 0 || matches!(failure.0, 18 | 28 | 56) {
            Reply::Failed(Failure::of_curl(failure.0, &failure.1))
        } else {
            let mut answer = HttpResponse {
                status,
                cluster: header(ANSWER_HEADER),
                envoy: header("server").is_some_and(|server| server.contains("envoy")),
                body: String::new(),
            };
            if let Some(grpc) = header("grpc-status") {
                of_grpc(&mut answer, &grpc, header("grpc-message").as_deref());
            }
            Reply::Answered(answer)
        };
        let seconds: f64 = seconds.parse().unwrap_or(0.0);
        let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        transfers.insert(
            authority(url),
            Transfer {
                reply,
                milliseconds: super::http::milliseconds(time),
            },
        );
        before = rest;
    }
    transfers
}

/// Raw headers of the last response, in the form of curl's JSON.
fn headers_of(text: &str) -> Value {
    let mut headers = Value::Null;
    for line in text.lines() {
        if line.starts_with("HTTP/") {
            headers = Value::Null;
        } else if let Some((name, value)) = line.split_once(':') {
            headers[name.trim().to_lowercase()] = Value::from(vec![value.trim()]);
        }
    }
    headers
}

/// `host[:port]` of a URL.
pub(super) fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_lowercase()
}

/// Parses the beginnings of bodies, keyed by `host[:port]`.
pub(super) fn read_bodies(stdout: &str) -> BTreeMap<String, String> {
    let mut bodies = BTreeMap::new();
    let mut rest = stdout;
    while let Some((body, after)) = rest.split_once(BODY_MARK) {
        let (url, after) = after.split_once('\n').unwrap_or((after, ""));
        bodies.insert(
            authority(url.trim()),
            beginning(body.trim_end_matches('\n')),
        );
        rest = after;
    }
    bodies
}

/// Parses the answer for each name.
pub(super) fn read_names(stdout: &str) -> BTreeMap<String, Resolution> {
    stdout
        .split(NAME_MARK)
        .skip(1)
        .filter_map(|part| {
            let (name, text) = part.split_once('\n')?;
            Some((name.trim().to_owned(), resolution(text)))
        })
        .collect()
}

/// Parses the output of nslookup (BIND's or busybox's), dig or getent.
fn resolution(text: &str) -> Resolution {
    let mut addresses = BTreeSet::new();
    // nslookup prints its server first, with an address.
    let mut is_answer = !text.contains("Server:");
    for line in text.lines() {
        if line.starts_with("Name:") || line.starts_with("Non-authoritative") {
            is_answer = true;
        }
        if !is_answer || line.starts_with(';') {
            continue;
        }
        let mut words = line.split_whitespace();
        let word = match words.next() {
            // `Address: 192.0.2.1`, in old versions `Address 1: 192.0.2.1 name`
            Some("Address:") => words.next(),
            Some("Address") => words.nth(1),
            // `name. 300 IN A 192.0.2.1`
            Some(first) if first.ends_with('.') => words.next_back(),
            // `192.0.2.1 STREAM name`
            first => first,
        };
        addresses.extend(word.and_then(|word| word.parse::<IpAddr>().ok()));
    }
    let lower = text.to_lowercase();
    if !addresses.is_empty() {
        Resolution::Addresses(addresses.into_iter().collect())
    } else if lower.contains("nxdomain") {
        Resolution::NoSuchName
    } else if lower.contains("status: noerror") || lower.contains("no answer") {
        Resolution::NoAddress
    } else if text.trim().is_empty() {
        // getent prints nothing for a name that does not exist.
        Resolution::NoSuchName
    } else {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
        Resolution::Error(line.unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests;
