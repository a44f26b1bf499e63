//! The report as a model card in Markdown.

mod classifier;
pub(crate) mod markdown;
mod masked_lm;

use std::fmt::Write;

use self::classifier::{ByClass, calibration, classes, threshold_of_one, thresholds};
use self::markdown::{cell, interval, number, table};
use self::masked_lm::masked_lm;
use super::plots::plots;
use super::{Evaluation, Figures, Judgement, SliceTable, TOO_FEW};
use crate::metrics::spans::SpanReport;

/// Rows of a table that are shown; the JSON file has all.
const MOST_ROWS: usize = 60;

/// The report as Markdown, a sentence a line; plots are named as [`Evaluation::write`] puts them.
pub fn card(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    opening(evaluation, &mut text);
    headline(evaluation, &mut text);
    match &evaluation.result {
        Judgement::SingleLabel(own) => {
            let by_class = ByClass {
                names: &own.classes,
                columns: &own.figures.per_class,
                f1: Some(&own.f1_intervals),
                auroc: &own.figures.auroc,
                auprc: &own.figures.auprc,
                means: [own.figures.auroc_macro, own.figures.auprc_macro],
            };
            classes(&by_class, &mut text);
            if let Some(positive) = &own.positive {
                threshold_of_one(positive, &mut text);
            }
            calibration(&own.calibration, &mut text);
        }
        Judgement::MultiLabel(own) => {
            let by_label = ByClass {
                names: &own.labels,
                columns: &own.figures.per_label,
                f1: None,
                auroc: &own.figures.auroc,
                auprc: &own.figures.auprc,
                means: [own.figures.auroc_macro, own.figures.auprc_macro],
            };
            classes(&by_label, &mut text);
            thresholds(
                &own.labels,
                own.thresholds.as_deref(),
                own.at_half.as_ref(),
                &mut text,
            );
            calibration(&own.calibration, &mut text);
        }
        Judgement::Spans(own) => {
            spans(
                "Exact: same kind, same first and last byte",
                &own.exact,
                &mut text,
            );
            let overlap = "Overlap: same kind and a byte in common, each span counting once";
            spans(overlap, &own.overlap, &mut text);
        }
        Judgement::Vectors(own) => vectors(own, &mut text),
        Judgement::MaskedLm(own) => masked_lm(own, &mut text),
    }
    evaluation
        .slices
        .iter()
        .for_each(|table| slices(table, &mut text));
    let plots = plots(evaluation);
    if !plots.is_empty() {
        text.push_str("## Plots\n");
        for plot in plots {
            let _ = write!(
                text,
                "\n![{}](plots/{}.png)\n\n{}\n",
                plot.name, plot.name, plot.caption
            );
        }
        text.push('\n');
    }
    text.push_str(
        "## Limits\n\n\
         Research use only: not a medical device.\n\
         The figures hold for notes like these; on notes from elsewhere they can be far off.\n\
         An interval says how far a figure could be off because these notes are a sample, and \
         nothing about other hospitals, years or wording.\n",
    );
    text
}

fn opening(evaluation: &Evaluation, text: &mut String) {
    let (model, data) = (&evaluation.model, &evaluation.data);
    let _ = write!(text, "# Model card: {}\n\n", cell(&model.name));
    if model.random_weights {
        text.push_str(
            "**This model has random weights: the figures say nothing about a trained one.**\n\n",
        );
    }
    let task = match &evaluation.result {
        Judgement::SingleLabel(own) => {
            format!("gives each note one of {} classes", own.classes.len())
        }
        Judgement::MultiLabel(own) => format!("gives each note any of {} labels", own.labels.len()),
        Judgement::Spans(_) => "marks spans in notes".to_owned(),
        Judgement::Vectors(_) => "turns notes into vectors".to_owned(),
        Judgement::MaskedLm(_) => "guesses hidden tokens of notes".to_owned(),
    };
    let _ = writeln!(text, "The model {task}.");
    let _ = writeln!(
        text,
        "Head: {}; {} parameters.",
        cell(&model.head),
        model.parameters
    );
    let _ = writeln!(
        text,
        "\n## Data\n\nEvery figure is of {} test notes.",
        data.test
    );
    let _ = writeln!(text, "The truth: {}.", cell(&data.truth));
    match data.validation {
        Some(count) => {
            let _ = writeln!(
                text,
                "Thresholds and temperature come from {count} other notes."
            );
        }
        None if matches!(
            evaluation.result,
            Judgement::SingleLabel(_) | Judgement::MultiLabel(_)
        ) =>
        {
            text.push_str(
                "No validation notes were given, so no threshold was chosen and no temperature \
                 fitted.\n",
            );
        }
        None => {}
    }
    for remark in &data.remarks {
        let _ = writeln!(text, "{remark}");
    }
    text.push('\n');
}

fn headline(evaluation: &Evaluation, text: &mut String) {
    let how = evaluation.resampling;
    let _ = write!(
        text,
        "## Figures\n\nIn brackets: bootstrap intervals of {} %, from {} resamples of {} with seed {}.\n\n",
        (how.level * 1000.0).round() / 10.0,
        how.resamples,
        evaluation.data.resampled(),
        how.seed
    );
    let rows = evaluation.result.headline().into_iter();
    let rows = rows.map(|(name, own)| vec![name.replace('_', " "), interval(&own)]);
    table(text, &["figure", "value"], rows);
}

fn more(rows: usize, text: &mut String) {
    if rows > MOST_ROWS {
        let _ = write!(
            text,
            "And {} more, which `evaluation.json` has.\n\n",
            rows - MOST_ROWS
        );
    }
}

fn spans(title: &str, report: &SpanReport, text: &mut String) {
    let _ = write!(text, "## {title}\n\n");
    let mut kinds: Vec<_> = report.per_type.iter().collect();
    kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.support));
    let rows = kinds.iter().take(MOST_ROWS).map(|(name, kind)| {
        let own = kind.scores;
        let figures = [own.precision, own.recall, own.f1].map(|figure| number(Some(figure)));
        [cell(name), kind.support.to_string()]
            .into_iter()
            .chain(figures)
            .collect()
    });
    table(text, &["kind", "spans", "precision", "recall", "F1"], rows);
    more(kinds.len(), text);
}

fn vectors(own: &super::vectors::VectorReport, text: &mut String) {
    let _ = write!(
        text,
        "A vector's label is guessed by its {} nearest others by cosine.\n\
         Always guessing the most frequent label would be right in {:.3}.\n\n",
        own.k, own.majority
    );
    if let Some(column) = &own.across {
        let _ = write!(
            text,
            "Across: others with the same \"{}\" have no vote.\n\n",
            cell(column)
        );
    }
    let rows = [
        ("silhouette by cosine distance", own.silhouette_cosine),
        ("silhouette by Euclidean distance", own.silhouette_euclidean),
        (
            "normalized mutual information with k-means clusters",
            Some(own.nmi),
        ),
    ];
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), number(value)]);
    table(text, &["figure", "value"], rows);
    let _ = write!(
        text,
        "k-means takes as many clusters as there are labels, seed {}.\n\n",
        own.seed
    );
    text.push_str("## By label\n\n");
    let mut order: Vec<usize> = (0..own.labels.len()).collect();
    order.sort_by_key(|&label| std::cmp::Reverse(own.counts[label]));
    let rows = order.iter().take(MOST_ROWS).map(|&label| {
        vec![
            cell(&own.labels[label]),
            own.counts[label].to_string(),
            number(own.knn_recall[label]),
        ]
    });
    table(
        text,
        &["label", "vectors", "recognised by neighbours"],
        rows,
    );
    more(order.len(), text);
}

fn slices(slices: &SliceTable, text: &mut String) {
    let _ = write!(
        text,
        "## By \"{}\"\n\nSlices of fewer than {TOO_FEW} notes have no figures.\n\n",
        cell(&slices.column)
    );
    let first = slices
        .slices
        .iter()
        .find_map(|slice| slice.figures.as_ref());
    let names: Vec<&str> = first
        .map(|figures| figures.keys().copied().collect())
        .unwrap_or_default();
    let titles: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let header: Vec<&str> = ["value", "notes"]
        .into_iter()
        .chain(titles.iter().map(String::as_str))
        .collect();
    let figure = |figures: &Option<Figures>, name: &str| match figures {
        Some(figures) => number(figures.get(name).copied().flatten()),
        None => "too few".to_owned(),
    };
    let rows = slices.slices.iter().take(MOST_ROWS).map(|slice| {
        let own = [cell(&slice.value), slice.examples.to_string()];
        let figures = names.iter().map(|name| figure(&slice.figures, name));
        own.into_iter().chain(figures).collect()
    });
    table(text, &header, rows);
    more(slices.slices.len(), text);
}
