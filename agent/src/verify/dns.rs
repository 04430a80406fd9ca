//! DNS queries: to one server of a zone at a time, without caches in between.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use shared::verify::{Owner, Resolution};

/// Tries within a deadline, since a datagram may be lost.
const TRIES: usize = 2;
/// ExternalDNS's prefixes of a TXT record's name, after the configured one: the record's type since v0.12, none before
/// (external-dns `registry/txt.go`).
const TYPES: [&str; 4] = ["", "a-", "aaaa-", "cname-"];

/// One name server.
#[derive(Clone)]
pub(super) struct NameServer {
    resolver: TokioResolver,
    address: SocketAddr,
    deadline: Duration,
}

impl NameServer {
    /// The server at an address, by UDP, and by TCP for long answers.
    pub(super) fn at(address: SocketAddr, deadline: Duration) -> Result<Self, String> {
        let [udp, tcp] =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = address.port();
                connection
            });
        let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options(deadline))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            resolver,
            address,
            deadline,
        })
    }

    /// Address and port of the server.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves the IPv4 and IPv6 addresses of a name.
    pub(super) async fn addresses(&self, host: &str) -> Resolution {
        let (v4, v6) = tokio::join!(
            self.look_up(host, RecordType::A),
            self.look_up(host, RecordType::AAAA),
        );
        both(v4, v6)
    }

    async fn look_up(&self, host: &str, kind: RecordType) -> Resolution {
        // Absolute, so that no search domain is appended.
        let answer = self.resolver.lookup(format!("{host}."), kind);
        let answer = match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(lookup)) => lookup,
            Ok(Err(error)) => return without_records(&error),
            Err(_) => return Resolution::Error("timed out".to_owned()),
        };
        let addresses: BTreeSet<IpAddr> = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect();
        if addresses.is_empty() {
            Resolution::NoAddress
        } else {
            Resolution::Addresses(addresses.into_iter().collect())
        }
    }

    /// The owners of a name's records, from its TXT records with the prefix and those of an ExternalDNS without one.
    pub(super) async fn owners(&self, prefix: &str, host: &str) -> Vec<Owner> {
        let names = [prefix, ""]
            .into_iter()
            .flat_map(|prefix| TYPES.map(|kind| format!("{prefix}{kind}{host}.")));
        let answers = futures::future::join_all(names.map(|name| async move {
            let answer = self.resolver.lookup(name, RecordType::TXT);
            tokio::time::timeout(self.deadline, answer).await.ok()?.ok()
        }))
        .await;
        let mut owners: Vec<Owner> = Vec::new();
        for lookup in answers.into_iter().flatten() {
            for record in lookup.answers() {
                let RData::TXT(text) = &record.data else {
                    continue;
                };
                let text = String::from_utf8_lossy(&text.txt_data.concat()).into_owned();
                if let Some(owner) = Owner::parse(&text)
                    && !owners.contains(&owner)
                {
                    owners.push(owner);
                }
            }
        }
        owners
    }
}

/// The addresses of the name servers of a name's zone, as this machine's resolver finds them: those of the nearest
/// parent that has any.
pub(super) async fn authority(suffix: &str, deadline: Duration) -> Result<Vec<SocketAddr>, String> {
    let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
    let options = builder.options_mut();
    options.timeout = deadline / 2;
    options.attempts = TRIES;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    let search = async {
        let mut zone = suffix;
        loop {
            match resolver.lookup(format!("{zone}."), RecordType::NS).await {
                Ok(lookup) => {
                    let servers: Vec<String> = lookup
                        .answers()
                        .iter()
                        .filter_map(|record| match &record.data {
                            RData::NS(server) => Some(server.0.to_string()),
                            _ => None,
                        })
                        .collect();
                    if !servers.is_empty() {
                        return Ok(servers);
                    }
                }
                Err(error) => {
                    if let Resolution::Error(why) = without_records(&error) {
                        return Err(format!("cannot look up the name servers of {zone}: {why}"));
                    }
                }
            }
            zone = match zone.split_once('.') {
                // The servers of a top-level domain never serve a mesh.
                Some((_, above)) if above.contains('.') => above,
                _ => {
                    return Err(format!(
                        "no zone of {suffix} is known to this machine's resolver"
                    ));
                }
            };
        }
    };
    let late = |_| format!("cannot look up the name servers of {suffix}: timed out");
    let servers = tokio::time::timeout(deadline * 2, search)
        .await
        .map_err(late)??;
    let mut addresses = BTreeSet::new();
    for server in servers {
        let found = tokio::time::timeout(deadline, resolver.lookup_ip(server)).await;
        if let Ok(Ok(found)) = found {
            addresses.extend(found.iter().map(|address| SocketAddr::new(address, 53)));
        }
    }
    if addresses.is_empty() {
        return Err(format!(
            "the name servers of {suffix} have no address on this machine"
        ));
    }
    Ok(addresses.into_iter().collect())
}

/// Resolves a name with this machine's own resolver.
pub(super) async fn locally(host: &str, deadline: Duration) -> Resolution {
    let found = tokio::net::lookup_host((format!("{host}."), 0));
    match tokio::time::timeout(deadline, found).await {
        Ok(Ok(found)) => {
            let addresses: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
            Resolution::Addresses(addresses.into_iter().collect())
        }
        // The system does not distinguish a name that does not exist from a failed query.
        Ok(Err(error)) => Resolution::Error(error.to_string()),
        Err(_) => Resolution::Error("timed out".to_owned()),
    }
}

fn options(deadline: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = deadline / u32::try_from(TRIES).unwrap_or(1);
    options.attempts = TRIES;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    // Authoritative data only, no recursion.
    options.recursion_desired = false;
    options
}

fn without_records(error: &NetError) -> Resolution {
    let code = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.response_code,
        NetError::Dns(DnsError::ResponseCode(code)) => *code,
        error => return Resolution::Error(error.to_string()),
    };
    match code {
        ResponseCode::NoError => Resolution::NoAddress,
        ResponseCode::NXDomain => Resolution::NoSuchName,
        code => Resolution::Error(format!("{code}")),
    }
}

/// Merges the answers of two queries: any address counts, but a failed query makes the result an error, since there may
/// be more addresses.
fn both(v4: Resolution, v6: Resolution) -> Resolution {
    match (v4, v6) {
        (Resolution::Addresses(mut all), Resolution::Addresses(more)) => {
            all.extend(more);
            Resolution::Addresses(all)
        }
        (Resolution::Error(why), _) | (_, Resolution::Error(why)) => Resolution::Error(why),
        (found @ Resolution::Addresses(_), _) | (_, found @ Resolution::Addresses(_)) => found,
        (Resolution::NoSuchName, _) | (_, Resolution::NoSuchName) => Resolution::NoSuchName,
        (Resolution::NoAddress, Resolution::NoAddress) => Resolution::NoAddress,
    }
}

#[cfg(test)]
mod tests {
    use super::{Resolution, both};
    use Resolution::{Addresses, NoAddress, NoSuchName};

    #[test]
    fn answers_of_two_queries_are_merged() {
        let v4 = || Addresses(vec!["192.0.2.1".parse().unwrap()]);
        let v6 = || Addresses(vec!["2001:db8::1".parse().unwrap()]);
        let all = Addresses(vec![
            "192.0.2.1".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        ]);
        let error = || Resolution::Error("e".into());
        for (a, b, both_of_them) in [
            (v4(), v6(), all),
            (v4(), NoAddress, v4()),
            (NoAddress, v6(), v6()),
            (NoAddress, NoAddress, NoAddress),
            (NoSuchName, NoSuchName, NoSuchName),
            (v4(), error(), error()),
        ] {
            assert_eq!(both(a, b), both_of_them);
        }
    }
}
