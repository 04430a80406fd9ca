//! A name server on loopback, for one zone: BIND's named.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// It runs until it is dropped.
pub(crate) struct Named {
    pub(crate) address: SocketAddr,
    zone: String,
    child: Child,
    folder: TempDir,
}

impl Named {
    /// Answers for a zone, with these lines of a zone file, and refuses all others.
    pub(crate) fn start(zone: &str, records: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // named wants the same port for UDP and TCP; one that was free for UDP nearly always is.
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|socket| socket.local_addr())
            .unwrap()
            .port();
        let shown = folder.path().display();
        let configuration = format!(
            "options {{ directory \"{shown}\"; listen-on port {port} {{ 127.0.0.1; }};\n\
               listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; lock-file none;\n\
               managed-keys-directory \"{shown}\"; recursion no; dnssec-validation no;\n\
               empty-zones-enable no; }};\n\
             controls {{ }};\n\
             zone \"{zone}\" {{ type primary; file \"zone\"; }};\n"
        );
        fs::write(folder.path().join("named.conf"), configuration).unwrap();
        write_zone(&folder, zone, records);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(folder.path().join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("named: apt-get install bind9");
        let named = Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            zone: zone.to_owned(),
            child,
            folder,
        };
        named.wait_for("running");
        named
    }

    /// Answers with these lines from now on.
    pub(crate) fn replace(&self, records: &str) {
        write_zone(&self.folder, &self.zone, records);
        let log = self.log().matches("loaded serial").count();
        // SIGHUP has it read its zones again.
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &pid])
                .status()
                .unwrap()
                .success()
        );
        let start = Instant::now();
        while self.log().matches("loaded serial").count() == log {
            assert!(start.elapsed() < Duration::from_secs(10), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, words: &str) {
        let start = Instant::now();
        while !self.log().contains(words) {
            assert!(start.elapsed() < Duration::from_secs(10), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn write_zone(folder: &TempDir, zone: &str, records: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let text = format!(
        "$ORIGIN {zone}.\n$TTL 60\n@ IN SOA ns admin {serial} 60 60 600 60\n@ IN NS ns\nns IN A 127.0.0.1\n{records}\n"
    );
    fs::write(folder.path().join("zone"), text).unwrap();
}
