//! Login tools that succeed, fail, hang, and print invalid output.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kube::config::ExecConfig;

use super::{Credential, LoginTool};

const V1: &str = "client.authentication.k8s.io/v1";

/// A tool that runs a script; `words` are `$1` and so on.
fn tool_with(script: &str, words: &[&str], deadline: Duration) -> LoginTool {
    let mut args = vec!["-c".to_owned(), script.to_owned(), "sh".to_owned()];
    args.extend(words.iter().map(ToString::to_string));
    let exec = ExecConfig {
        api_version: Some(V1.to_owned()),
        command: Some("sh".to_owned()),
        args: Some(args),
        interactive_mode: Some(kube::config::ExecInteractiveMode::Never),
        ..ExecConfig::default()
    };
    let mut tool = LoginTool::new(&exec).unwrap();
    tool.deadline = deadline;
    tool
}

pub(in crate::cluster) fn tool(script: &str) -> Arc<LoginTool> {
    Arc::new(tool_with(script, &[], Duration::from_secs(30)))
}

/// A tool that prints a token with a lifetime in seconds, and logs the run to a file.
fn printing(log: &std::path::Path, lasts: Option<i64>) -> Arc<LoginTool> {
    let expires = lasts.map_or(String::new(), |seconds| {
        let at = k8s_openapi::jiff::Timestamp::now()
            + k8s_openapi::jiff::SignedDuration::from_secs(seconds);
        format!(",\"expirationTimestamp\":\"{at}\"")
    });
    let credential = format!(
        "{{\"apiVersion\":\"{V1}\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"t\"{expires}}}}}"
    );
    let script = "echo run >> \"$1\"; sleep 0.3; echo \"$2\"";
    let words = [log.to_str().unwrap(), &credential];
    Arc::new(tool_with(script, &words, Duration::from_secs(30)))
}

async fn why_not(tool: &Arc<LoginTool>) -> String {
    match tool.credential(|_| ()).await {
        Ok(_) => panic!("it has a credential"),
        Err(error) => error.to_string(),
    }
}

/// Whether a process is running; zombies do not count.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn has_ended(pid: &str) -> bool {
    for _ in 0..50 {
        if !is_alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn concurrent_callers_share_a_run_and_its_credential() {
    let folder = tempfile::tempdir().unwrap();
    for (lasts, runs) in [(None, 1), (Some(600), 1), (Some(-600), 2), (Some(3), 2)] {
        let log = folder.path().join(format!("{lasts:?}"));
        let tool = printing(&log, lasts);
        let asked = futures::future::join_all((0..5).map(|_| tool.credential(|_| ())));
        assert!(asked.await.iter().all(Result::is_ok));
        tool.credential(|_| ()).await.ok().unwrap();
        let log = std::fs::read_to_string(log).unwrap();
        assert_eq!(log.lines().count(), runs, "{lasts:?}");
    }
}

#[tokio::test]
async fn a_refused_credential_is_not_reused() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let tool = printing(&log, None);
    let first = tool.credential(|_| ()).await.ok().unwrap();
    tool.refused(&first);
    let second = tool.credential(|_| ()).await.ok().unwrap();
    // A late refusal of the former credential does not drop this one.
    tool.refused(&first);
    let third = tool.credential(|_| ()).await.ok().unwrap();
    assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &third));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hanging_tool_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("pids");
    let script = "echo $$ >> \"$1\"; echo 'open http://example.org' >&2; sleep 300 & echo $! >> \"$1\"; wait";
    let words = [log.to_str().unwrap()];
    let pids = || std::fs::read_to_string(&log).unwrap_or_default();

    // At its deadline.
    let tool = Arc::new(tool_with(script, &words, Duration::from_secs(1)));
    let begun = Instant::now();
    let why = why_not(&tool).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(
        why,
        "its login tool `sh` did not end within 1 s and was stopped: open http://example.org"
    );
    assert_eq!(pids().lines().count(), 2);
    for pid in pids().lines() {
        assert!(has_ended(pid).await, "{pid}");
    }

    // When the last caller is gone, and not before.
    std::fs::remove_file(&log).unwrap();
    let tool = Arc::new(tool_with(script, &words, Duration::from_secs(100)));
    let wait = || {
        let tool = tool.clone();
        tokio::spawn(async move { tool.credential(|_| ()).await.is_ok() })
    };
    let (first, second) = (wait(), wait());
    while pids().lines().count() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    first.abort();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(pids().lines().all(is_alive));
    second.abort();
    for pid in pids().lines() {
        assert!(has_ended(pid).await, "{pid}");
    }
    assert_eq!(pids().lines().count(), 2, "both shared one run");
}

#[tokio::test]
async fn long_waits_are_reported_repeatedly() {
    let reported = AtomicU32::new(0);
    let tool = tool("sleep 4.5; exit 1");
    let asked = tool.credential(|_| {
        reported.fetch_add(1, Ordering::Relaxed);
    });
    assert!(asked.await.is_err());
    assert_eq!(reported.into_inner(), 2);
}

#[tokio::test]
async fn output_is_limited_and_never_shown() {
    for (script, shown) in [
        ("echo SECRET; exit 3", "failed (exit status: 3)"),
        ("echo SECRET; echo 'log \\033[31min' >&2; exit 3", ": log "),
        ("yes SECRET", "it is longer than 1 MiB"),
        ("yes 'x' | head -c 3000000 >&2; exit 1", "x x x"),
        ("echo SECRET", "in an ExecCredential"),
        ("echo '{SECRET'", "it is not JSON or YAML"),
        ("printf 'SECRET\\377'", "it is not UTF-8"),
        ("true", "it is not one document"),
    ] {
        let why = why_not(&tool(script)).await;
        assert!(why.contains(shown), "{script}: {why}");
        assert!(
            !why.contains("SECRET") && why.len() < 700,
            "{script}: {why}"
        );
        assert!(!why.contains(char::is_control), "{script}: {why:?}");
    }
}

#[test]
fn credentials_are_read_as_client_go_reads_them() {
    let read = |status: &str| {
        let text = format!("{{apiVersion: {V1}, kind: ExecCredential, status: {status}}}");
        Credential::read(text.as_bytes(), V1).map(|credential| {
            (
                credential.authorization.is_some(),
                credential.certificate.is_some(),
            )
        })
    };
    assert_eq!(read("{token: SECRET}"), Ok((true, false)));
    let pair = "clientCertificateData: SECRET, clientKeyData: SECRET";
    assert_eq!(read(&format!("{{{pair}}}")), Ok((false, true)));
    assert_eq!(read(&format!("{{token: t, {pair}}}")), Ok((true, true)));
    for (status, why) in [
        ("{clientKeyData: SECRET}", "not both"),
        ("{token: ''}", "no token and no client certificate"),
        ("{}", "no token and no client certificate"),
        ("null", "no status"),
        ("[SECRET]", "another type"),
        ("{token: [SECRET]}", "another type"),
        ("{token: \"SECRET\\nSECRET\"}", "invalid in a header"),
        ("{token: t, expirationTimestamp: SECRET}", "not a time"),
    ] {
        let error = read(status).unwrap_err();
        assert!(error.contains(why) && !error.contains("SECRET"), "{error}");
    }
    let other = format!("{{apiVersion: {V1}beta1, kind: ExecCredential, status: {{token: t}}}}");
    assert!(Credential::read(other.as_bytes(), V1).is_err());
}

#[test]
fn invalid_entries() {
    let exec = |change: fn(&mut ExecConfig)| {
        let mut exec = ExecConfig {
            api_version: Some(V1.to_owned()),
            command: Some("login".to_owned()),
            ..ExecConfig::default()
        };
        change(&mut exec);
        LoginTool::new(&exec).err().map(|error| error.to_string())
    };
    assert_eq!(exec(|_| ()), None);
    for change in [
        (|exec| exec.command = None) as fn(&mut ExecConfig),
        |exec| exec.api_version = None,
        |exec| exec.api_version = Some("client.authentication.k8s.io/v1alpha1".to_owned()),
        |exec| exec.args = Some(vec!["SECRET\0".to_owned()]),
        |exec| {
            exec.env = Some(vec![
                [
                    ("name".to_owned(), "A=B".to_owned()),
                    ("value".to_owned(), "SECRET".to_owned()),
                ]
                .into(),
            ]);
        },
    ] {
        let error = exec(change).unwrap();
        assert!(!error.contains("SECRET"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_tool_is_reported_with_its_install_hint() {
    let exec = ExecConfig {
        api_version: Some(V1.to_owned()),
        command: Some("/nonexistent/kubelogin".to_owned()),
        install_hint: Some("Install it with:\n\n  brew install kubelogin\u{1b}[0m".to_owned()),
        ..ExecConfig::default()
    };
    let tool = Arc::new(LoginTool::new(&exec).unwrap());
    let why = why_not(&tool).await;
    assert!(
        why.starts_with("its login tool `kubelogin` is not installed: No such file"),
        "{why}"
    );
    assert!(
        why.contains("; Install it with: brew install kubelogin"),
        "{why}"
    );
    assert!(!why.contains(char::is_control), "{why:?}");
}
