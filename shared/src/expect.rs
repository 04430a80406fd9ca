//! stub
#![allow(clippy::all, clippy::pedantic)]
use crate::published::answered_by;
use crate::resolved::{Address, Resolved};
use serde::Serialize;
use std::net::IpAddr;
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Expectations {
    pub records: Vec<Record>,
    pub gateways: Vec<GatewayCall>,
    pub calls: Vec<Call>,
}
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Record {
    pub host: String,
    pub service: String,
    pub addresses: Vec<IpAddr>,
    pub cname_chain_ok: bool,
}
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct GatewayCall {
    pub cluster: String,
    pub service: String,
    pub host: String,
    pub address: String,
    pub port: u16,
    pub probe: Probe,
    pub answered_by: Vec<String>,
}
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Call {
    pub client: String,
    pub service: String,
    pub url_host: String,
    pub port: u16,
    pub level: &'static str,
    pub probe: Probe,
    pub answered_by: Vec<String>,
}
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Probe {
    pub path: String,
    pub status: Option<u16>,
}
#[allow(missing_docs)]
pub fn expect(r: &Resolved) -> Expectations {
    let mut e = Expectations::default();
    for s in &r.services {
        let probe = Probe {
            path: "/".into(),
            status: None,
        };
        for n in &s.names {
            let by = answered_by(n, &s.names);
            let mut a: Vec<IpAddr> = by
                .iter()
                .flat_map(|&i| r.clusters[i].gateway.addresses.iter().flatten())
                .filter_map(|a| match a {
                    Address::Ip(i) => Some(*i),
                    Address::Host(_) => None,
                })
                .collect();
            a.sort();
            e.records.push(Record {
                host: n.host.to_string(),
                service: s.id(),
                addresses: a,
                cname_chain_ok: true,
            });
            for &i in &s.clusters {
                let c = &r.clusters[i];
                for a in c.gateway.addresses.iter().flatten() {
                    let address = match a {
                        Address::Ip(i) => i.to_string(),
                        Address::Host(h) => h.to_string(),
                    };
                    e.gateways.push(GatewayCall {
                        cluster: c.name.to_string(),
                        service: s.id(),
                        host: n.host.to_string(),
                        address,
                        port: c.gateway.port,
                        probe: probe.clone(),
                        answered_by: vec![c.name.to_string()],
                    });
                }
            }
            for c in &r.clusters {
                e.calls.push(Call {
                    client: c.name.to_string(),
                    service: s.id(),
                    url_host: n.host.to_string(),
                    port: 80,
                    level: n.level.as_str(),
                    probe: probe.clone(),
                    answered_by: by.iter().map(|&i| r.clusters[i].name.to_string()).collect(),
                });
            }
        }
        for &i in &s.clusters {
            e.calls.push(Call {
                client: r.clusters[i].name.to_string(),
                service: s.id(),
                url_host: format!("{}.{}.svc.cluster.local", s.name, s.namespace),
                port: s.port,
                level: "local",
                probe: probe.clone(),
                answered_by: vec![],
            });
        }
    }
    e
}
