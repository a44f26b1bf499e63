//! Would catch: a field without its place in the list, a file that says something else than it was
//! written from, a limit that lets through what it should not.

use super::*;

/// Every field has a value, so that a file of it names them all.
fn complete() -> TrainConfig {
    TrainConfig {
        model: "model".into(),
        run: "run".into(),
        train: vec!["notes".into()],
        tokenizer: Some("tokenizer".into()),
        label: Some("label".into()),
        patient: Some("patient".into()),
        group: Some("ward".into()),
        form: Some("{code}: {text}".into()),
        separator: Some(";".into()),
        several_labels: true,
        mask_rate_end: Some(0.15),
        ..TrainConfig::default()
    }
}

fn flags(flags: &[(&'static str, &str)]) -> Result<TrainConfig, ConfigFault> {
    let base = [("model", "m"), ("run", "r"), ("train", "t")];
    let flags: Vec<(&str, Vec<String>)> = base
        .iter()
        .chain(flags)
        .map(|(name, value)| (*name, vec![(*value).to_owned()]))
        .collect();
    TrainConfig::read(None, &flags)
}

#[test]
fn the_list_of_fields_is_complete() {
    let table = Table::try_from(complete()).unwrap();
    let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    let own: Vec<&str> = table.keys().map(String::as_str).collect();
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    let mut own_sorted = own.clone();
    own_sorted.sort_unstable();
    assert_eq!(sorted(names), own_sorted);
}

#[test]
fn a_file_says_what_it_was_written_from() {
    let config = complete();
    config.validate().unwrap();
    let read: TrainConfig = toml::from_str(&config.to_toml()).unwrap();
    assert_eq!(read, config);
}

#[test]
fn flags_stand_in_place_of_defaults() {
    let config = flags(&[
        ("lr", "1e-3"),
        ("task", "classify"),
        ("optimizer", "stableadamw-published"),
        ("pack", "false"),
        ("decay-shape", "linear"),
    ])
    .unwrap();
    assert_eq!((config.lr, config.pack), (1e-3, false));
    assert_eq!(config.task, TaskKind::Classify);
    assert_eq!(config.optimizer, OptimizerName::StableAdamWPublished);
    assert_eq!(config.train, [PathBuf::from("t")]);
}

#[test]
fn what_is_beyond_its_limits_is_refused_with_a_reason() {
    for (name, value, says) in [
        ("lr", "0", "lr is 0"),
        ("lr", "nan", "lr is nan"),
        ("lr", "fast", "no number"),
        ("batch", "0", "batch is 0"),
        ("batch", "2.5", "no whole number"),
        ("beta2", "1", "beta2 is 1"),
        ("mask-rate", "1.5", "mask-rate is 1.5"),
        ("task", "guess", "guess"),
        ("schedule", "trapezoid", "decay is 0"),
        ("epochs", "0", "nothing to do"),
        ("metric", "macro-f1", "masked-LM"),
        ("validation", "-", "standard input"),
        ("test", "-", "test is -: standard input"),
        ("test-share", "0.85", "smaller"),
        ("test-share", "1", "test-share is 1"),
        ("data-memory", "0", "data-memory is 0"),
        ("form", "no column", "names no column"),
        ("form", "{code", "without its other half"),
        ("separator", "", "separator is empty"),
        ("separator", ";", "several-labels"),
        ("stratify", "maybe", "neither true nor false"),
    ] {
        let fault = flags(&[(name, value)]).unwrap_err().to_string();
        assert!(fault.contains(says), "{name} {value}: {fault}");
    }
    let tag = flags(&[("task", "tag"), ("form", "{code}")]).unwrap_err();
    assert!(tag.to_string().contains("leave it out for tag"), "{tag}");
    // A share has no effect beside files.
    flags(&[
        ("validation", "v"),
        ("validation-share", "0.9"),
        ("test-share", "0.5"),
    ])
    .unwrap();
    let fault = TrainConfig::read(None, &[]).unwrap_err().to_string();
    assert!(fault.contains("model is missing"), "{fault}");
}

#[test]
fn a_metric_is_refused_where_it_does_not_apply() {
    let judge = |task: &'static str, several: &'static str, metric: &'static str| {
        flags(&[
            ("task", task),
            ("several-labels", several),
            ("metric", metric),
        ])
    };
    let refused = [
        ("masked-lm", "false", "micro-f1", "loss or accuracy"),
        ("masked-lm", "false", "auroc", "loss or accuracy"),
        ("masked-lm", "false", "mcc", "loss or accuracy"),
        ("tag", "false", "mcc", "true negatives"),
        ("tag", "false", "auroc", "marks spans"),
        ("classify", "false", "overlap-f1", "only spans overlap"),
        ("classify", "true", "overlap-f1", "only spans overlap"),
        ("classify", "true", "mcc", "several-labels is true"),
    ];
    for (task, several, metric, says) in refused {
        let fault = judge(task, several, metric).unwrap_err().to_string();
        assert!(fault.starts_with(&format!("metric is {metric}")), "{fault}");
        assert!(fault.contains(says), "{task} {metric}: {fault}");
    }
    let Kind::Choice(all) = Field::named("metric").unwrap().kind else {
        panic!("metric is a choice");
    };
    for metric in all {
        for (task, several) in [
            ("masked-lm", "false"),
            ("classify", "false"),
            ("classify", "true"),
            ("tag", "false"),
        ] {
            let refused = refused
                .iter()
                .any(|row| (row.0, row.1, row.2) == (task, several, *metric));
            let of_classes = !["auto", "accuracy", "loss"].contains(metric);
            let refused = refused || (task == "masked-lm" && of_classes);
            assert_eq!(judge(task, several, metric).is_err(), refused, "{metric}");
        }
        let own: MetricName = serde_json::from_value((*metric).into()).unwrap();
        assert_eq!(own.word(), *metric);
    }
}

#[test]
fn masks_go_in_a_line_from_one_rate_to_the_other() {
    let config = complete();
    let rates: Vec<f64> = (0..4).map(|step| config.mask_rate_at(step, 3)).collect();
    for (rate, want) in rates.iter().zip([0.3, 0.225, 0.15, 0.15]) {
        assert!((rate - want).abs() < 1e-12, "{rates:?}");
    }
    assert_eq!(config.mask_rate_at(0, 1), 0.3);
    assert_eq!(TrainConfig::default().mask_rate_at(5, 10), 0.3);
}
