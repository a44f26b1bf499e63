//! Taggers are judged by their spans.

use super::*;

#[test]
fn a_tagger_is_judged_by_its_spans() {
    let temporary = Temporary::new();
    let model = spelling("token-classification", &temporary);
    let folder = temporary.path().join("notes");
    fs::create_dir(&folder).unwrap();
    for number in 0..4 {
        fs::write(folder.join(format!("{number}.txt")), words(number)).unwrap();
    }
    let tagged = lines(&["tag", "--model", path(&model), path(&folder)]);
    let (mut spans, mut kinds) = (0, Vec::new());
    for (number, note) in tagged.iter().enumerate() {
        let mut ann = String::new();
        for (index, span) in note["spans"].as_array().unwrap().iter().enumerate() {
            let (kind, text) = (
                span["label"].as_str().unwrap(),
                span["text"].as_str().unwrap(),
            );
            ann += &format!(
                "T{}\tTheir-{kind} {} {}\t{text}\n",
                index + 1,
                span["start"],
                span["end"]
            );
            spans += 1;
            kinds.push(kind.to_owned());
        }
        fs::write(folder.join(format!("{number}.ann")), ann).unwrap();
    }
    kinds.sort();
    kinds.dedup();
    assert!(spans > 3 && !kinds.is_empty(), "the model marks something");
    let map: Vec<String> = kinds
        .iter()
        .map(|kind| format!("Their-{kind}={kind}"))
        .collect();
    let arguments = ["evaluate", "--model", path(&model), path(&folder)];
    let mapped = map.iter().flat_map(|map| ["--map", map.as_str()]);
    let all: Vec<&str> = arguments.iter().copied().chain(mapped).collect();
    let report = &lines(&all)[0];
    assert_eq!(report["result"]["task"], "spans");
    for matching in ["exact", "overlap"] {
        assert_eq!(report["result"][matching]["micro"]["f1"], 1.0, "{matching}");
    }
    let counts = |part: &str| {
        let notes = report["notes"].as_array().unwrap().iter();
        notes
            .map(|note| note["exact"][part].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((counts("right"), counts("there")), (spans, spans));
    // A true span that begins one byte later is still found, but not exactly.
    let file = folder.join("0.ann");
    let ann = fs::read_to_string(&file).unwrap();
    let first = ann.lines().next().unwrap();
    let cells: Vec<&str> = first.split('\t').collect();
    let mut place = cells[1].split(' ');
    let (kind, start) = (
        place.next().unwrap(),
        place.next().unwrap().parse::<usize>().unwrap(),
    );
    let moved = format!(
        "T1\t{kind} {} {}\t{}",
        start + 1,
        place.next().unwrap(),
        &cells[2][1..]
    );
    fs::write(&file, ann.replace(first, &moved)).unwrap();
    let moved = &lines(&all)[0];
    assert_eq!(moved["result"]["overlap"]["micro"]["f1"], 1.0);
    let exact = moved["result"]["exact"]["micro"]["recall"]
        .as_f64()
        .unwrap();
    assert!(
        (exact - (spans - 1) as f64 / spans as f64).abs() < 1e-12,
        "{exact}"
    );
    // Each of them is told of with the mark that stands for it.
    let pairs = moved["notes"][0]["pairs"].as_array().unwrap();
    let apart: Vec<_> = (pairs.iter())
        .filter(|own| own["truth"]["pieces"] != own["marked"]["pieces"])
        .collect();
    assert_eq!(apart.len(), 1, "{pairs:?}");
    let pieces = |side: &str| apart[0][side]["pieces"][0].clone();
    assert_eq!(pieces("truth")[0], start + 1);
    assert_eq!(pieces("marked")[0], start);
    assert_eq!(pieces("truth")[1], pieces("marked")[1]);

    let said = refused(&arguments, 2);
    assert!(said.contains("--map") && said.contains("PROBLEM"), "{said}");
    let other = temporary.file("other.txt", "zyx and nothing else");
    for (more, what) in [
        (
            ["--validation", path(&other)],
            "neither threshold nor temperature",
        ),
        (
            ["--validation", path(&folder)],
            "text of one in the validation part",
        ),
        (["--positive", "DRUG"], "no positive class"),
        (["--separator", ";"], "not by labels"),
        (["--map", "DRUG=NONE"], "marks no \"NONE\""),
    ] {
        let said = refused(&[&all[..], &more].concat(), 2);
        assert!(said.contains(what), "{said}");
    }
}
