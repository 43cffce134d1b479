//! Words at places to the rows and columns of a table.

/// A word, or words without a wide gap between them. Points; y grows upwards.
#[derive(Debug, Clone)]
pub struct Piece {
    pub text: String,
    pub left: f32,
    pub right: f32,
    pub bottom: f32,
    pub size: f32,
}

impl Piece {
    pub fn middle(&self) -> (f32, f32) {
        ((self.left + self.right) / 2.0, self.bottom + 0.3 * self.size)
    }
}

/// Pieces by lines, from the top, each from the left.
pub fn lines(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut sorted: Vec<&Piece> = pieces.iter().collect();
    sorted.sort_by(|a, b| b.bottom.total_cmp(&a.bottom));
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for piece in sorted {
        match lines.last_mut() {
            Some(line) if line[0].bottom - piece.bottom < 0.5 * line[0].size => line.push(piece.clone()),
            _ => lines.push(vec![piece.clone()]),
        }
    }
    for line in &mut lines {
        line.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    lines
}

/// The text of a cell, line by line; a word divided at a line's end is joined.
pub fn join(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for line in lines(pieces) {
        let words: Vec<&str> = line.iter().map(|piece| piece.text.as_str()).collect();
        let words = words.join(" ");
        let divided = text.ends_with('-')
            && words.starts_with(char::is_lowercase)
            && text.chars().rev().nth(1).is_some_and(char::is_alphabetic);
        if divided {
            text.pop();
        } else if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&words);
    }
    text
}

/// Where the columns lie: what any line fills, parted where all lines leave a gap wider than a space.
pub fn columns(lines: &[Vec<Piece>]) -> Option<Vec<(f32, f32)>> {
    let mut filled: Vec<(f32, f32)> = lines.iter().flatten().map(|piece| (piece.left, piece.right)).collect();
    let size = lines.iter().flatten().map(|piece| piece.size).fold(1.0, f32::max);
    filled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut columns: Vec<(f32, f32)> = Vec::new();
    for (left, right) in filled {
        match columns.last_mut() {
            Some(last) if left - last.1 < 0.6 * size => last.1 = last.1.max(right),
            _ => columns.push((left, right)),
        }
    }
    (columns.len() >= 2).then_some(columns)
}

/// The cells of one row.
pub fn row(pieces: &[Piece], columns: &[(f32, f32)]) -> Vec<String> {
    let mut cells: Vec<Vec<Piece>> = vec![Vec::new(); columns.len()];
    for piece in pieces {
        let middle = piece.middle().0;
        let column = columns.iter().rposition(|(left, _)| *left <= middle).unwrap_or(0);
        cells[column].push(piece.clone());
    }
    cells.iter().map(|pieces| join(pieces)).collect()
}

/// A row for each line; a close line without a first cell goes on with the row above.
pub fn rows(lines: &[Vec<Piece>], columns: &[(f32, f32)]) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let mut above: Option<&Piece> = None;
    for line in lines {
        let first = &line[0];
        let headless = first.left > columns[0].1;
        let near = above.is_some_and(|above| above.bottom - first.bottom < 1.5 * first.size);
        match groups.last_mut() {
            Some(group) if headless && near => group.extend(line.iter().cloned()),
            _ => groups.push(line.clone()),
        }
        above = Some(first);
    }
    groups.iter().map(|group| row(group, columns)).collect()
}

/// At least two rows and columns, half of the cells filled, and cells no longer than some sentences.
pub fn is_plausible(rows: &[Vec<String>]) -> bool {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    if rows.len() < 2 || columns < 2 {
        return false;
    }
    let filled = rows.iter().flatten().filter(|cell| !cell.trim().is_empty()).count();
    let characters: usize = rows.iter().flatten().map(|cell| cell.chars().count()).sum();
    filled * 10 >= rows.len() * columns * 4 && characters <= filled * 200
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, left: f32, bottom: f32) -> Piece {
        Piece { text: text.to_string(), left, right: left + 5.0 * text.len() as f32, bottom, size: 10.0 }
    }

    #[test]
    fn unruled_rows_and_columns() {
        let pieces = [
            piece("Boat", 0.0, 100.0),
            piece("Steward", 100.0, 100.0),
            piece("Heron", 0.0, 80.0),
            piece("Tom,", 100.0, 80.0),
            piece("keeper", 124.0, 80.0),
            piece("of keys", 100.0, 68.0),
            piece("Plover", 0.0, 50.0),
        ];
        let lines = lines(&pieces);
        assert_eq!(lines.len(), 4);
        let columns = columns(&lines).expect("two columns");
        assert_eq!(columns.len(), 2);
        let expected = [["Boat", "Steward"], ["Heron", "Tom, keeper of keys"], ["Plover", ""]];
        assert_eq!(rows(&lines, &columns), expected);
    }
}
