//! Tiled flash attention and its gradient: `shaders/attention_{forward,grad_q,grad_kv}.wgsl`.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::DType;
use burn::backend::wgpu::{CubeTensor, into_contiguous};

use super::attention_rows::{AttentionRows, RowsPass};
use super::catalogue::{Variant, shader};
use super::launch::{Use, call_numbers, count, elem, empty, launch};
use super::source::{Elem, Shader, ShaderFile, Source, shader_file};
use super::tiling::{Tiling, abilities, choice};
use crate::kernels::attention::{AttentionCall, HeadMix, blocks};
use crate::kernels::ops::AttentionParts;
use crate::kernels::sequences::Sequences;

call_numbers! {
    struct Call {
        tokens: u32,
        heads: u32,
        half_window: u32,
        scale: f32,
    }
}

/// The shader's `Call` goes on with its tiles.
pub(super) const CALL: &[&str] = Call::FIELDS;

/// A kernel that works on tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    Forward,
    GradQ,
    GradKv,
}

impl Pass {
    pub(super) const ALL: [Self; 3] = [Self::Forward, Self::GradQ, Self::GradKv];

    fn file(self) -> ShaderFile {
        match self {
            Self::Forward => shader_file!("attention_forward"),
            Self::GradQ => shader_file!("attention_grad_q"),
            Self::GradKv => shader_file!("attention_grad_kv"),
        }
    }
}

/// All that the text of a tiled kernel depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AttentionTiles {
    pub(super) pass: Pass,
    pub(super) elem: Elem,
    /// A multiple of 4.
    pub(super) head_dim: u32,
    /// Rows that a workgroup owns.
    pub(super) rows: u32,
    /// Rows that it visits at a time.
    pub(super) columns: u32,
    /// Invocations along its rows, and along columns or the head.
    pub(super) row_threads: u32,
    pub(super) column_threads: u32,
    /// Whether rows are reduced by subgroup operations; the forward pass alone reduces any.
    pub(super) subgroups: bool,
    /// Whether other columns of the same rows came before. A variant, since reading the results
    /// back costs a third of the time on lavapipe even where it does not happen.
    pub(super) continued: bool,
}

impl AttentionTiles {
    /// The largest tiles that fit.
    pub(super) fn new(pass: Pass, elem: Elem, head_dim: u32, tiling: Tiling) -> Self {
        let (row_threads, column_threads) = match tiling {
            Tiling::Small => (8, 8),
            Tiling::Heavy if pass == Pass::Forward => (8, 4),
            Tiling::Heavy => (4, 4),
            Tiling::Wide => (16, 8),
        };
        // The invocations of a row divide its quarters among them.
        let divisor = 1 << (head_dim / 4).trailing_zeros();
        let mut tiles = Self {
            pass,
            elem,
            head_dim,
            rows: 64,
            columns: 32,
            row_threads,
            column_threads: divisor.min(column_threads),
            subgroups: false,
            continued: false,
        };
        while tiles.memory() as usize * 16 > tiling.workgroup_bytes() {
            match tiles.rows > tiles.columns {
                true => tiles.rows /= 2,
                false => tiles.columns /= 2,
            }
        }
        // An invocation has at least four rows and one column.
        tiles.column_threads = tiles.column_threads.min(tiles.columns);
        tiles.row_threads = tiles.row_threads.min(tiles.rows / 4);
        tiles
    }

    /// The same with subgroup operations, or without.
    pub(super) fn with_subgroups(self, subgroups: bool) -> Self {
        Self { subgroups, ..self }
    }

    /// Quarters (16 bytes) of workgroup memory: tiles, and a block of weights.
    fn memory(self) -> u32 {
        let (rows, columns) = match self.pass {
            Pass::Forward => (self.rows, self.columns),
            Pass::GradQ | Pass::GradKv => (2 * self.rows, self.columns),
        };
        (rows + columns) * (self.head_dim / 4) + self.rows * self.columns / 4
    }

    pub(super) fn compose(self) -> Shader {
        // The exclusive or must not leave the row it acts in.
        let swizzle = |width: u32| (1 << width.trailing_zeros().min(3)) - 1;
        let source = Source::new(self.pass.file(), self.row_threads * self.column_threads)
            .elem(self.elem)
            .switch("CONTINUED", self.continued)
            .constant("HEAD_DIM", self.head_dim)
            .constant("ROWS", self.rows)
            .constant("COLUMNS", self.columns)
            .constant("ROW_THREADS", self.row_threads)
            .constant("COLUMN_THREADS", self.column_threads)
            .constant("SWIZZLE", swizzle(self.head_dim / 4))
            .constant("ROW_SWIZZLE", swizzle(self.rows / 4))
            .constant("MEMORY", self.memory())
            .shared(shader_file!("shared/visible"))
            .shared(shader_file!("shared/attention_tile"));
        match (self.pass, self.subgroups) {
            (Pass::Forward, false) => source.shared(shader_file!("shared/across_memory")),
            (Pass::Forward, true) => source
                .subgroups()
                .shared(shader_file!("shared/across_subgroup")),
            (Pass::GradQ | Pass::GradKv, _) => {
                source.shared(shader_file!("shared/attention_gradient"))
            }
        }
        .compose()
    }

    /// What each workgroup owns and visits, the longest first: at first up to `most` columns of each
    /// tile, then the next, until all are visited.
    fn table(self, call: &AttentionCall, most: usize) -> Vec<Vec<Tile>> {
        let mut rounds: Vec<Vec<Tile>> = vec![Vec::new()];
        for (rows, sequence) in pieces(&call.sequences, self.rows as usize) {
            let reach = call.reach(&rows, &sequence);
            let most = most.min(reach.len()).max(1);
            for (round, columns) in blocks(reach, most).enumerate() {
                if rounds.len() == round {
                    rounds.push(Vec::new());
                }
                let rows = rows.clone();
                rounds[round].push(Tile { rows, columns });
            }
        }
        for tiles in &mut rounds {
            tiles.sort_by_key(|tile| std::cmp::Reverse(tile.columns.len()));
        }
        rounds
    }

    /// Columns that one invocation may visit where all rounds of its loops together are limited: half
    /// of what fits if compilers unroll the loops over an invocation's own numbers.
    fn columns_of_rounds(self, rounds: u32) -> usize {
        let quarters = self.head_dim / 4;
        let threads = self.row_threads * self.column_threads;
        let load = (self.columns * quarters).div_ceil(threads);
        let [loads, products, additions] = match self.pass {
            Pass::Forward => [2, 1, 1],
            Pass::GradQ => [2, 2, 1],
            Pass::GradKv => [3, 2, 2],
        };
        let each = loads * load + products * quarters + additions * self.columns;
        (rounds / (2 * each)).max(1) as usize * self.columns as usize
    }

    /// Runs the kernel over all tiles and heads.
    fn run(self, call: &AttentionCall, tensors: &[Use], rounds: Option<u32>) {
        let of_round = |continued| shader(Variant::Attention(Self { continued, ..self }));
        self.dispatch(&of_round, call, tensors, rounds);
    }

    /// The same with a text of one's own.
    #[cfg(test)]
    pub(super) fn run_shader(self, shader: &Arc<Shader>, call: &AttentionCall, tensors: &[Use]) {
        self.dispatch(&|_| Arc::clone(shader), call, tensors, None);
    }

    fn dispatch(
        self,
        of_round: &dyn Fn(bool) -> Arc<Shader>,
        call: &AttentionCall,
        tensors: &[Use],
        rounds: Option<u32>,
    ) {
        let most = tensors.first().map_or(usize::MAX, |tensor| {
            choice(tensor.tensor()).attention_per_dispatch
        });
        let columns = rounds.map_or(usize::MAX, |rounds| self.columns_of_rounds(rounds));
        let mut tensors = tensors.to_vec();
        for (round, tiles) in self.table(call, columns).iter().enumerate() {
            let shader = of_round(round > 0);
            for part in parts(tiles, call.heads.width(), most) {
                let numbers = Call {
                    tokens: count(call.sequences.tokens()),
                    heads: count(call.heads.heads),
                    half_window: half_window(call),
                    scale: call.scale,
                };
                let mut words = numbers.words();
                let bounds = |tile: &Tile| {
                    let Tile { rows, columns } = tile;
                    [rows.start, rows.end, columns.start, columns.end].map(count)
                };
                words.extend(part.iter().flat_map(bounds));
                let grid = [count(part.len()), numbers.heads, 1];
                launch(&shader, &tensors, &words, grid);
                tensors = tensors.into_iter().map(Use::again).collect();
            }
        }
    }
}

/// lavapipe ends all loops of an invocation after 65,535 rounds together, and goes on with what there
/// is by then.
const SOFTWARE_ROUNDS: u32 = 65_000;

/// Rows of the packed batch: those a workgroup owns, and those it visits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Every sequence in pieces of at most `rows` rows, each with its sequence.
fn pieces(
    sequences: &Sequences,
    rows: usize,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
    sequences.ranges().flat_map(move |sequence| {
        blocks(sequence.clone(), rows).map(move |piece| (piece, sequence.clone()))
    })
}

/// A grid has no more workgroups in one direction.
const MOST_TILES: usize = 65_535;

/// The tiles in parts that are one dispatch each, of at most `most` pairs times the width of all
/// heads, or one tile.
fn parts(tiles: &[Tile], width: usize, most: usize) -> Vec<&[Tile]> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut work = 0;
    for (index, tile) in tiles.iter().enumerate() {
        let own = tile.rows.len() * tile.columns.len() * width;
        if index > start && (work + own > most || index - start == MOST_TILES) {
            parts.push(&tiles[start..index]);
            start = index;
            work = 0;
        }
        work += own;
    }
    if start < tiles.len() {
        parts.push(&tiles[start..]);
    }
    parts
}

/// The window as shaders have it: the largest number means that there is none.
pub(super) fn half_window(call: &AttentionCall) -> u32 {
    call.half_window
        .map_or(u32::MAX, |half| u32::try_from(half).unwrap_or(u32::MAX))
}

/// The kernels of one attention call: which tiles each pass works on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    elem: Elem,
    head_dim: u32,
    forward: Tiling,
    subgroups: bool,
    gradient: Tiling,
    /// What all loops of an invocation may do together, where that is limited.
    rounds: Option<u32>,
}

impl Attention {
    /// `None` if there is no kernel for such heads, or numbers of this type, or the device does
    /// better without.
    pub(super) fn for_tensor(qkv: &CubeTensor, call: &AttentionCall) -> Option<Self> {
        let elem = elem(qkv)?;
        let choice = choice(qkv);
        let forward = choice.attention?;
        let head_dim = count(call.heads.head_dim);
        let supported = (4..=128).contains(&head_dim) && head_dim.is_multiple_of(4);
        supported.then_some(Self {
            elem,
            head_dim,
            forward,
            subgroups: choice.attention_subgroups,
            gradient: choice.attention_grad,
            rounds: abilities(&qkv.device).software.then_some(SOFTWARE_ROUNDS),
        })
    }

    /// The same in another form.
    #[cfg(test)]
    pub(super) fn in_form(self, tiling: Tiling, subgroups: bool) -> Self {
        Self {
            forward: tiling,
            subgroups,
            gradient: tiling,
            ..self
        }
    }

    /// The same with so few rounds that columns come in several dispatches.
    #[cfg(test)]
    pub(super) fn in_rounds(self, rounds: u32) -> Self {
        Self {
            rounds: Some(rounds),
            ..self
        }
    }

    fn tiles(self, pass: Pass) -> AttentionTiles {
        let tiling = match pass {
            Pass::Forward => self.forward,
            Pass::GradQ | Pass::GradKv => self.gradient,
        };
        let tiles = AttentionTiles::new(pass, self.elem, self.head_dim, tiling);
        tiles.with_subgroups(self.subgroups && pass == Pass::Forward)
    }

    fn rows(self, pass: RowsPass) -> AttentionRows {
        AttentionRows {
            pass,
            elem: self.elem,
            head_dim: self.head_dim,
        }
    }

    pub(super) fn forward<B>(self, qkv: CubeTensor, call: &AttentionCall) -> AttentionParts<B>
    where
        B: burn::backend::Backend<FloatTensorPrimitive = CubeTensor>,
    {
        let qkv = into_contiguous(qkv);
        let tokens = call.sequences.tokens();
        let out = empty(&qkv, [tokens, call.heads.width()], qkv.dtype);
        let stats = empty(&qkv, [2, call.heads.heads, tokens], DType::F32);
        let tensors = [Use::Read(&qkv), Use::Write(&out), Use::Write(&stats)];
        self.tiles(Pass::Forward).run(call, &tensors, self.rounds);
        AttentionParts { out, stats }
    }

    pub(super) fn backward(
        self,
        [qkv, out, stats, d_out]: [CubeTensor; 4],
        call: &AttentionCall,
    ) -> CubeTensor {
        let [qkv, out, stats, d_out] = [qkv, out, stats, d_out].map(into_contiguous);
        let tokens = call.sequences.tokens();
        let delta = empty(&qkv, [call.heads.heads, tokens], DType::F32);
        self.rows(RowsPass::Delta)
            .delta([&out, &d_out, &delta], call);
        let d_qkv = empty(&qkv, [tokens, 3 * call.heads.width()], qkv.dtype);
        let uses = [Use::Write(&d_qkv), Use::Write(&d_qkv).again()];
        for (pass, d_qkv) in [Pass::GradQ, Pass::GradKv].into_iter().zip(uses) {
            let tensors = [
                Use::Read(&qkv),
                Use::Read(&d_out),
                Use::Read(&stats),
                Use::Read(&delta),
                d_qkv,
            ];
            self.tiles(pass).run(call, &tensors, self.rounds);
        }
        d_qkv
    }

    pub(super) fn probabilities(
        self,
        [qkv, stats]: [CubeTensor; 2],
        call: &AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> CubeTensor {
        let [qkv, stats] = [qkv, stats].map(into_contiguous);
        let out = empty(
            &qkv,
            [call.heads.heads, queries.len(), keys.len()],
            DType::F32,
        );
        self.rows(RowsPass::Probabilities)
            .probabilities([&qkv, &stats, &out], call, queries, keys);
        out
    }

    /// A tile of all heads, mixed, together with what is in `mixed`.
    pub(super) fn mixed(
        self,
        [mixed, qkv, stats]: [CubeTensor; 3],
        call: &AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
        mix: &HeadMix,
    ) -> CubeTensor {
        let [mixed, qkv, stats] = [mixed, qkv, stats].map(into_contiguous);
        let mixed = if mixed.can_mut() { mixed } else { mixed.copy() };
        self.rows(RowsPass::Mixed)
            .mixed([&qkv, &stats, &mixed], call, queries, keys, mix);
        mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::sequences::HeadShape;

    #[test]
    fn long_work_is_split_and_nothing_is_lost() {
        let heads = HeadShape {
            heads: 2,
            head_dim: 16,
        };
        let lengths = Sequences::from_lengths(&[300, 0, 1, 70]);
        for half_window in [None, Some(9)] {
            let call = AttentionCall::new(heads, lengths.clone(), half_window);
            let tiles = AttentionTiles::new(Pass::Forward, Elem::F32, 16, Tiling::Small);
            let rounds = tiles.table(&call, usize::MAX);
            let [table] = rounds.as_slice() else {
                panic!("{} rounds", rounds.len());
            };
            let rows: usize = table.iter().map(|tile| tile.rows.len()).sum();
            assert_eq!(rows, 371);
            let longest = |pair: &[Tile]| pair[0].columns.len() >= pair[1].columns.len();
            assert!(table.windows(2).all(longest));
            for most in [1, 200_000, usize::MAX] {
                let parts = parts(table, heads.width(), most);
                assert_eq!(parts.concat(), *table);
                for part in &parts {
                    let work = |tile: &Tile| tile.rows.len() * tile.columns.len() * heads.width();
                    let sum: usize = part.iter().map(work).sum();
                    assert!(sum <= most || part.len() == 1, "{sum} of {most}");
                }
                assert_eq!(parts.len() == 1, most == usize::MAX, "{most}");
            }
        }
    }
    #[test]
    fn columns_come_in_rounds_and_each_once() {
        let heads = HeadShape {
            heads: 1,
            head_dim: 16,
        };
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[300, 70, 5]), None);
        let tiles = AttentionTiles::new(Pass::Forward, Elem::F32, 16, Tiling::Small);
        let rounds = tiles.table(&call, 64);
        assert_eq!(rounds.len(), 5);
        for whole in &tiles.table(&call, usize::MAX)[0] {
            let own = rounds
                .iter()
                .flatten()
                .filter(|tile| tile.rows == whole.rows);
            let columns: Vec<usize> = own.flat_map(|tile| tile.columns.clone()).collect();
            assert_eq!(columns, whole.columns.clone().collect::<Vec<_>>());
        }
    }
}
