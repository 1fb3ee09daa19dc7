//! Charts as inline SVG. Each says in words what it shows; lines differ by their dashes, too, bars by their filling.

use maud::{Markup, html};

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

pub struct Series {
    pub name: &'static str,
    /// How it is drawn: `a`, `b` or `c` in the style sheet.
    pub look: &'static str,
    /// None: nothing is known of that time.
    pub values: Vec<Option<f64>>,
}

pub enum Shape {
    Lines,
    /// One on the other.
    Bars,
}

pub struct Chart<'c> {
    /// A name of our own for its elements.
    pub id: &'static str,
    pub title: &'static str,
    pub shape: Shape,
    pub labels: Vec<&'c str>,
    pub series: Vec<Series>,
    pub shown: fn(f64) -> String,
}

impl Chart<'_> {
    pub fn draw(&self) -> Markup {
        let most = nice(self.most());
        html! {
            figure.chart {
                figcaption { (self.title) (self.legend()) }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{0}-title {0}-desc", self.id)) {
                    title id=(format!("{}-title", self.id)) { (self.title) }
                    desc id=(format!("{}-desc", self.id)) { (self.description()) }
                    @for step in 0..=4 {
                        @let value = most * (f64::from(step) / 4.0);
                        @let y = rounded(height_of(value, most));
                        line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                        text.label x=(LEFT - 6.0) y=(y) dy="4" text-anchor="end" { ((self.shown)(value)) }
                    }
                    (self.times())
                    @match self.shape {
                        Shape::Lines => @for series in &self.series { path class=(format!("line {}", series.look)) d=(self.path(series, most)) {} },
                        Shape::Bars => (self.bars(most)),
                    }
                }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! { @if self.series.len() > 1 { ul.legend { @for series in &self.series {
            li { svg.key viewBox="0 0 24 8" aria-hidden="true" {
                @match self.shape {
                    Shape::Lines => path class=(format!("line {}", series.look)) d="M0 4H24" {},
                    Shape::Bars => rect class=(format!("column {}", series.look)) x="1" y="1" width="22" height="6" {},
                }
            } (series.name) }
        } } } }
    }

    /// What one who does not see it is told.
    fn description(&self) -> String {
        let mut said = Vec::new();
        for series in &self.series {
            let known: Vec<f64> =
                series.values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
            let Some(last) = known.last() else {
                said.push(format!("{}: nothing is known.", series.name));
                continue;
            };
            let least = known.iter().copied().fold(f64::INFINITY, f64::min);
            let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shown = self.shown;
            said.push(format!(
                "{}: from {} to {}, last {}.",
                series.name,
                shown(least),
                shown(most),
                shown(*last)
            ));
        }
        if let (Some(first), Some(last)) = (self.labels.first(), self.labels.last()) {
            said.push(format!("From {first} to {last}, UTC. The numbers are in the table below the charts."));
        }
        said.join(" ")
    }

    /// The highest that is drawn.
    fn most(&self) -> f64 {
        let finite = |value: &Option<f64>| value.filter(|value| value.is_finite()).unwrap_or(0.0);
        let column =
            |place: usize| self.series.iter().map(move |series| series.values.get(place).map_or(0.0, finite));
        let highs = (0..self.labels.len()).map(|place| match self.shape {
            Shape::Lines => column(place).fold(0.0, f64::max),
            Shape::Bars => column(place).sum(),
        });
        highs.fold(0.0, f64::max)
    }

    fn times(&self) -> Markup {
        let count = self.labels.len();
        let places = [(0, "start"), (count / 2, "middle"), (count.saturating_sub(1), "end")];
        html! { @for (place, anchor) in places {
            @if let Some(label) = self.labels.get(place).filter(|_| count > 2 || place == 0) {
                @let x = match anchor { "start" => LEFT, "end" => WIDTH - RIGHT, _ => self.middle(place) };
                text.label x=(rounded(x)) y=(HEIGHT - 6.0) text-anchor=(anchor) { (label) }
            }
        } }
    }

    fn step(&self) -> f64 {
        (WIDTH - LEFT - RIGHT) / self.labels.len().max(1) as f64
    }

    fn middle(&self, place: usize) -> f64 {
        LEFT + self.step() * (place as f64 + 0.5)
    }

    /// A gap where nothing is known; a short dash for what stands alone.
    fn path(&self, series: &Series, most: f64) -> String {
        let mut path = String::new();
        let mut before = false;
        for (place, value) in series.values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                before = false;
                continue;
            };
            let (x, y) = (self.middle(place), height_of(value, most));
            path.push_str(&format!("{}{} {}", if before { 'L' } else { 'M' }, rounded(x), rounded(y)));
            let alone = !before && series.values.get(place + 1).copied().flatten().is_none();
            if alone {
                path.push_str("h2");
            }
            before = true;
        }
        path
    }

    fn bars(&self, most: f64) -> Markup {
        let width = (self.step() * 0.8).max(0.5);
        // One path for a look: a rectangle for each bar would be three times as much text.
        html! { @for series in &self.series {
            @let bars: String = (0..self.labels.len()).flat_map(|place| {
                let x = rounded(self.middle(place) - width / 2.0);
                let of_look = self.stack(place).into_iter().filter(|(look, ..)| *look == series.look);
                of_look.map(move |(_, from, to)| bar(&x, width, height_of(from, most), height_of(to, most)))
            }).collect();
            @if !bars.is_empty() { path class=(format!("column {}", series.look)) d=(bars) {} }
        } }
    }

    /// What stands at a time, from where to where.
    fn stack(&self, place: usize) -> Vec<(&'static str, f64, f64)> {
        let mut from = 0.0;
        let mut parts = Vec::new();
        for series in &self.series {
            let value =
                series.values.get(place).copied().flatten().filter(|value| value.is_finite() && *value > 0.0);
            if let Some(value) = value {
                parts.push((series.look, from, from + value));
                from += value;
            }
        }
        parts
    }
}

/// A rectangle as a part of a path.
fn bar(x: &str, width: f64, foot: f64, top: f64) -> String {
    format!("M{x} {}h{}v{}h-{1}z", rounded(foot), rounded(width), rounded(top - foot))
}

fn height_of(value: f64, most: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value / most).clamp(0.0, 1.0)
}

/// The next round number, whose quarters are round, too.
fn nice(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(most.log10().floor());
    let step = [1.0, 2.0, 4.0, 8.0, 10.0].into_iter().find(|step| step * power >= most).unwrap_or(10.0);
    // The largest number has no round one above it.
    if (step * power).is_finite() { step * power } else { most }
}

fn rounded(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(shape: Shape, values: Vec<Vec<Option<f64>>>) -> String {
        let looks = ["a", "b", "c"];
        let series =
            values.into_iter().zip(looks).map(|(values, look)| Series { name: look, look, values }).collect();
        let chart = Chart {
            id: "x",
            title: "X",
            shape,
            labels: vec!["1", "2", "3"],
            series,
            shown: |v| v.to_string(),
        };
        chart.draw().into_string()
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        assert_eq!([nice(0.0), nice(0.7), nice(3.0), nice(4.1), nice(950.0)], [1.0, 0.8, 4.0, 8.0, 1000.0]);
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known() {
        let drawn = chart(Shape::Lines, vec![vec![Some(0.0), None, Some(4.0)]]);
        // (400 - 56 - 8) / 3 = 112 to a place; the top is at 8, the foot at 168.
        assert!(drawn.contains("d=\"M112.0 168.0h2M336.0 8.0h2\""), "{drawn}");
    }

    #[test]
    fn bars_stand_on_each_other_and_the_highest_stack_is_the_measure() {
        let drawn = chart(Shape::Bars, vec![vec![Some(1.0), None, None], vec![Some(3.0), None, None]]);
        assert!(drawn.contains("class=\"column a\" d=\"M67.2 168.0h89.6v-40.0h-89.6z\""), "{drawn}");
        assert!(drawn.contains("class=\"column b\" d=\"M67.2 128.0h89.6v-120.0h-89.6z\""), "{drawn}");
    }

    #[test]
    fn it_says_in_words_what_it_shows() {
        let drawn =
            chart(Shape::Lines, vec![vec![Some(2.0), Some(f64::NAN), Some(1.5)], vec![None, None, None]]);
        assert!(
            drawn.contains("a: from 1.5 to 2, last 1.5. b: nothing is known. From 1 to 3, UTC."),
            "{drawn}"
        );
    }
}
