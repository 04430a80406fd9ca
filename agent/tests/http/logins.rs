//! The API with secrets in kubeconfigs, and with login tools that hang.

use fedmesh_agent::operation::Operations;

use crate::support::TestServer;

async fn clusters(kubeconfig: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(
        &file,
        kubeconfig.replace("FOLDER", folder.path().to_str().unwrap()),
    )
    .unwrap();
    let server = TestServer::with(Operations::new(Some(file)));
    let answer = server.send("GET", "/api/v1/clusters", &[], "").await;
    (folder, String::from_utf8(answer.body).unwrap())
}

fn kubeconfig(user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{server: '127.0.0.1:1'}}\nusers:\n\
         - name: u\n  user:\n    {user}\ncontexts:\n- name: one\n  context: {{cluster: c, user: u}}\n"
    )
}

#[tokio::test]
async fn no_response_contains_a_secret_of_a_kubeconfig() {
    for (user, why) in [
        ("token: hunter2: oops", "line 9"),
        ("token: [hunter2]", "line 9, column 12"),
        ("token: \"hunter2\\nhunter2\"", "a line break"),
        (
            "{client-certificate-data: hunter2, client-key-data: 'hunter2:'}",
            "is not valid base64",
        ),
    ] {
        let (_, text) = clusters(&kubeconfig(user)).await;
        assert!(text.contains(why), "{user}: no {why:?} in {text}");
        assert!(!text.contains("hunter2"), "{user}: {text}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hanging_login_tool_ends_with_the_response() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, args: \
                [-c, 'sleep 600 & echo $! >> FOLDER/pids; wait']}";
    let (folder, text) = clusters(&kubeconfig(exec)).await;
    assert!(text.contains("no answer within"), "{text}");
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    let is_alive = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(pids.lines().count(), 1);
    assert!(!pids.lines().any(is_alive), "{pids}");
}
