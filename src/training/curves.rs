//! What a run measured as it went on, as panels that can be drawn.

use super::config::MetricName;
use super::history::Event;
use crate::evaluation::plots::{Line, Look, Panel};

/// Means are over this part of the run, half of it before and half after a step,
const PART: usize = 12;
/// and over no more steps than this on either side: what a long run does in a hundredth of it is
/// worth seeing.
const MOST_AROUND: usize = 200;

/// The panels of a run, or none if no step was made: loss, the metric by which the best is told (for
/// the loss itself the accuracy), learning rate, norm of the gradient.
pub(super) fn panels(events: &[Event], metric: MetricName, best: Option<u64>) -> Vec<Panel> {
    let steps = |value: fn(&Event) -> Option<f64>| -> Vec<[f64; 2]> {
        let values = events.iter();
        values
            .filter_map(|event| Some([event.step() as f64, value(event)?]))
            .collect()
    };
    let loss = steps(|event| match event {
        Event::Step { loss, .. } => Some(*loss),
        Event::Evaluated { .. } => None,
    });
    if loss.is_empty() {
        return Vec::new();
    }
    let norm = steps(|event| match event {
        Event::Step { gradient_norm, .. } => Some(*gradient_norm),
        Event::Evaluated { .. } => None,
    });
    let lr = steps(|event| match event {
        Event::Step { lr, .. } => Some(*lr),
        Event::Evaluated { .. } => None,
    });
    let judged = |metric: MetricName| -> Vec<[f64; 2]> {
        let value = |event: &Event| match event {
            Event::Evaluated {
                step, evaluation, ..
            } => Some([*step as f64, evaluation.value(metric)?]),
            Event::Step { .. } => None,
        };
        events.iter().filter_map(value).collect()
    };
    let mark = best.map(|step| (step as f64, "best"));
    let of_validation = |name: &str, metric, mark| {
        let points = judged(metric);
        (!points.is_empty()).then(|| Line {
            name: name.to_owned(),
            points,
            look: Look::Dotted,
            mark,
        })
    };
    // The point that decided is marked where it was decided.
    let (by_loss, shown) = match metric {
        MetricName::Loss => (mark, MetricName::Accuracy),
        metric => (None, metric),
    };
    let mut of_loss = both(loss);
    of_loss.extend(of_validation("validation", MetricName::Loss, by_loss));
    let mut panels = vec![Panel {
        title: "Loss".to_owned(),
        lines: of_loss,
        from_zero: false,
    }];
    let by_metric = mark.filter(|_| by_loss.is_none());
    let of_metric = of_validation("", shown, by_metric);
    panels.extend(of_metric.map(|line| Panel {
        title: format!("{} on the validation notes", upper(shown.title())),
        lines: vec![line],
        from_zero: false,
    }));
    panels.push(Panel {
        title: "Learning rate".to_owned(),
        lines: vec![Line {
            name: String::new(),
            points: lr,
            look: Look::Strong,
            mark: None,
        }],
        from_zero: true,
    });
    panels.push(Panel {
        title: "Norm of the gradient".to_owned(),
        lines: both(norm),
        from_zero: true,
    });
    panels
}

/// Values step by step, and the mean of neighbours over them where there are enough.
fn both(points: Vec<[f64; 2]>) -> Vec<Line> {
    let around = (points.len() / (2 * PART)).min(MOST_AROUND);
    let line = |name: String, points, look| Line {
        name,
        points,
        look,
        mark: None,
    };
    if around == 0 {
        return vec![line("each step".to_owned(), points, Look::Strong)];
    }
    let means = means(&points, around);
    let name = format!("mean of {}", 2 * around + 1);
    vec![
        line("each step".to_owned(), points, Look::Faint),
        line(name, means, Look::Strong),
    ]
}

/// For each point the mean of it and of `around` points on either side; where fewer came before, of
/// as many after it, so that a steep beginning stays what it is.
fn means(points: &[[f64; 2]], around: usize) -> Vec<[f64; 2]> {
    let mut sums = Vec::with_capacity(points.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for [_, value] in points {
        sum += value;
        sums.push(sum);
    }
    let of = |(at, [step, _]): (usize, &[f64; 2])| {
        let before = around.min(at);
        let after = before.min(points.len() - 1 - at);
        let (from, to) = (at - before, at + after + 1);
        [*step, (sums[to] - sums[from]) / (to - from) as f64]
    };
    points.iter().enumerate().map(of).collect()
}

/// With a capital at the beginning.
fn upper(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::Evaluation;
    use super::*;

    fn step(step: u64) -> Event {
        Event::Step {
            step,
            epoch: 0,
            loss: 10.0 - step as f64,
            gradient_norm: 1.0,
            lr: 0.5,
            tokens: 8,
            seconds: 0.1,
        }
    }

    #[test]
    fn means_follow_a_slope_from_its_beginning() {
        let slope: Vec<[f64; 2]> = (0..9)
            .map(|at| [f64::from(at), 3.0 * f64::from(at)])
            .collect();
        assert_eq!(means(&slope, 3)[..6], slope[..6]);
        assert_eq!(means(&slope, 3)[8], [8.0, 19.5]);
        let points = [[0.0, 1.0], [1.0, 4.0], [2.0, 1.0]];
        assert_eq!(means(&points, 1), [[0.0, 1.0], [1.0, 2.0], [2.0, 2.5]]);
    }

    #[test]
    fn what_decided_is_marked() {
        assert!(panels(&[], MetricName::Loss, None).is_empty());
        let judged = Event::Evaluated {
            step: 2,
            evaluation: Box::new(Evaluation {
                loss: 8.5,
                accuracy: 0.25,
                macro_f1: Some(0.5),
                ..Evaluation::default()
            }),
            best: true,
            seconds: 0.1,
        };
        let events = [step(1), step(2), judged, step(3)];
        let titles = |panels: &[Panel]| -> Vec<String> {
            panels.iter().map(|panel| panel.title.clone()).collect()
        };
        let by_loss = panels(&events, MetricName::Loss, Some(2));
        assert_eq!(
            titles(&by_loss)[..2],
            ["Loss", "Accuracy on the validation notes"]
        );
        assert_eq!(by_loss[0].lines[1].points, [[2.0, 8.5]]);
        assert_eq!(by_loss[0].lines[1].mark, Some((2.0, "best")));
        assert_eq!(by_loss[1].lines[0].mark, None);
        let by_f1 = panels(&events, MetricName::MacroF1, Some(2));
        assert_eq!(titles(&by_f1)[1], "Macro-F1 on the validation notes");
        assert_eq!(by_f1[0].lines[1].mark, None);
        assert_eq!(by_f1[1].lines[0].mark, Some((2.0, "best")));
        assert_eq!(by_f1[1].lines[0].points, [[2.0, 0.5]]);
        // Without validation notes there is nothing of them.
        let alone = panels(&[step(1), step(2)], MetricName::Loss, None);
        assert_eq!(
            titles(&alone),
            ["Loss", "Learning rate", "Norm of the gradient"]
        );
        assert_eq!(alone[0].lines[0].points, [[1.0, 9.0], [2.0, 8.0]]);
    }
}
