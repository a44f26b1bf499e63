//! Round numbers along an axis, and how they are written.

use std::ops::Range;

/// Places on an axis that are marked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    /// What the axis shows.
    pub(super) range: Range<f64>,
    /// The places, rising.
    pub(super) places: Vec<f64>,
    step: f64,
}

/// The smallest of 1, 2 and 5 times a power of ten that divides a length into at most `most` parts.
fn round_step(length: f64, most: usize) -> f64 {
    let least = length / most as f64;
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let fits = |step: &f64| *step >= least * (1.0 - 1e-9);
    steps.into_iter().find(fits).unwrap_or(10.0 * power)
}

impl Ticks {
    /// An axis that shows at least `data` and begins and ends at a tick; `most` parts, or one more.
    pub(super) fn over(data: &Range<f64>, most: usize) -> Self {
        let middle = (data.start + data.end) / 2.0;
        // What is the same everywhere lies in the middle.
        let least = 1e-6 * middle.abs().max(1e-6);
        let data = match data.end - data.start < least {
            true if middle == 0.0 => 0.0..1.0,
            true => middle - 0.05 * middle.abs()..middle + 0.05 * middle.abs(),
            false => data.clone(),
        };
        let step = round_step(data.end - data.start, most);
        let first = (data.start / step + 1e-9).floor();
        let last = (data.end / step - 1e-9).ceil();
        Self {
            range: first * step..last * step,
            places: (0..=(last - first) as usize)
                .map(|tick| (first + tick as f64) * step)
                .collect(),
            step,
        }
    }

    /// Ticks within an axis that shows just `data`.
    pub(super) fn within(data: &Range<f64>, most: usize) -> Self {
        // Of steps there are whole ones only.
        let step = round_step(data.end - data.start, most).max(1.0);
        let first = (data.start / step).ceil();
        let last = (data.end / step + 1e-9).floor();
        Self {
            range: data.clone(),
            places: (0..=(last - first) as usize)
                .map(|tick| (first + tick as f64) * step)
                .collect(),
            step,
        }
    }

    /// How a place is written: as short as the ticks can be told apart.
    pub(super) fn label(&self, place: f64) -> String {
        if place.abs() < 1e-9 * self.step {
            return "0".to_owned();
        }
        let largest = self.range.start.abs().max(self.range.end.abs());
        if largest < 1e-2 {
            let power = largest.log10().floor();
            let digits = (power - self.step.log10().floor()).max(0.0) as usize;
            return format!("{:.digits$}e{power}", place / 10f64.powf(power));
        }
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        match digits {
            0 => grouped(place),
            _ => format!("{place:.digits$}"),
        }
    }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let first = digits.len() % 3;
    let mut text = String::from(if number < 0.0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<String> {
        ticks.places.iter().map(|&own| ticks.label(own)).collect()
    }

    #[test]
    fn ticks_are_round_and_around_the_data() {
        let of = |range: Range<f64>| labels(&Ticks::over(&range, 4));
        assert_eq!(of(2.3..9.1), ["2", "4", "6", "8", "10"]);
        assert_eq!(
            of(0.0..1.0),
            ["0.0", "0.5", "1.0"].map(|own| if own == "0.0" { "0" } else { own })
        );
        assert_eq!(of(0.0..5e-5), ["0", "2e-5", "4e-5", "6e-5"]);
        assert_eq!(of(0.71..0.78), ["0.70", "0.72", "0.74", "0.76", "0.78"]);
        assert_eq!(of(-1.0..1.0), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
        assert_eq!(of(0.0..0.0), ["0", "0.5", "1.0"]);
        let same = Ticks::over(&(3.0..3.0), 4);
        assert!(same.range.start < 3.0 && same.range.end > 3.0, "{same:?}");
    }

    #[test]
    fn steps_are_whole_and_thousands_apart() {
        let of = |last: f64| labels(&Ticks::within(&(0.0..last), 5));
        assert_eq!(of(2.0), ["0", "1", "2"]);
        assert_eq!(of(12_345.0), ["0", "5,000", "10,000"]);
        assert_eq!(of(1.0), ["0", "1"]);
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(999.0), "999");
    }
}
