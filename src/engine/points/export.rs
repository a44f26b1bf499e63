//! Writes points for other programs: as a table, or as notes that can be read again.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Point, PointUnit, Points};
use crate::engine::{Cancelled, Job, Note, Pooling};

/// Points that are to be written.
pub struct PointsExport {
    /// All points.
    pub points: Arc<Points>,
    /// Their notes, each with its title.
    pub notes: Vec<(String, Arc<Note>)>,
    /// Which points, by number.
    pub rows: Arc<Vec<u32>>,
    /// Where they stand: a place for each of all points.
    pub places: Arc<Vec<[f32; 2]>>,
    /// What placed them: `pca` or `tsne`.
    pub placed_by: &'static str,
    /// Where the arithmetic of that began.
    pub place_seed: u64,
    /// The model that read them.
    pub model: String,
    /// How tokens became one vector.
    pub pooling: Pooling,
    /// What decided which codes or parts of notes are among them.
    pub seed: u64,
    /// What their colours stand for, or what a person calls them: a class for each of `rows`, if it has one.
    pub classes: Vec<Option<String>>,
}

/// Columns of the table.
const COLUMNS: [&str; 16] = [
    "point",
    "of_note",
    "source",
    "start",
    "end",
    "section",
    "label",
    "class",
    "x",
    "y",
    "placed_by",
    "place_seed",
    "model",
    "pooling",
    "seed",
    "text",
];

/// What is written of a point.
struct Line<'a> {
    note: &'a str,
    source: String,
    section: &'a str,
    label: &'a str,
    text: String,
    patient: Option<&'a str>,
}

impl PointsExport {
    fn line(&self, point: &Point) -> Option<Line<'_>> {
        let name = |number: u32| {
            let name = self.points.names.get(number as usize);
            name.map_or("", String::as_str)
        };
        let (section, label) = (name(point.section), name(point.label));
        if self.points.unit == PointUnit::Code {
            let code = self.points.codes.get(point.of as usize)?;
            return Some(Line {
                note: &code.code,
                source: "ICD-10-CM".to_owned(),
                section,
                label,
                text: code.text(),
                patient: None,
            });
        }
        let (title, note) = self.notes.get(point.of as usize)?;
        Some(Line {
            note: title,
            source: note.source().to_string(),
            section,
            label,
            text: note.text().get(point.bytes())?.to_owned(),
            patient: note.details().patient.as_deref(),
        })
    }

    /// Each point with its number, what is written of it, and its class.
    fn lines(&self) -> impl Iterator<Item = (usize, &Point, Line<'_>, &str)> {
        let rows = self.rows.iter().zip(&self.classes);
        rows.filter_map(|(&row, class)| {
            let point = self.points.points.get(row as usize)?;
            let line = self.line(point)?;
            Some((row as usize, point, line, class.as_deref().unwrap_or("")))
        })
    }

    fn pooling_name(&self) -> &'static str {
        match self.pooling {
            Pooling::Cls => "cls",
            Pooling::Mean => "mean",
            Pooling::Max => "max",
        }
    }

    /// A table in CSV with the text of each point and how it was made. Offsets are bytes of the note.
    ///
    /// # Errors
    /// [`Cancelled`] when the job is stopped.
    pub fn table(&self, job: &Job) -> Result<Vec<u8>, Cancelled> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let whole = "memory takes what is written";
        writer.write_record(COLUMNS).expect(whole);
        let (seed, place_seed) = (self.seed.to_string(), self.place_seed.to_string());
        for (done, (row, point, line, class)) in self.lines().enumerate() {
            job.step(done, self.rows.len(), "points")?;
            let [x, y] = self.places.get(row).copied().unwrap_or_default();
            let numbers =
                [row, point.start as usize, point.end as usize].map(|own| own.to_string());
            let [row, start, end] = &numbers;
            let (x, y) = (x.to_string(), y.to_string());
            let record = [
                row,
                line.note,
                &line.source,
                start,
                end,
                line.section,
                line.label,
                class,
                &x,
                &y,
                self.placed_by,
                &place_seed,
                &self.model,
                self.pooling_name(),
                &seed,
                &line.text,
            ];
            writer.write_record(record).expect(whole);
        }
        Ok(writer.into_inner().unwrap_or_default())
    }

    /// A note for each point, in JSON Lines as this program reads them: its class is the note's label,
    /// and where it is from is among the fields.
    ///
    /// # Errors
    /// [`Cancelled`] when the job is stopped.
    pub fn records(&self, job: &Job) -> Result<Vec<u8>, Cancelled> {
        let mut lines = Vec::new();
        let seed = self.seed.to_string();
        for (done, (row, point, line, class)) in self.lines().enumerate() {
            job.step(done, self.rows.len(), "points")?;
            let mut fields = Map::new();
            let place = format!("{}-{}", point.start, point.end);
            for (name, value) in [
                ("of_note", line.note),
                ("of_bytes", &place),
                ("section", line.section),
                ("span_label", line.label),
                ("model", &self.model),
                ("pooling", self.pooling_name()),
                ("seed", &seed),
            ] {
                if !value.is_empty() {
                    fields.insert(name.to_owned(), Value::from(value));
                }
            }
            let labels: Vec<&str> = [class].into_iter().filter(|own| !own.is_empty()).collect();
            let mut record = json!({
                "id": format!("{}#{row}", line.note),
                "source": line.source,
                "text": line.text,
                "labels": labels,
                "offset_unit": "bytes",
                "annotations": {"spans": []},
                "fields": fields,
            });
            if let (Some(patient), Some(own)) = (line.patient, record.as_object_mut()) {
                own.insert("patient".to_owned(), Value::from(patient));
            }
            lines.extend(record.to_string().into_bytes());
            lines.push(b'\n');
        }
        Ok(lines)
    }
}
