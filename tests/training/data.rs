//! What a run learns from: parts, labels, text forms, leakage, and data larger than its memory.

use std::fs;
use std::path::PathBuf;

use auscult::engine::{
    DataPart, Job, LabelQuery, Ratio, Shared, SplitOptions, Tokenizer, TrainConfig, Unflat, divide,
    held_back, import,
};
use auscult::training::dataset::Dataset;
use auscult::training::example::Label;
use auscult::training::from_notes;

use crate::common::Temporary;
use crate::{bytes, config, resume, train};

fn word<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(word.into()).unwrap()
}

fn read(config: &TrainConfig) -> Result<Dataset, String> {
    let tokenizer = Tokenizer::open(&config.model).unwrap();
    let read = from_notes::read(config, &tokenizer, &Job::silent());
    read.map_err(|error| error.to_string())
}

/// A description of a run of this task on these notes; nothing is held back.
fn of(temporary: &Temporary, task: &str, train: PathBuf) -> TrainConfig {
    TrainConfig {
        task: word(task),
        validation_share: 0.0,
        ..config(temporary, "run", train)
    }
}

/// The fingerprints that the first version of this program gave the same data: a run that it began
/// goes on.
#[test]
fn examples_are_those_of_the_first_version() {
    let temporary = Temporary::new();
    let notes = "id,text,label\n1,\"She has chest pain, and no fever.\",heart\n2,He coughs for 3 days.,lung\n\
                 3,No complaints today. Blood pressure 120/80.,heart\n4,\"Dyspnea on exertion, orthopnea.\",lung\n\
                 5,Palpitations at night.,heart\n";
    let notes = temporary.file("lm.csv", notes);
    let validation = "{\"text\": \"Wheezing since Monday.\", \"label\": [\"lung\"]}\n\
                      {\"text\": \"Syncope, and cough.\", \"label\": [\"heart\", \"lung\"]}\n";
    let short = |task: &str| TrainConfig {
        max_tokens: 12,
        label: Some("label".to_owned()),
        ..of(&temporary, task, notes.clone())
    };
    let several = TrainConfig {
        several_labels: true,
        validation: vec![temporary.file("val.jsonl", validation)],
        ..short("classify")
    };
    for (config, sha256) in [
        (
            short("masked-lm"),
            "1b43d1cb69fed672a036b54f7b274788d97ac2f488d78d52d7016c84c196bc20",
        ),
        (
            short("classify"),
            "519a837c511dedc128aa357faeba18d525777b1cbe4318b7d1b73f52e4fe8010",
        ),
        (
            several,
            "5384f306a2e1ed1882759e8be291c1ae2d6e58c7e6564e68fe6404a7d6f9c859",
        ),
    ] {
        assert_eq!(read(&config).unwrap().fingerprint.examples_sha256, sha256);
    }
}

/// More notes than a MB of memory holds: examples and shingles lie in files that nobody sees.
#[test]
fn data_larger_than_memory_is_learned_to_the_same_bits() {
    let temporary = Temporary::new();
    let noun = [
        "cough", "fever", "pain", "rash", "nausea", "edema", "fatigue",
    ];
    let text = |note: usize| {
        let sentence =
            |n: usize| format!("{} {} for {} days.", noun[n % 7], noun[(n + note) % 7], n);
        (0..80).map(sentence).collect::<Vec<_>>().join(" ")
    };
    let rows: String = (0..360)
        .map(|note| format!("{note},p{},{}\n", note / 2, text(note)))
        .collect();
    let notes = temporary.file("notes.csv", format!("id,patient,text\n{rows}"));
    let small = |run: &str, data_memory| TrainConfig {
        data_memory,
        max_tokens: 128,
        batch: 1,
        steps: 4,
        evaluate_every: 4,
        validation_share: 0.01,
        test_share: 0.01,
        ..config(&temporary, run, notes.clone())
    };
    let (held, seen) = train(small("held", 1024), None);
    let held = held.unwrap();
    assert_eq!(seen.start.unwrap().data.on_disk, 0);
    let (stopped, seen) = train(small("written", 1), Some(2));
    let start = seen.start.unwrap();
    assert!(start.data.on_disk > 100_000, "{}", start.data.on_disk);
    // Texts repeat themselves every 7 notes.
    assert!(
        start
            .data
            .leaks
            .iter()
            .any(|leak| leak.shared == Shared::Text)
    );
    let run = stopped.unwrap().run;
    resume(&run, None).0.unwrap();
    for file in [
        "checkpoints/step-000000004/model/model.safetensors",
        "checkpoints/step-000000004/optimizer.safetensors",
        "data.json",
    ] {
        let same = match file {
            // How much of it lies in a file is the only thing that differs.
            "data.json" => {
                let data = |run| {
                    let mut data: serde_json::Value =
                        serde_json::from_slice(&bytes(run, file)).unwrap();
                    data["on_disk"] = 0.into();
                    data
                };
                data(&held.run) == data(&run)
            }
            _ => bytes(&held.run, file) == bytes(&run, file),
        };
        assert!(same, "{file}");
    }
    let names = |folder: &std::path::Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(temporary.path()), ["held", "notes.csv", "written"]);
    assert_eq!(names(&run), names(&held.run));
}

/// Notes of 30 patients and three labels, one of them rare.
fn visits(temporary: &Temporary) -> PathBuf {
    let row = |n: usize| {
        let label = match n % 12 {
            0 => "rare",
            n if n % 2 == 0 => "even",
            _ => "odd",
        };
        let more = "again and ".repeat(n % 5);
        format!(
            "v{n},p{},w{},Visit {more}number {n} of many.,{label}\n",
            n / 4,
            n % 7
        )
    };
    let rows: String = (0..120).map(row).collect();
    temporary.file(
        "visits.csv",
        format!("id,patient_id,ward,text,label\n{rows}"),
    )
}

#[test]
fn parts_are_those_of_notes_split() {
    let temporary = Temporary::new();
    let notes = visits(&temporary);
    let own = import(
        std::slice::from_ref(&notes),
        &Default::default(),
        &Job::silent(),
    )
    .notes;
    for (group, stratify, shares, ratio) in [
        (None, true, (0.2, 0.1), "70:20:10"),
        (None, false, (0.1, 0.0), "90:10"),
        (Some("ward"), true, (0.15, 0.3), "55:15:30"),
    ] {
        let config = TrainConfig {
            label: Some("label".to_owned()),
            validation_share: shares.0,
            test_share: shares.1,
            group: group.map(str::to_owned),
            stratify,
            seed: 7,
            ..of(&temporary, "classify", notes.clone())
        };
        let data = read(&config).unwrap();
        let options = SplitOptions {
            ratio: ratio.parse::<Ratio>().unwrap(),
            seed: 7,
            group: Some(group.unwrap_or("patient").to_owned()),
            stratify: stratify.then(LabelQuery::default),
        };
        let division = divide(&own, &options, &Job::silent()).unwrap();
        // With the bytes of each part, and its patients.
        assert_eq!(data.report.parts, division.parts, "{group:?} {ratio}");
        let sizes = [&data.train, &data.validation, &data.test].map(|part| part.len());
        assert_eq!(
            sizes,
            DataPart::ALL.map(|part| division.split.of(part).len())
        );
        assert_eq!(data.fingerprint.test_examples, sizes[2]);
        assert_eq!(data.report.leaks, division.leaks);
    }
}

#[test]
fn what_given_parts_share_is_told_before_the_first_step() {
    let temporary = Temporary::new();
    let words = |other: &str| {
        let word = |n: usize| {
            if n == 50 {
                other.to_owned()
            } else {
                format!("word{n}")
            }
        };
        (0..100).map(word).collect::<Vec<_>>().join(" ")
    };
    let rows = |rows: &[(&str, &str, &str)]| {
        let rows = rows
            .iter()
            .map(|(patient, text, label)| format!("{patient},{text},{label}\n"));
        format!("patient_id,text,label\n{}", rows.collect::<String>())
    };
    let long = [words("zyxone"), words("zyxtwo")];
    let train_rows = rows(&[
        ("p1", "zyxa chest pain", "a"),
        ("p2", &long[0], "b"),
        ("p3", "zyxc", "a"),
    ]);
    let validation = rows(&[("p4", "ZYXA  chest pain", "a"), ("p5", &long[1], "b")]);
    let test = rows(&[("p3", "zyxd other", "new")]);
    let config = TrainConfig {
        validation: vec![temporary.file("validation.csv", validation)],
        test: vec![temporary.file("test.csv", test)],
        label: Some("label".to_owned()),
        steps: 1,
        evaluate_every: 1,
        ..of(
            &temporary,
            "classify",
            temporary.file("train.csv", train_rows),
        )
    };
    let (report, seen) = train(config, None);
    let (report, start) = (report.unwrap(), seen.start.unwrap());
    assert_eq!((report.examples, start.test), ([3, 2], 1));
    let found: Vec<_> = (start.data.leaks.iter())
        .map(|leak| (leak.shared, leak.part, leak.other_part))
        .collect();
    use DataPart::{Test, Train, Validation};
    let want = [
        (Shared::Text, Validation, Train),
        (Shared::NearText, Validation, Train),
        (Shared::Group, Test, Train),
    ];
    assert_eq!(found, want);
    assert_eq!(start.data.unlearned, ["new"]);
    let counts: Vec<usize> = start
        .data
        .parts
        .iter()
        .map(|part| part.labels[0].notes)
        .collect();
    assert_eq!(counts, [2, 1, 0]);
    let written = String::from_utf8(bytes(&report.run, "data.json")).unwrap();
    let data: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(data["leaks"].as_array().unwrap().len(), 3);
    assert_eq!(data["parts"][2]["notes"], 1);
    assert!(!written.to_lowercase().contains("zyx"), "{written}");
    let shown = format!("{:?}", start.data).to_lowercase();
    assert!(!shown.contains("zyx"), "{shown}");
}

#[test]
fn tokens_are_labelled_by_words_and_what_is_nested_gives_way() {
    let temporary = Temporary::new();
    let text = "no metformin-induced acidosis";
    let lines = [
        serde_json::json!({"text": text, "label": [[3, 29, "PROBLEM"], [3, 12, "DRUG"]]}),
        serde_json::json!({"text": "aspirin", "label": [[0, 7, "DRUG"]]}),
    ];
    let notes = temporary.file("notes.jsonl", lines.map(|line| line.to_string()).join("\n"));
    let data = read(&of(&temporary, "tag", notes)).unwrap();
    assert_eq!(
        data.labels,
        ["O", "B-DRUG", "I-DRUG", "B-PROBLEM", "I-PROBLEM"]
    );
    assert_eq!(data.report.unflat[&Unflat::Overlap], 1);
    let labels = |at: usize| match &data.train.read([at]).unwrap()[0].label {
        Label::Tokens(labels) => labels.iter().copied().filter(|label| *label >= 0).collect(),
        _ => Vec::new(),
    };
    // One label for each word, on its first token: no, metformin-induced, acidosis.
    assert_eq!(labels(0), [0, 3, 4]);
    assert_eq!(labels(1), [1]);
    let sub_words = data.train.read([0]).unwrap()[0].ids.len();
    assert!(sub_words > 5, "{sub_words}");
}

#[test]
fn texts_are_made_of_columns_and_cells_hold_several_labels() {
    let temporary = Temporary::new();
    let rows = "code\tdescription\tchapter\nE11\tDiabetes\t4;10\nE12\tAcidosis\t4\nI10\tHypertension\t9\nI11\t\t9\n";
    let form = TrainConfig {
        form: Some("ICD 10 code for {code}: {description}".to_owned()),
        label: Some("chapter".to_owned()),
        separator: Some(";".to_owned()),
        several_labels: true,
        ..of(&temporary, "classify", temporary.file("codes.tsv", rows))
    };
    let data = read(&form).unwrap();
    assert_eq!(data.labels, ["4", "9", "10"]);
    let first = &data.train.read([0]).unwrap()[0];
    assert!(first.label == Label::Classes(vec![1.0, 0.0, 1.0]));
    let tokenizer = Tokenizer::open(&form.model).unwrap();
    let want = tokenizer
        .encode("ICD 10 code for E11: Diabetes")
        .unwrap()
        .ids;
    assert_eq!(first.ids, want);
    let [left_out] = &data.left_out[..] else {
        panic!("{:?}", data.left_out);
    };
    assert!(
        left_out.ends_with("codes.tsv:5: left out, since it has no \"description\""),
        "{left_out}"
    );
}

#[test]
fn what_is_wrong_with_the_data_is_said_with_its_place() {
    let temporary = Temporary::new();
    let notes = visits(&temporary);
    let good = || TrainConfig {
        label: Some("label".to_owned()),
        ..of(&temporary, "classify", notes.clone())
    };
    for (wrong, says) in [
        (
            TrainConfig {
                group: Some("hospital".to_owned()),
                ..good()
            },
            "group: no note has a column \"hospital\"; there are: ",
        ),
        (
            TrainConfig {
                form: Some("{text} {dose}".to_owned()),
                ..good()
            },
            "form: the text form names {dose}, and no note has a column \"dose\"",
        ),
        (
            TrainConfig {
                label: Some("class".to_owned()),
                ..good()
            },
            "there is no column \"class\"",
        ),
        (
            TrainConfig {
                max_tokens: 2,
                ..good()
            },
            "max-tokens: ",
        ),
        (
            TrainConfig {
                test: vec![temporary.path().join("nothing.csv")],
                ..good()
            },
            "nothing.csv",
        ),
    ] {
        let error = read(&wrong).unwrap_err();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains("Visit"), "{error}");
    }
    let few = TrainConfig {
        validation_share: 0.1,
        train: vec![temporary.file("few.csv", "text,label\nyes,a\nno,b\n")],
        ..good()
    };
    let data = read(&few).unwrap();
    assert_eq!(
        (data.train.len(), data.report.empty),
        (2, vec![DataPart::Validation])
    );
}

#[test]
fn notes_that_came_later_are_not_taken_for_those_that_were_held_back() {
    let temporary = Temporary::new();
    let folder = temporary.path().join("visits");
    std::fs::create_dir(&folder).unwrap();
    let file = |name: &str, from: usize| {
        let rows: String = (from..from + 16)
            .map(|row| format!("{row},She has cough for {row} days and no fever.,lung\n"))
            .collect();
        std::fs::write(folder.join(name), format!("id,text,label\n{rows}")).unwrap();
    };
    file("a.csv", 0);
    let config = TrainConfig {
        test_share: 0.25,
        ..config(&temporary, "run", folder.clone())
    };
    let run = train(config, None).0.unwrap().run;
    let held = held_back(&run, &Job::silent()).unwrap();
    assert_eq!((held.validation.len(), held.test.len()), (3, 4));
    file("b.csv", 100);
    let said = held_back(&run, &Job::silent()).unwrap_err().to_string();
    assert!(said.contains("b.csv was not there"), "{said}");
    std::fs::rename(folder.join("b.csv"), folder.join("a.csv")).unwrap();
    let said = held_back(&run, &Job::silent()).unwrap_err().to_string();
    assert!(said.contains("a.csv is not as it was"), "{said}");
    file("a.csv", 0);
    assert_eq!(held_back(&run, &Job::silent()).unwrap().test.len(), 4);
}
