//! A table for people, with a heading in the first line.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;

use super::{HEADING, printable};

/// Writes lines of cells, each column as wide as its widest cell; `style` gives the style of a cell.
pub(in crate::cli) fn table(
    to: &mut impl Write,
    lines: &[Vec<String>],
    style: impl Fn(usize, usize) -> Style,
) -> io::Result<()> {
    let lines: Vec<Vec<Cow<'_, str>>> = lines
        .iter()
        .map(|line| line.iter().map(|cell| printable(cell)).collect())
        .collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    for (row, line) in lines.iter().enumerate() {
        let last = line.len().saturating_sub(1);
        for (column, cell) in line.iter().enumerate() {
            let style = if row == 0 {
                HEADING
            } else {
                style(row, column)
            };
            write!(to, "{style}{cell}{style:#}")?;
            if column < last {
                let gap = widths[column] - cell.chars().count() + 2;
                write!(to, "{:gap$}", "")?;
            }
        }
        writeln!(to)?;
    }
    Ok(())
}
