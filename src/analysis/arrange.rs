//! Arranges very many vectors so that neighbours stay neighbours, for drawing: t-SNE, of many vectors
//! with forces from a grid (FIt-SNE), whose time grows with their number and not faster.

use bhtsne::{Neighbor, tSNE};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::neighbours::{FEWEST_NEIGHBOURS, stoppable};
use crate::job::{Cancelled, Job};

/// Steps, as many as the method's author takes.
const EPOCHS: usize = 1000;

/// How many neighbours count about, as the method's author has it.
const PERPLEXITY: f32 = 30.0;

/// Of fewer vectors than this, forces are added up over a tree, which is faster then.
const FEW: usize = 3000;

/// How coarse the tree takes far vectors together, as the method's author has it.
const ACCURACY: f32 = 0.5;

/// The share of the work that finding neighbours is taken for.
const FINDING: f64 = 0.3;

/// How far the beginning is spread, small beside where it ends, and how much of that the seed decides.
const SPREAD: f32 = 1e-4;
const JITTER: f32 = 0.02;

/// Where vectors begin, and what is told on the way.
pub struct Beginning<'a> {
    /// A place for each vector, along the principal components.
    pub places: &'a [[f32; 2]],
    /// Decides what little the beginning is moved.
    pub seed: u64,
    /// Gets the places after each step: `[vectors, 2]`, row-major.
    pub told: &'a (dyn Fn(&[f32]) + Sync),
}

/// Places in which neighbours stay neighbours, of `rows` that are `width` wide and compared by their
/// distance. The same seed gives the same places. `None` for fewer than [`FEWEST_NEIGHBOURS`] vectors,
/// or where none differ.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
pub fn arrange(
    rows: &[f32],
    width: usize,
    beginning: &Beginning<'_>,
    job: &Job,
) -> Result<Option<Vec<[f32; 2]>>, Cancelled> {
    let count = beginning.places.len();
    if count < FEWEST_NEIGHBOURS || width == 0 {
        return Ok(None);
    }
    let values = beginning.places.iter().flatten();
    let most = values.fold(0.0f32, |most, own| most.max(own.abs()));
    if !(most > 0.0 && most.is_finite()) {
        return Ok(None);
    }
    let mut random = ChaCha8Rng::seed_from_u64(beginning.seed);
    let places = beginning.places.iter().flatten();
    let start: Vec<f32> = places
        .map(|own| SPREAD * (own / most + JITTER * random.random_range(-1.0..1.0)))
        .collect();
    let perplexity = PERPLEXITY.min((count - 1) as f32 / 3.0);
    // Enough neighbours for the perplexity, as the method's author has it.
    let wanted = ((3.0 * perplexity) as usize).min(count - 1);
    let near = job.within(0.0..FINDING, || neighbours(rows, width, wanted, job))?;
    let places: Vec<usize> = (0..count).collect();
    let fit = || {
        stoppable(|stop| {
            let mut map = tSNE::<f32, usize, 2>::new(&places);
            map.perplexity(perplexity)
                .epochs(EPOCHS)
                .initial_embedding(start)
                .epoch_callback(|epoch, places| {
                    (beginning.told)(places);
                    stop(job.step(epoch, EPOCHS, "steps of the map"));
                });
            match count < FEW {
                true => map.barnes_hut_with_neighbors(ACCURACY, &near),
                false => map.fit_sne_with_neighbors(&near),
            };
            map.embedding().as_chunks::<2>().0.to_vec()
        })
    };
    // The crate adds up in the order in which its threads are done, and a step magnifies the least
    // difference: only on one thread the same seed gives the same places.
    let alone = ThreadPoolBuilder::new().num_threads(1).build();
    let map = job.within(FINDING..1.0, || match alone {
        Ok(alone) => alone.install(fit),
        // No other thread can be had: this one is alone.
        Err(_) => fit(),
    })?;
    // Vectors that are too far from all others for the arithmetic leave no map.
    let whole = map.iter().flatten().all(|value| value.is_finite());
    Ok(whole.then_some(map))
}

/// Columns that are compared at once: the compiler makes vector instructions of them.
const LANES: usize = 16;

/// Rows between two looks at whether to go on.
const BLOCK: usize = 2048;

/// The `most` nearest others of each row, the nearest first and the first of equal ones first: all
/// pairs are compared.
fn neighbours(
    rows: &[f32],
    width: usize,
    most: usize,
    job: &Job,
) -> Result<Vec<Vec<Neighbor<f32>>>, Cancelled> {
    let count = rows.len() / width;
    // Column by column within tiles of rows, so that a number of one row meets those of many.
    let mut tiles = vec![0.0f32; count.div_ceil(LANES) * LANES * width];
    for (row, values) in rows.chunks_exact(width).enumerate() {
        let tile = &mut tiles[row / LANES * LANES * width..];
        for (place, &value) in values.iter().enumerate() {
            tile[place * LANES + row % LANES] = value;
        }
    }
    let mut near = Vec::with_capacity(count);
    for first in (0..count).step_by(BLOCK) {
        job.step(first, count, "vectors")?;
        let block = (first..(first + BLOCK).min(count)).into_par_iter();
        near.par_extend(block.map(|own| {
            let row = &rows[own * width..][..width];
            nearest(row, own, &tiles, count, most)
        }));
    }
    Ok(near)
}

/// The nearest of one row, among those of `tiles`.
fn nearest(
    row: &[f32],
    own: usize,
    tiles: &[f32],
    count: usize,
    most: usize,
) -> Vec<Neighbor<f32>> {
    let nearer = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(4 * most);
    let mut limit = f32::INFINITY;
    for (number, tile) in tiles.chunks_exact(LANES * row.len()).enumerate() {
        let mut distances = [0.0f32; LANES];
        let (columns, _) = tile.as_chunks::<LANES>();
        for (&value, column) in row.iter().zip(columns) {
            for lane in 0..LANES {
                let apart = column[lane] - value;
                distances[lane] += apart * apart;
            }
        }
        if distances.iter().all(|own| *own >= limit) {
            continue;
        }
        for (lane, &distance) in distances.iter().enumerate() {
            let other = number * LANES + lane;
            if distance < limit && other != own && other < count {
                best.push((distance, other as u32));
            }
        }
        if best.len() > 3 * most {
            best.select_nth_unstable_by(most - 1, nearer);
            best.truncate(most);
            limit = best[most - 1].0;
        }
    }
    best.sort_unstable_by(nearer);
    best.truncate(most);
    let neighbour = |(distance, other): (f32, u32)| Neighbor {
        index: other as usize,
        distance: distance.sqrt(),
    };
    best.into_iter().map(neighbour).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::analysis::clusters::clouds;
    use crate::job::StopFlag;

    /// Three clouds of vectors 5 wide, and where they begin.
    fn rows() -> (Vec<f32>, Vec<[f32; 2]>) {
        let rows: Vec<f32> = clouds().iter().map(|&own| own as f32).collect();
        let places = rows.chunks(5).map(|row| [row[0], row[1]]).collect();
        (rows, places)
    }

    fn beginning<'a>(places: &'a [[f32; 2]], seed: u64) -> Beginning<'a> {
        let told = &|_: &[f32]| {};
        Beginning { places, seed, told }
    }

    #[test]
    fn neighbours_stay_together_and_the_seed_decides() {
        let (rows, places) = rows();
        let map = |seed| arrange(&rows, 5, &beginning(&places, seed), &Job::silent());
        let first = map(1).unwrap().unwrap();
        let distance = |a: usize, b: usize| {
            (first[a][0] - first[b][0]).powi(2) + (first[a][1] - first[b][1]).powi(2)
        };
        for own in 0..60 {
            let nearest = (0..60).filter(|&other| other != own);
            let nearest = nearest.min_by(|&a, &b| distance(own, a).total_cmp(&distance(own, b)));
            assert_eq!(nearest.unwrap() / 20, own / 20);
        }
        assert_eq!(map(1).unwrap().unwrap(), first, "the same seed");
        assert_ne!(map(2).unwrap().unwrap(), first, "another seed");
        assert_eq!(
            arrange(&rows[..35], 5, &beginning(&places[..7], 1), &Job::silent()),
            Ok(None)
        );
        let equal = [[0.0; 2]; 60];
        assert_eq!(
            arrange(&[1.0; 300], 5, &beginning(&equal, 1), &Job::silent()),
            Ok(None)
        );
    }

    #[test]
    fn the_nearest_are_those_of_a_plain_loop() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (count, width) = (2500, 7);
        let rows: Vec<f32> = (0..count * width)
            .map(|_| random.random_range(-1.0..1.0))
            .collect();
        let found = neighbours(&rows, width, 9, &Job::silent()).unwrap();
        assert_eq!(found.len(), count);
        for own in [0, 15, 16, 2047, 2048, 2499] {
            let row = |row: usize| &rows[row * width..][..width];
            let distance = |other: usize| -> f32 {
                row(own)
                    .iter()
                    .zip(row(other))
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f32>()
                    .sqrt()
            };
            let mut want: Vec<usize> = (0..count).filter(|&other| other != own).collect();
            want.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            let found: Vec<usize> = found[own].iter().map(|own| own.index).collect();
            assert_eq!(found, want[..9], "{own}");
        }
    }

    #[test]
    fn it_stops_and_tells_where_it_is() {
        let (rows, places) = rows();
        let stop = StopFlag::default();
        let flag = stop.clone();
        let job = Job::reporting(stop, Duration::ZERO, move |progress| {
            if progress.unit == "steps of the map" && progress.done >= 100 {
                flag.stop();
            }
        });
        let told = AtomicUsize::new(0);
        let beginning = Beginning {
            told: &|places| {
                assert_eq!(places.len(), 120);
                told.fetch_add(1, Ordering::Relaxed);
            },
            ..beginning(&places, 1)
        };
        assert_eq!(arrange(&rows, 5, &beginning, &job), Err(Cancelled));
        assert_eq!(told.load(Ordering::Relaxed), 102);
    }
}
