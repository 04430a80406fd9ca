//! `schema`: print the schema of a Mesh document.

use std::io::Write as _;

use clap::{Args, ValueEnum};
use shared::mesh::schema;
use shared::passthrough;

use super::failure::{Exit, Failure};
use super::output;

/// Print the schema of a Mesh document.
///
/// Editors use the JSON Schema to complete and check documents: save it to a file, and name the file in the first line
/// of the document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent schema > mesh.schema.json
  # yaml-language-server: $schema=./mesh.schema.json      as the first line of mesh.yaml
  fedmesh-agent schema -o markdown                        a table of all fields
  fedmesh-agent schema -o istio                           tables of Istio's fields in routes and policies")]
pub(super) struct Schema {
    /// Output format.
    #[arg(short, long, alias = "format", value_enum, default_value_t = SchemaFormat::Json, value_name = "FORMAT")]
    output: SchemaFormat,
}

/// The output formats for the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaFormat {
    /// JSON Schema, draft 7.
    Json,
    /// A table of the fields with their defaults.
    Markdown,
    /// Tables of the fields of Istio that routes, subsets and policies may have.
    Istio,
}

impl Schema {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut stdout = output::stdout();
        match self.output {
            SchemaFormat::Json => output::json(&mut stdout, &schema::schema())?,
            SchemaFormat::Markdown => {
                writeln!(stdout, "| field | type | default | meaning |")?;
                writeln!(stdout, "|---|---|---|---|")?;
                for field in schema::fields() {
                    let meaning = field.meaning.trim_end_matches('.');
                    writeln!(
                        stdout,
                        "| `{}` | {} | {} | {meaning} |",
                        field.path, field.kind, field.default
                    )?;
                }
            }
            SchemaFormat::Istio => write!(stdout, "{}", passthrough::reference::markdown())?,
        }
        Ok(Exit::Success)
    }
}
