//! Kubeconfigs that cannot be used: no credential is printed, and nothing panics.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::workdir::Workdir;

/// The value of every token, key and password.
const SECRET: &str = "hunter2";

/// A kubeconfig with one user and one cluster for both contexts.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{{cluster}}}\nusers:\n- name: u\n  \
         user:\n    {user}\ncontexts:\n- name: ctx-one\n  context: {{cluster: c, user: u}}\n- name: ctx-two\n  \
         context: {{cluster: c, user: u}}\n"
    )
}

const DEAD: &str = "server: 'https://127.0.0.1:1'";

/// The output of `plan` and `status -o json` with a kubeconfig.
fn said_with(workdir: &Workdir, kubeconfig: &str) -> String {
    workdir.write("config/kubeconfig", kubeconfig);
    let file = ["-f", "mesh.yaml", "--kubeconfig", "config/kubeconfig"];
    let mut said = String::new();
    for command in [&["plan"][..], &["status", "-o", "json"]] {
        let output = workdir
            .command(&[command, &file].concat())
            .output()
            .unwrap();
        for text in [output.stdout, output.stderr] {
            said += &String::from_utf8(text).unwrap();
        }
        assert_ne!(output.status.code(), Some(0), "{said}");
    }
    assert!(!said.contains("panicked"), "{kubeconfig}\n{said}");
    said
}

#[test]
fn a_kubeconfig_that_does_not_parse_is_not_quoted() {
    let workdir = Workdir::new();
    for user in [
        format!("token: {SECRET}: oops"),
        format!("token: [{SECRET}]"),
        format!("token: {{{SECRET}: {SECRET}}}"),
        format!("token: *{SECRET}"),
        format!("token: \"{SECRET}"),
        format!("token: '{SECRET}' {SECRET}"),
        format!("token: @{SECRET}"),
        format!("token: {SECRET}\n  {SECRET}"),
        format!("token: |\n {SECRET}\n"),
        format!("client-key-data: [{SECRET}, {SECRET}]"),
        format!("password: {{{SECRET}"),
        format!("token: a\n    token: {SECRET}"),
        format!("exec: {SECRET}"),
        format!("exec: {{command: x, interactiveMode: {SECRET}}}"),
        format!("exec: {{command: x, provideClusterInfo: {SECRET}}}"),
        format!("exec: {{command: x, env: {SECRET}}}"),
        format!("as-groups: {SECRET}"),
        format!("auth-provider: {{name: oidc, config: {SECRET}}}"),
        SECRET.to_owned(),
        format!("- {SECRET}"),
    ] {
        let said = said_with(&workdir, &kubeconfig(DEAD, &user));
        assert!(
            said.contains("config/kubeconfig is not a valid kubeconfig"),
            "{user}\n{said}"
        );
        assert!(said.contains("line "), "{user}\n{said}");
        assert!(!said.contains(SECRET), "{user}\n{said}");
    }
}

/// A certificate in PEM whose content is not base64.
fn not_base64() -> String {
    STANDARD.encode(format!(
        "-----BEGIN CERTIFICATE-----\n{SECRET}: {SECRET}\n!!!{SECRET}\n-----END CERTIFICATE-----\n"
    ))
}

#[test]
fn credentials_that_cannot_be_used_are_not_quoted() {
    let workdir = Workdir::new();
    let pem = |text: &str| STANDARD.encode(text);
    let no_pem = pem(SECRET);
    let broken = pem(&format!(
        "-----BEGIN {SECRET}\n{SECRET}\n-----END {SECRET}-----\n"
    ));
    let bad = not_base64();
    workdir.write("config/two-lines", &format!("{SECRET}\n{SECRET}\n"));
    workdir.write("config/empty", "\n \n");
    for (cluster, user, why) in [
        (
            DEAD,
            format!("token: \"{SECRET}\\n{SECRET}\""),
            "token has a line break",
        ),
        (
            DEAD,
            "tokenFile: two-lines".to_owned(),
            "tokenFile has a line break",
        ),
        (DEAD, "tokenFile: empty".to_owned(), "tokenFile is empty"),
        (
            DEAD,
            format!("tokenFile: {SECRET}"),
            "tokenFile cannot be read",
        ),
        (
            DEAD,
            "tokenFile: /dev/zero".to_owned(),
            "tokenFile is longer than",
        ),
        (
            DEAD,
            format!("{{client-certificate-data: {SECRET}, client-key-data: '{SECRET}:'}}"),
            "is not valid base64",
        ),
        (
            DEAD,
            format!("{{client-certificate: {SECRET}, client-key: {SECRET}}}"),
            "the file that client-certificate names cannot be read",
        ),
        (
            DEAD,
            format!("{{client-certificate-data: {no_pem}, client-key-data: {no_pem}}}"),
            "client-key has no private key",
        ),
        (
            DEAD,
            format!("{{client-certificate-data: {broken}, client-key-data: {broken}}}"),
            "is not valid PEM",
        ),
        (
            DEAD,
            format!("{{client-certificate-data: {bad}, client-key-data: {bad}}}"),
            "is not valid PEM",
        ),
        (
            DEAD,
            format!("client-key-data: {no_pem}"),
            "client-certificate is missing",
        ),
        (DEAD, format!("as: \"{SECRET}\\n\""), "invalid in a header"),
        (
            DEAD,
            format!("auth-provider: {{name: gcp, config: {{cmd-path: echo, cmd-args: {SECRET}}}}}"),
            "auth-provider is not oidc",
        ),
        (
            DEAD,
            format!("auth-provider: {{name: oidc, config: {{id-token: \"{SECRET}\\n\"}}}}"),
            "id-token has a line break",
        ),
    ] {
        let said = said_with(&workdir, &kubeconfig(cluster, &user));
        assert!(said.contains(why), "{user}: no {why:?} in\n{said}");
        assert!(!said.contains(SECRET), "{user}\n{said}");
        assert!(!said.contains(&no_pem), "{user}\n{said}");
    }
}

#[test]
fn clusters_that_cannot_be_used_are_not_quoted() {
    let workdir = Workdir::new();
    let bad = not_base64();
    let token = format!("token: {SECRET}");
    for (cluster, why) in [
        (
            format!("{DEAD}, certificate-authority-data: {bad}"),
            "certificate-authority",
        ),
        (
            format!("{DEAD}, certificate-authority-data: '{SECRET}:'"),
            "is not valid base64",
        ),
        (
            format!("{DEAD}, proxy-url: 'ftp://u:{SECRET}@proxy'"),
            "proxy-url is not a URL",
        ),
        (
            format!("{DEAD}, proxy-url: 'proxy:3128'"),
            "proxy-url is not a URL",
        ),
        (
            format!("{DEAD}, tls-server-name: '{SECRET} x'"),
            "tls-server-name is not a valid",
        ),
        (
            format!("server: 'ftp://u:{SECRET}@127.0.0.1'"),
            "the scheme of server",
        ),
        (
            format!("server: 'https://u:{SECRET}@ 127.0.0.1'"),
            "server is not a URL",
        ),
        (
            "server: 'https://127.0.0.1:65536'".to_owned(),
            "valid host and port",
        ),
        ("server: ''".to_owned(), "its cluster has no server"),
        (
            "insecure-skip-tls-verify: true".to_owned(),
            "its cluster has no server",
        ),
    ] {
        let said = said_with(&workdir, &kubeconfig(&cluster, &token));
        assert!(said.contains(why), "{cluster}: no {why:?} in\n{said}");
        assert!(!said.contains(SECRET), "{cluster}\n{said}");
    }
}

#[test]
fn commands_for_contexts_are_quoted_for_a_shell() {
    let workdir = Workdir::new();
    let mesh = workdir.read("mesh.yaml");
    let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    let mesh = mesh.replace("ctx-one", &format!("'{arn}'"));
    workdir.write("mesh.yaml", &mesh.replace("ctx-two", "\"two $words\""));
    let both = kubeconfig("server: '127.0.0.1:1'", "token: t");
    let both = both.replace("ctx-one", &format!("'{arn}'"));
    let said = said_with(&workdir, &both.replace("ctx-two", "\"two $words\""));
    assert!(
        said.contains(&format!("`kubectl --context {arn} version`")),
        "{said}"
    );
    assert!(
        said.contains("`kubectl --context 'two $words' version`"),
        "{said}"
    );
}
