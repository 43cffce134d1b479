//! The loss of a run as a small SVG picture that needs nothing around it.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 36.0;
/// More points than pixels are drawn as the mean of their neighbours.
const MAX_POINTS: usize = 400;

/// One line of the picture.
pub(crate) struct Line<'a> {
    pub label: &'a str,
    pub color: &'a str,
    /// `(step, loss)`, ascending by step.
    pub points: Vec<(f64, f64)>,
}

/// The picture; `None` where no line has two finite points.
pub(crate) fn svg(lines: &[Line]) -> Option<String> {
    let lines: Vec<(&Line, Vec<(f64, f64)>)> = lines
        .iter()
        .map(|line| {
            (
                line,
                thin(line.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()),
            )
        })
        .filter(|(_, points)| !points.is_empty())
        .collect();
    if lines.iter().all(|(_, points)| points.len() < 2) {
        return None;
    }
    let all = || lines.iter().flat_map(|(_, points)| points);
    let x_range = range(all().map(|point| point.0));
    let y_range = padded(range(all().map(|point| point.1)));
    let x = |step: f64| LEFT + (step - x_range.0) / (x_range.1 - x_range.0) * (WIDTH - LEFT - RIGHT);
    let y = |loss: f64| TOP + (y_range.1 - loss) / (y_range.1 - y_range.0) * (HEIGHT - TOP - BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\" aria-label=\"Loss by step\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    for tick in ticks(y_range) {
        let (y, right) = (y(tick), WIDTH - RIGHT);
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#e5e7eb\"/>"
        );
        let (x, y) = (LEFT - 8.0, y + 4.0);
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\" fill=\"#374151\">{}</text>",
            short(tick)
        );
    }
    for tick in ticks(x_range).into_iter().filter(|tick| tick.fract() == 0.0) {
        let (x, y) = (x(tick), HEIGHT - BOTTOM + 16.0);
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\" fill=\"#374151\">{tick}</text>"
        );
    }
    let (middle, bottom) = (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 4.0);
    let _ = writeln!(
        out,
        "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\" fill=\"#374151\">step</text>"
    );
    for (number, (line, points)) in lines.iter().enumerate() {
        let path: Vec<String> =
            points.iter().map(|(step, loss)| format!("{:.1},{:.1}", x(*step), y(*loss))).collect();
        let (path, color) = (path.join(" "), line.color);
        let _ = writeln!(
            out,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
        );
        let (x, y) = (WIDTH - RIGHT - 130.0, TOP + 16.0 * number as f64 + 8.0);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"12\" height=\"4\" fill=\"{color}\"/>",
            y - 4.0
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" fill=\"#374151\">{}</text>",
            x + 18.0,
            y + 2.0,
            line.label
        );
    }
    out.push_str("</svg>");
    Some(out)
}

fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |values: &[(f64, f64)]| {
        let sum = values.iter().fold((0.0, 0.0), |sum, value| (sum.0 + value.0, sum.1 + value.1));
        (sum.0 / values.len() as f64, sum.1 / values.len() as f64)
    };
    points.chunks(group).map(mean).collect()
}

/// Lowest and highest, apart from each other.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if high > low { (low, high) } else { (low - 0.5, high + 0.5) }
}

fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let margin = (high - low) * 0.05;
    (if low >= 0.0 { (low - margin).max(0.0) } else { low - margin }, high + margin)
}

/// About five round numbers inside a range.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(power);
    let first = (low / step).ceil() as i64;
    (first..first.saturating_add(12)).map(|n| n as f64 * step).take_while(|tick| *tick <= high).collect()
}

fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(points: &[(f64, f64)]) -> Option<String> {
        svg(&[Line { label: "training", color: "#2563eb", points: points.to_vec() }])
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 10.0)), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks((1.0, 40.0)), [10.0, 20.0, 30.0, 40.0]);
        assert!(ticks((0.123, 0.456)).iter().all(|tick| (0.123..=0.456).contains(tick)));
    }

    #[test]
    fn pictures_stay_in_their_frame_and_without_blank_lines() {
        let many: Vec<(f64, f64)> = (1..5000).map(|i| (f64::from(i), 5.0 / f64::from(i))).collect();
        for points in [&[(1.0, 2.0), (2.0, 2.0)][..], &[(1.0, f64::NAN), (2.0, 1.0), (3.0, 0.5)], &many] {
            let picture = draw(points).expect("a picture");
            assert!(picture.starts_with("<svg") && picture.ends_with("</svg>") && !picture.contains("\n\n"));
            assert!(!picture.contains("NaN") && !picture.contains("inf"));
            assert!(picture.len() < 20_000, "{}", picture.len());
        }
        assert!(draw(&[(1.0, 2.0)]).is_none());
        assert!(draw(&[(1.0, f64::NAN), (2.0, f64::INFINITY)]).is_none());
    }
}
