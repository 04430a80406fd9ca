//! The output of `status`, for people.

use std::io::{self, Write};

use shared::api::{ClusterStatus, Drifted, Refused, Status};

use super::{ADDED, CHANGED, ERROR, HEADING, REMOVED, counted, printable};

/// Writes the objects that are not up to date, by cluster.
pub(in crate::cli) fn write(to: &mut impl Write, status: &Status) -> io::Result<()> {
    for cluster in &status.clusters {
        let ClusterStatus {
            name,
            error,
            unchanged,
            missing,
            refused,
            changed,
            surplus,
            drifted,
        } = cluster;
        write!(to, "{HEADING}{}{HEADING:#}: ", printable(name))?;
        if let Some(error) = error {
            writeln!(to, "{ERROR}{}{ERROR:#}", printable(error))?;
            continue;
        }
        let off = missing.len() + refused.len() + changed.len() + surplus.len() + drifted.len();
        if off == 0 {
            writeln!(to, "up to date, {}", counted(*unchanged, "object"))?;
        } else {
            writeln!(
                to,
                "out of date, {} of {}",
                off,
                counted(unchanged + off, "object")
            )?;
        }
        for Refused { object, why } in refused {
            let why = printable(why);
            writeln!(
                to,
                "  {ERROR}rejected{ERROR:#}  {}: {why}",
                printable(&object.to_string())
            )?;
        }
        for (keys, word, style) in [
            (missing, "missing", REMOVED),
            (changed, "changed", CHANGED),
            (surplus, "orphaned", ADDED),
        ] {
            for key in keys {
                writeln!(
                    to,
                    "  {style}{word}{style:#}  {}",
                    printable(&key.to_string())
                )?;
            }
        }
        for Drifted { object, fields } in drifted {
            writeln!(
                to,
                "  {CHANGED}drifted{CHANGED:#}  {}",
                printable(&object.to_string())
            )?;
            for field in fields {
                writeln!(to, "      {}", printable(&field.to_string()))?;
            }
        }
    }
    Ok(())
}
