//! Rows of cells as a Markdown table: each cell beside its row's label and under its column's header.

/// Missing cells are written out in tables of up to so many cells (Markdown allows them to be missing).
const MOST_PADDED: usize = 1_000_000;

/// A Markdown table, the first row its header. Empty rows and columns at the end are dropped; a table of one
/// column is rows on lines.
pub fn markdown(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect::<Vec<_>>())
        .filter(|row| !is_blank(row))
        .collect();
    let columns = rows.iter().map(|row| used(row)).max().unwrap_or(0);
    if columns < 2 {
        return rows.into_iter().map(|row| row.concat()).collect::<Vec<_>>().join("\n");
    }
    let padded = rows.len().saturating_mul(columns) <= MOST_PADDED;
    let mut lines = Vec::with_capacity(rows.len() + 1);
    for (index, row) in rows.iter().enumerate() {
        let width = if padded || index == 0 { columns } else { used(row) };
        let cells: Vec<&str> = (0..width).map(|column| row.get(column).map_or("", String::as_str)).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
        if index == 0 {
            lines.push(format!("|{}", " --- |".repeat(columns)));
        }
    }
    lines.join("\n")
}

fn is_blank(row: &[String]) -> bool {
    row.iter().all(String::is_empty)
}

/// Number of cells up to the last that holds something.
fn used(row: &[String]) -> usize {
    row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1)
}

/// On one line, with the column mark escaped.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.contains('|') { line.replace("\\|", "|").replace('|', "\\|") } else { line }
}

#[cfg(test)]
mod tests {
    use super::markdown;

    fn rows(table: &[&[&str]]) -> Vec<Vec<String>> {
        table.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    #[test]
    fn tables() {
        let cases: &[(&[&[&str]], &str)] = &[
            (&[&["a", "b"], &["1", "x\ny"]], "| a | b |\n| --- | --- |\n| 1 | x y |"),
            (&[&["a", "b", ""], &["1"]], "| a | b |\n| --- | --- |\n| 1 |  |"),
            (&[&["a|b", "c"]], "| a\\|b | c |\n| --- | --- |"),
            (&[&["only"], &[""], &["one"]], "only\none"),
            (&[], ""),
        ];
        for (table, expected) in cases {
            assert_eq!(markdown(&rows(table)), *expected);
        }
    }
}
