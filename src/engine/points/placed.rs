//! Where points stand, and which are near each other in the space of their vectors.

use std::sync::{Arc, Mutex, PoisonError};

use super::Points;
use crate::analysis::arrange::{Beginning, arrange};
use crate::analysis::components::components;
use crate::analysis::vectors::nearest_to;
use crate::engine::{Cancelled, Job};

/// A point near another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similar {
    /// Its number.
    pub point: usize,
    /// The cosine of the angle between both vectors.
    pub cosine: f32,
}

/// Components in which neighbours are looked for: as many as the method's author takes, and no part of
/// 16 left over.
const COMPONENTS: usize = 48;

/// The share of the work that these components are taken for.
const REDUCING: f64 = 0.15;

/// Places on the way to where points will stand, for a look at them meanwhile. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sketch(Arc<Mutex<(u64, Vec<[f32; 2]>)>>);

impl Sketch {
    fn set(&self, places: &[f32]) {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        own.0 += 1;
        own.1.clear();
        own.1.extend_from_slice(places.as_chunks::<2>().0);
    }

    /// The places, if there are newer ones than those of the number `seen`, with their number. Empty
    /// before the first.
    pub fn newer(&self, seen: u64) -> Option<(u64, Vec<[f32; 2]>)> {
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (own.0 > seen).then(|| own.clone())
    }
}

impl Points {
    /// Places in which neighbours stay neighbours (t-SNE), for all points; `sketch` has those on the way.
    /// The same seed gives the same places. `None` where there are too few points or none differ.
    ///
    /// # Errors
    /// [`Cancelled`] when the job is stopped.
    pub fn arranged(
        &self,
        seed: u64,
        sketch: &Sketch,
        job: &Job,
    ) -> Result<Option<Vec<[f32; 2]>>, Cancelled> {
        let vectors = self.vectors();
        let found = job.within(0.0..REDUCING, || {
            components(&vectors, COMPONENTS, seed, job)
        })?;
        let beginning = Beginning {
            places: &self.plane,
            seed,
            told: &|places| sketch.set(places),
        };
        job.within(REDUCING..1.0, || {
            arrange(&found.coordinates, found.count, &beginning, job)
        })
    }

    /// The `top` points nearest to one, by the exact cosine of their vectors: the nearest first. Every
    /// point is compared. None where there is no such point.
    ///
    /// # Errors
    /// [`Cancelled`] when the job is stopped.
    pub fn near(&self, point: usize, top: usize, job: &Job) -> Result<Vec<Similar>, Cancelled> {
        if point >= self.points.len() {
            return Ok(Vec::new());
        }
        let found = nearest_to(&self.vectors(), point, top, job)?;
        let similar = found.into_iter().map(|own| Similar {
            point: own.row,
            cosine: own.score,
        });
        Ok(similar.collect())
    }
}
