//! Locality preferences: the clusters behind a name that serve each caller. Input of `localityLbSetting` in
//! DestinationRules (`render::destination_rule`) and of the model of answers (`answers`).
//!
//! By default the nearest cluster serves a call: the caller's zone, then its region, then the rest. A region can
//! precede the rest (Istio's `failover`, which has one for each region of callers), or places get shares
//! (`distribute`), and all other places get nothing. One rule of Istio cannot have both; but each cluster has rules of
//! its own, so one cluster's callers can be spread and another's go to the nearest.

use crate::resolved::preferences::RegionOrZone;
use crate::resolved::published::{PublishedName, answered_by};
use crate::resolved::{Resolved, Service};
use crate::traffic::endpoints::fails_over;

/// The shares for calls of the cluster `client` for a name; `None` if they go to the nearest. Shares apply to a name if
/// all of their places are behind it: for a region's name the share of other regions would be lost, and Istio has no
/// localities for a name that is resolved by DNS alone.
pub(crate) fn shares<'a>(
    client: usize,
    name: &PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<&'a [(RegionOrZone, u8)]> {
    let shares = service.locality.shares.get(&client)?;
    if !fails_over(client, name, service, resolved) {
        return None;
    }
    let behind = answered_by(name, &service.names);
    let is_behind = |place: &RegionOrZone| {
        let mut behind = behind.iter();
        behind.any(|&index| place.has(&resolved.clusters[index]))
    };
    shares
        .iter()
        .all(|(place, _)| is_behind(place))
        .then_some(shares)
}
