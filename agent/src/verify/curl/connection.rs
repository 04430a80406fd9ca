//! Probes of connections without requests, from a pod.
//!
//! A sidecar and a gateway accept every connection before the backend does, and close it if the backend does not
//! accept. So a connection is good if it stays open for a while, or if the other side sends first. It shows neither
//! which cluster it reaches nor whether the service is healthy.

use std::time::Duration;

use shared::verify::{Failure, Reply};

use super::super::http::{HOLD, milliseconds};
use super::{MARK, Transfer, authority, words};

/// curl opens the connection, prints the data that it receives, and ends with the connection.
pub(super) const SCHEME: &str = "telnet";

/// The command that opens connections, some at a time: curl by itself opens one after the other.
pub(super) fn command(urls: &[&str]) -> Vec<String> {
    let seconds = HOLD.as_secs();
    let script = format!(
        "i=0; for n in \"$@\"; do (o=$(sleep {seconds} | curl --silent --noproxy '*' \
         --max-time {seconds} --output /dev/null \
         --write-out '%{{time_connect}}\\t%{{size_download}}' \"$n\"); \
         printf '\\n%s%s\\t%s\\t%s\\n' '{MARK}' \"$n\" $? \"$o\") & \
         i=$((i+1)); [ $((i%8)) -ne 0 ] || wait; done; wait"
    );
    let mut command = words(["sh", "-c", &script, "sh"]);
    command.extend(urls.iter().map(ToString::to_string));
    command
}

/// Parses one record; `None` where curl is missing or does not support this.
pub(super) fn read(record: &str) -> Option<(String, Transfer)> {
    let mut fields = record.lines().next()?.split('\t');
    let (url, exit, seconds, size) = (
        fields.next()?,
        fields.next()?.parse().ok()?,
        fields.next()?.parse().unwrap_or(0.0),
        fields.next()?,
    );
    let is_open = seconds > 0.0;
    let reply = match exit {
        1 | 127 => return None,
        28 if is_open => Reply::Connected,
        _ if is_open && size != "0" => Reply::Connected,
        0 => Reply::Failed(Failure::Reset),
        code => Reply::Failed(Failure::of_curl(code, "")),
    };
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let transfer = Transfer {
        reply,
        milliseconds: milliseconds(time),
    };
    Some((authority(url), transfer))
}
