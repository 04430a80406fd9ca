//! The name servers of the bed, in its hub: a bind9 that serves the zone and accepts dynamic updates, and a CoreDNS
//! that replaces all other DNS and resolves no name. They are separate, so that a cluster whose DNS lacks the stub
//! domain cannot resolve the zone.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::network::{Hub, address, command_in};
use crate::BedError;
use crate::process::OwnedProcess;

const KEY: &str = "fedmesh-test";
const ALGORITHM: &str = "hmac-sha256";
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Port of bind9's statistics by HTTP, on the address of its DNS server.
const STATISTICS_PORT: u16 = 8053;

/// The name server of the bed's zone.
#[derive(Debug)]
pub struct NameServer {
    /// The zone.
    pub zone: String,
    secret: String,
    hub: PathBuf,
    named: OwnedProcess,
    resolver: OwnedProcess,
}

impl NameServer {
    pub(super) fn start(
        zone: &str,
        coredns: &Path,
        folder: &Path,
        hub: &Hub,
    ) -> Result<Self, BedError> {
        let folder = folder.join("dns");
        fs::create_dir(&folder).map_err(failed(&folder))?;
        let secret = secret()?;
        let address = address::HUB;
        let shown = folder.display();
        let options = format!(
            "options {{ directory \"{shown}\"; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }};\n  \
               pid-file \"{shown}/named.pid\"; session-keyfile \"{shown}/session.key\"; lock-file none;\n  \
               managed-keys-directory \"{shown}\"; recursion no; dnssec-validation no;\n  \
               allow-transfer {{ none; }}; }};\n\
             controls {{ }};\n\
             statistics-channels {{ inet {address} port {STATISTICS_PORT} allow {{ any; }}; }};\n\
             key \"{KEY}\" {{ algorithm {ALGORITHM}; secret \"{secret}\"; }};\n\
             zone \"{zone}\" {{ type primary; file \"zone\"; allow-transfer {{ key {KEY}; }};\n  \
               update-policy {{ grant {KEY} zonesub ANY; }}; }};\n"
        );
        // Short times, so that tests need not wait for caches.
        let records = format!(
            "$TTL 2\n@ IN SOA ns.{zone}. admin.{zone}. 1 5 5 60 1\n@ IN NS ns\nns IN A {address}\n"
        );
        let corefile = format!(
            ".:53 {{\n    bind {}\n    errors\n    template ANY ANY {{\n        rcode NXDOMAIN\n    }}\n}}\n",
            address::RESOLVER
        );
        for (file, text) in [
            ("named.conf", options),
            ("zone", records),
            ("Corefile", corefile),
        ] {
            let path = folder.join(file);
            fs::write(&path, text).map_err(failed(&path))?;
        }
        let start = |program: &OsStr, arguments: &[&OsStr], name: &str| {
            let mut option = std::ffi::OsString::from("--net=");
            option.push(hub.namespace());
            let all = [&[option.as_os_str(), program], arguments].concat();
            let log = folder.join(format!("{name}.log"));
            OwnedProcess::start(Path::new("nsenter"), all, &[], &log).map_err(failed(&log))
        };
        let configuration = folder.join("named.conf");
        let corefile = folder.join("Corefile");
        let server = Self {
            named: start(
                "named".as_ref(),
                &["-g", "-n", "1", "-c", &configuration.display().to_string()].map(OsStr::new),
                "named",
            )?,
            resolver: start(
                coredns.as_os_str(),
                &["-conf".as_ref(), corefile.as_os_str()],
                "resolver",
            )?,
            zone: zone.to_owned(),
            secret,
            hub: hub.namespace(),
        };
        server.wait_until_ready()
    }

    /// Its address, on port 53.
    pub fn address(&self) -> Ipv4Addr {
        address::HUB
    }

    /// ExternalDNS's flags for it, without the key's secret.
    pub fn external_dns_arguments(&self) -> Vec<String> {
        vec![
            format!("--rfc2136-host={}", self.address()),
            "--rfc2136-port=53".to_owned(),
            format!("--rfc2136-zone={}", self.zone),
            format!("--rfc2136-tsig-keyname={KEY}"),
            format!("--rfc2136-tsig-secret-alg={ALGORITHM}"),
            "--rfc2136-tsig-axfr".to_owned(),
            "--rfc2136-min-ttl=1s".to_owned(),
            "--interval=2s".to_owned(),
        ]
    }

    /// The environment variable, and its value, from which ExternalDNS reads the key's secret.
    pub fn external_dns_secret(&self) -> (&'static str, &str) {
        ("EXTERNAL_DNS_RFC2136_TSIG_SECRET", &self.secret)
    }

    /// Changes records, one command of nsupdate per line, such as `update add a.zone. 60 A 10.0.0.1`.
    ///
    /// # Errors
    /// nsupdate fails.
    pub fn update(&self, commands: &str) -> Result<(), BedError> {
        let mut child = command_in(&self.hub, "nsupdate")
            .arg("-y")
            .arg(format!("{ALGORITHM}:{KEY}:{}", self.secret))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed(Path::new("nsupdate")))?;
        if let Some(mut stdin) = child.stdin.take() {
            let text = format!(
                "server {}\nzone {}\n{commands}\nsend\n",
                self.address(),
                self.zone
            );
            stdin
                .write_all(text.as_bytes())
                .map_err(failed(Path::new("nsupdate")))?;
        }
        let output = child
            .wait_with_output()
            .map_err(failed(Path::new("nsupdate")))?;
        if output.status.success() {
            return Ok(());
        }
        Err(BedError::Command {
            command: format!("nsupdate {commands}"),
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// The name server's answer, in sorted lines as in `dig +short`.
    ///
    /// # Errors
    /// dig fails.
    pub fn ask(&self, name: &str, record: &str) -> Result<Vec<String>, BedError> {
        let text = self.dig(&["+short", name, record])?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        Ok(lines)
    }

    /// The time for which caches may keep an answer; `None` without such a record.
    ///
    /// # Errors
    /// As [`NameServer::ask`].
    pub fn ttl(&self, name: &str, record: &str) -> Result<Option<Duration>, BedError> {
        let text = self.dig(&["+noall", "+answer", name, record])?;
        // `name. 300 IN A 192.0.2.1`
        let seconds = text.split_whitespace().nth(1);
        let seconds = seconds.and_then(|seconds| seconds.parse().ok());
        Ok(seconds.map(Duration::from_secs))
    }

    /// Number of queries that the name server has answered since its start.
    ///
    /// # Errors
    /// Its statistics cannot be read.
    pub fn queries(&self) -> Result<u64, BedError> {
        let url = format!("http://{}:{STATISTICS_PORT}/json/v1/server", self.address());
        let output = command_in(&self.hub, "curl")
            .args(["--silent", "--fail", "--max-time", "5", &url])
            .output()
            .map_err(failed(Path::new("curl")))?;
        let statistics = serde_json::from_slice::<serde_json::Value>(&output.stdout);
        let queries = statistics
            .ok()
            .and_then(|statistics| statistics["opcodes"]["QUERY"].as_u64());
        queries.ok_or_else(|| BedError::Command {
            command: format!("curl {url}"),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
        })
    }

    /// Makes the zone's name server hang: queries get no answer. The other name server keeps running.
    ///
    /// # Errors
    /// The process has ended.
    pub fn pause(&self) -> Result<(), BedError> {
        self.named.pause().map_err(failed(Path::new("named")))
    }

    /// Resumes it after [`NameServer::pause`].
    ///
    /// # Errors
    /// The process has ended.
    pub fn resume(&self) -> Result<(), BedError> {
        self.named.resume().map_err(failed(Path::new("named")))
    }

    fn dig(&self, arguments: &[&str]) -> Result<String, BedError> {
        let output = command_in(&self.hub, "dig")
            .args(["+time=2", "+tries=2", "+norecurse"])
            .arg(format!("@{}", self.address()))
            .args(arguments)
            .output()
            .map_err(failed(Path::new("dig")))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(BedError::Command {
            command: format!("dig {}", arguments.join(" ")),
            output: text,
        })
    }

    pub(super) fn process_ids(&self) -> [u32; 2] {
        [self.named.id(), self.resolver.id()]
    }

    fn wait_until_ready(mut self) -> Result<Self, BedError> {
        let start = Instant::now();
        let apex = format!("ns.{}", self.zone);
        while !self.ask(&apex, "A").is_ok_and(|lines| !lines.is_empty()) {
            let ended = !matches!(self.named.exit_status(), Ok(None));
            if ended || start.elapsed() > READY_WITHIN {
                return Err(BedError::NotReady {
                    daemon: "named".to_owned(),
                    after: start.elapsed(),
                    log: self.named.output().unwrap_or_default(),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(self)
    }
}

/// 32 random bytes in base64.
fn secret() -> Result<String, BedError> {
    let path = Path::new("/dev/urandom");
    // A multiple of three needs no padding.
    let mut bytes = [0_u8; 33];
    fs::File::open(path)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(failed(path))?;
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Ok(bytes.chunks(3).fold(String::new(), |mut text, chunk| {
        let group = chunk
            .iter()
            .fold(0_usize, |group, byte| (group << 8) | usize::from(*byte));
        for shift in [18, 12, 6, 0] {
            let _infallible = write!(text, "{}", char::from(digits[(group >> shift) & 63]));
        }
        text
    }))
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> BedError {
    let path = path.to_owned();
    move |source| BedError::File {
        path: path.clone(),
        source,
    }
}
