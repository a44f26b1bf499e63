//! Search and attention: what they print, their other forms, and what they refuse.

use crate::common::{Temporary, bundled_note, fixture};
use crate::{auscult, cell, fails, lines, number, path, succeeds, table, text};

#[test]
fn search_ranks_and_finds_the_note_it_was_given_under_every_name() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let a = temporary.file("a.txt", "Chest pain on exertion.");
    temporary.file(
        "b.csv",
        "id,text\nV-1,Chest pain at rest.\nV-2,No pain at all.\n",
    );
    let folder = path(temporary.path());
    let search = ["search", "--model", path(&tiny), folder];
    let query = |query| [&search[..], &["--query", query]].concat();
    let found = lines(&query("Chest pain on exertion."));
    assert!(found.len() == 3 && found[0]["rank"] == 1, "{found:?}");
    assert!((number(&found[0]["score"]) - 1.0).abs() < 1e-6, "{found:?}");
    assert_eq!(
        (&found[0]["read"], &found[0]["windows"]),
        (&"whole".into(), &1.into())
    );
    let rows = table(&query("pain"));
    assert_eq!((rows.len(), cell(&rows, 1, "read")), (4, "whole"));
    assert!(succeeds(&query("pain")).contains("3 notes compared"));

    let long = [
        &query("chest pain on exertion and at rest")[..],
        &["--max-tokens", "6"],
    ]
    .concat();
    let stderr = auscult(&long).stderr;
    assert!(
        text(&stderr).contains("longer than the model"),
        "{}",
        text(&stderr)
    );

    // Another spelling of the same path, and the name of a row as results print it.
    let own = temporary.path().file_name().unwrap();
    let other = temporary.path().join("..").join(own).join("a.txt");
    let row = format!("{folder}/b.csv#V-2");
    for (like, others) in [
        (path(&a), ["#V-1", "#V-2"]),
        (path(&other), ["#V-1", "#V-2"]),
        (&row, ["a.txt", "#V-1"]),
    ] {
        let found = lines(&[&search[..], &["--like", like]].concat());
        let names: Vec<&str> = found
            .iter()
            .map(|hit| hit["note"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), 2, "{like}: {names:?}");
        for other in others {
            assert!(
                names.iter().any(|name| name.ends_with(other)),
                "{like}: {names:?}"
            );
        }
    }
    // A note of a file that is not searched.
    let elsewhere = ["search", "--model", path(&tiny), path(&a), "--like", &row];
    assert_eq!(lines(&elsewhere).len(), 1);
    let alone = auscult(&[
        "search",
        "--model",
        path(&tiny),
        path(&a),
        "--like",
        path(&a),
    ]);
    assert!(text(&alone.stdout).contains("0 notes compared"));
    assert!(
        text(&alone.stderr).contains("is left out"),
        "{}",
        text(&alone.stderr)
    );
    let whole = temporary.path().join("b.csv");
    fails(
        &[&search[..], &["--like", path(&whole)]].concat(),
        1,
        "there are 2",
    );
    fails(
        &[&search[..], &["--like", "none.txt"]].concat(),
        1,
        "none of the notes",
    );
}

#[test]
fn attention_is_a_row_or_a_matrix() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let note = temporary.file("note.txt", "No fever. Cough for three days.");
    let ask = [
        "attention",
        "--model",
        path(&tiny),
        path(&note),
        "--word",
        "fever",
    ];
    let found = lines(&ask).remove(0);
    let items = found["items"].as_array().unwrap();
    let sum: f64 = items.iter().map(|item| number(&item["value"])).sum();
    assert!(
        (sum + number(&found["outside"]) - 1.0).abs() < 1e-5,
        "{found}"
    );
    let rows = table(&ask);
    assert_eq!(
        (rows.len(), cell(&rows, 1, "text")),
        (items.len() + 1, "No")
    );
    assert_eq!(cell(&rows, 1, "read"), "whole");
    assert!(succeeds(&ask).contains("⟦fever⟧ looks at"));

    let flow = ["attention", "--model", path(&tiny), "--flow"];
    let own = [&flow[..], &[path(&note)]].concat();
    let units = items.len();
    assert_eq!(table(&own).len(), units * units + 1);
    let shown = succeeds(&own);
    let places = |line: &str| line.contains("→") && line.matches("..").count() == 2;
    assert!(shown.lines().any(places), "{shown}");
    let first = lines(&own).remove(0)["units"][0].clone();
    assert_eq!(
        first,
        serde_json::json!({"start": 0, "end": 2, "tokens": 2})
    );
    let out = temporary.path().join("flow.npy");
    succeeds(&[&own[..], &["--out", path(&out)]].concat());
    let bytes = std::fs::read(&out).unwrap();
    let matrix = lines(&own).remove(0)["matrix"].clone();
    let values = bytes[bytes.len() - 4 * units * units..].chunks_exact(4);
    for (own, value) in values.zip(matrix.as_array().unwrap()) {
        assert_eq!(
            f32::from_le_bytes(own.try_into().unwrap()),
            number(value) as f32
        );
    }

    let second = bundled_note("progress-note.txt");
    let two = [&own[..], &[path(&second)]].concat();
    fails(
        &[&two[..], &["--out", path(&out)]].concat(),
        2,
        "there are 2 notes",
    );
    fails(&[&own[..], &["--reduce", "max"]].concat(), 2, "--reduce");
    fails(
        &[&own[..], &["--direction", "looks-at"]].concat(),
        2,
        "--direction",
    );
    fails(
        &[
            "attention",
            "--model",
            path(&tiny),
            path(&note),
            "--word",
            "",
        ],
        2,
        "no word",
    );
}

#[test]
fn a_model_is_written_in_half_the_space() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let out = temporary.path().join("small");
    let arguments = [
        "models",
        "convert",
        "--model",
        path(&tiny),
        "--dtype",
        "bf16",
    ];
    fails(&arguments, 2, "--out DIR names the new folder");
    let printed = succeeds(&[&arguments[..], &["--out", path(&out)]].concat());
    assert!(
        printed.contains("bfloat16") && printed.contains("rounded"),
        "{printed}"
    );
    let weights = |folder: &std::path::Path| {
        let file = folder.join("model.safetensors");
        file.metadata().unwrap().len() as f64
    };
    assert!(weights(&out) < 0.55 * weights(&tiny));
    let checked = succeeds(&["models", "check", path(&out)]);
    assert!(checked.contains("all tensors match"), "{checked}");
    let again = [&arguments[..], &["--out", path(&out)]].concat();
    fails(&again, 1, "already and not empty");
}
