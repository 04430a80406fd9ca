//! The settings of ExternalDNS, from its Deployment's arguments, environment and volumes, and from its
//! ServiceAccount.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::dns::{container, deployments, values};
use super::world::World;
use crate::defaults::{CREDENTIALS_FOLDER, DEFAULT_EXTERNAL_DNS_NAMESPACE};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Credentials, ExternalDns, Policy};
use crate::passthrough::{self, Kind, Shape, settings_of};
use crate::render::external_dns::{OWN_FLAGS, OWN_POD_LABELS};

/// `spec.dns.externalDns`; `mesh` is the mesh's name, the default of the owner id, and `suffix` that of the names.
pub(super) fn find(world: &World, mesh: &str, suffix: &str) -> Option<ExternalDns> {
    let (cluster, object) = deployments(world).next()?;
    let container = container(object);
    let value = |flag: &str| values(container, flag).next().map(str::to_owned);
    let mut is_value = false;
    let args = texts(&container["args"]).filter(|argument| {
        // The value of an own flag may be an argument of its own.
        let is_own_value = std::mem::take(&mut is_value) && !argument.starts_with('-');
        let is_own = is_own(argument);
        is_value = is_own && !argument.contains('=');
        !is_own && !is_own_value
    });
    let mut args: Vec<String> = args.map(str::to_owned).collect();
    let namespace = object.namespace();
    let mut secrets = list(&container["envFrom"]).iter();
    let provider = value("provider").unwrap_or_default();
    let mut settings = settings(&provider, &mut args);
    let variables = variables(container);
    let credentials = credentials(&provider, object, &variables, &mut args);
    if provider == "coredns"
        && let Some(urls) = variables.get("ETCD_URLS")
    {
        let urls: Vec<Value> = urls.split(',').map(Value::from).collect();
        settings.insert("etcdUrls".to_owned(), urls.into());
    }
    Some(ExternalDns {
        owner_id: value("txt-owner-id").filter(|id| id != mesh),
        zone: value("domain-filter").filter(|zone| suffix.ends_with(&format!(".{zone}"))),
        namespace: (namespace != DEFAULT_EXTERNAL_DNS_NAMESPACE).then(|| namespace.to_owned()),
        settings,
        credentials,
        service_account_annotations: annotations(world, cluster, object),
        pod_labels: pod_labels(object),
        policy: value("policy")
            .filter(|policy| policy == Policy::UpsertOnly.as_str())
            .map(|_| Policy::UpsertOnly),
        args,
        secret: secrets.find_map(|from| from["secretRef"]["name"].as_str().map(str::to_owned)),
        provider,
    })
}

fn is_own(argument: &str) -> bool {
    let flag = argument.trim_start_matches('-');
    let flag = flag.split('=').next().unwrap_or_default();
    OWN_FLAGS.contains(&flag.strip_prefix("no-").unwrap_or(flag))
}

/// Removes the provider's settings from the front of the arguments. Later ones stay arguments, and so do repeated ones,
/// since their order may matter.
fn settings(provider: &str, args: &mut Vec<String>) -> Map<String, Value> {
    let provider = settings_of(provider);
    let mut settings = Map::new();
    let Some(known) = passthrough::settings(provider) else {
        return settings;
    };
    let flag_of = |argument: &str| {
        let flag = argument.split('=').next().unwrap_or_default();
        flag.replacen("--no-", "--", 1)
    };
    let mut taken = 0;
    while let Some(argument) = args.get(taken) {
        let flag = flag_of(argument);
        let name = flag.strip_prefix(&format!("--{provider}-")).map(camel_case);
        let Some((name, field)) = name.and_then(|name| known.fields.get_key_value(&name)) else {
            break;
        };
        let (one, is_list) = match &field.shape {
            Shape::List(of) => (of.as_ref(), true),
            one => (one, false),
        };
        let run = args[taken..]
            .iter()
            .take_while(|other| flag_of(other) == flag)
            .count();
        let comes_again = args[taken + run..]
            .iter()
            .any(|other| flag_of(other) == flag);
        let values = args[taken..taken + run]
            .iter()
            .map(|argument| setting(argument, one));
        let values: Option<Vec<Value>> = values.collect();
        let Some(mut values) = values.filter(|_| !comes_again && (run == 1 || is_list)) else {
            break;
        };
        let value = match values.pop() {
            Some(only) if values.is_empty() && !is_list => only,
            last => {
                values.extend(last);
                values.into()
            }
        };
        settings.insert(name.clone(), value);
        taken += run;
    }
    args.drain(..taken);
    settings
}

/// The value of an argument, if a setting of the shape renders it.
fn setting(argument: &str, shape: &Shape) -> Option<Value> {
    let text = argument.split_once('=').map(|(_, text)| text);
    match shape {
        Shape::Kind(Kind::Bool) if text.is_none() => Some((!argument.starts_with("--no-")).into()),
        Shape::Kind(Kind::Bool) => None,
        Shape::Kind(Kind::Count | Kind::Port) => {
            let number: u32 = text?.parse().ok()?;
            (Some(number.to_string().as_str()) == text).then(|| number.into())
        }
        Shape::Choices(choices) => {
            let text = text?;
            choices
                .iter()
                .any(|choice| choice == text)
                .then(|| text.into())
        }
        _ => text.filter(|text| !text.is_empty()).map(Value::from),
    }
}

/// `zoneType` of `zone-type`.
fn camel_case(flag: &str) -> String {
    let mut name = String::new();
    for (index, word) in flag.split('-').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => name.push(first.to_ascii_uppercase()),
            Some(first) => name.push(first),
            None => {}
        }
        name.push_str(letters.as_str());
    }
    name
}

/// The environment variables with a literal value.
fn variables(container: &Value) -> BTreeMap<&str, &str> {
    let variables = list(&container["env"]).iter();
    variables
        .filter_map(|one| Some((one["name"].as_str()?, one["value"].as_str()?)))
        .collect()
}

/// The file of the provider's credentials, if it is in fedmesh's folder and comes from a Secret.
fn credentials(
    provider: &str,
    object: &Object,
    variables: &BTreeMap<&str, &str>,
    args: &mut Vec<String>,
) -> Option<Credentials> {
    const AZURE: &str = "--azure-config-file=";
    let (path, usual_key) = match settings_of(provider) {
        "google" => (
            *variables.get("GOOGLE_APPLICATION_CREDENTIALS")?,
            "credentials.json",
        ),
        "aws" => (
            *variables.get("AWS_SHARED_CREDENTIALS_FILE")?,
            "credentials",
        ),
        "azure" => (args.first()?.strip_prefix(AZURE)?, "azure.json"),
        _ => return None,
    };
    let key = path
        .strip_prefix(CREDENTIALS_FOLDER)?
        .strip_prefix('/')?
        .to_owned();
    let volumes = list(field(
        &object.value,
        &["spec", "template", "spec", "volumes"],
    ));
    let secret = volumes
        .iter()
        .find_map(|volume| volume["secret"]["secretName"].as_str())?;
    if settings_of(provider) == "azure" {
        args.remove(0);
    }
    Some(Credentials {
        secret: secret.to_owned(),
        key: Some(key).filter(|key| key != usual_key),
    })
}

/// Annotations of the pods' account, except those of fedmesh's own tools.
fn annotations(world: &World, cluster: usize, object: &Object) -> BTreeMap<String, String> {
    let name = field(
        &object.value,
        &["spec", "template", "spec", "serviceAccountName"],
    );
    let mut accounts = world.of_kind("ServiceAccount");
    let account = accounts.find(|(at, one)| {
        *at == cluster && one.namespace() == object.namespace() && name == one.name()
    });
    let annotations = account.map(|(_, one)| &one.value["metadata"]["annotations"]);
    let annotations = annotations.map(pairs).unwrap_or_default();
    annotations
        .into_iter()
        .filter(|(name, _)| !super::comparable::OF_THE_TOOLS.contains(&name.as_str()))
        .collect()
}

/// The labels of its pods, except those of the selector and fedmesh's.
fn pod_labels(object: &Object) -> BTreeMap<String, String> {
    let selected = pairs(field(&object.value, &["spec", "selector", "matchLabels"]));
    let own: BTreeSet<&str> = selected
        .keys()
        .map(String::as_str)
        .chain(OWN_POD_LABELS)
        .collect();
    pairs(field(
        &object.value,
        &["spec", "template", "metadata", "labels"],
    ))
    .into_iter()
    .filter(|(name, _)| !own.contains(name.as_str()))
    .collect()
}

fn pairs(value: &Value) -> BTreeMap<String, String> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
