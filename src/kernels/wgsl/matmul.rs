//! The products of linear layers: `shaders/matmul.wgsl`.

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeTensor, into_contiguous};

use super::catalogue::{Variant, shader};
use super::launch::{Use, call_numbers, count, elem, empty, launch};
use super::source::{Elem, Shader, Source, shader_file};
use super::tiling::{Tiling, abilities, choice};

call_numbers! {
    struct Call {
        rows: u32,
        columns: u32,
        depth: u32,
        first_row: u32,
    }
}

pub(super) const CALL: &[&str] = Call::FIELDS;

/// Which product; the names are those of the shader's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// `x Wᵀ`.
    Forward,
    /// `dY W`.
    GradX,
    /// `dYᵀ x`.
    GradWeight,
}

impl Form {
    pub(super) const ALL: [Self; 3] = [Self::Forward, Self::GradX, Self::GradWeight];

    /// Rows, columns and depth of the product of two stored matrices.
    fn shape(self, a: [usize; 2], b: [usize; 2]) -> [usize; 3] {
        match self {
            Self::Forward => [a[0], b[0], a[1]],
            Self::GradX => [a[0], b[1], a[1]],
            Self::GradWeight => [a[1], b[1], a[0]],
        }
    }
}

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Matmul {
    pub(super) form: Form,
    pub(super) elem: Elem,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) depth: u32,
    pub(super) row_threads: u32,
    pub(super) column_threads: u32,
}

impl Matmul {
    pub(super) fn new(form: Form, elem: Elem, tiling: Tiling) -> Self {
        let (side, threads) = match tiling {
            Tiling::Small => (64, 8),
            Tiling::Heavy => (128, 8),
            Tiling::Wide => (128, 16),
        };
        Self {
            form,
            elem,
            rows: side,
            columns: side,
            depth: 16,
            row_threads: threads,
            column_threads: threads,
        }
    }

    /// `None` if there is no kernel for these shapes or types, or the device does better without.
    pub(super) fn for_tensors(form: Form, a: &CubeTensor, b: &CubeTensor) -> Option<Self> {
        let elem = elem(a).filter(|_| a.dtype() == b.dtype())?;
        let tiling = choice(a).matmul?;
        let quarters = |tensor: &CubeTensor| tensor.shape()[1].is_multiple_of(4);
        let [rows, columns, depth] = form.shape(a.shape().dims(), b.shape().dims());
        let fits = quarters(a) && quarters(b) && columns.is_multiple_of(4);
        let some = rows > 0 && columns > 0 && depth > 0;
        // lavapipe ends all loops of an invocation after 65,535 rounds together; there are up to 40 for
        // each 16 of depth.
        let short = depth <= 16_384 || !abilities(&a.device).software;
        (fits && some && short).then(|| Self::new(form, elem, tiling))
    }

    pub(super) fn compose(self) -> Shader {
        Source::new(
            shader_file!("matmul"),
            self.row_threads * self.column_threads,
        )
        .elem(self.elem)
        .switch("A_TURNED", self.form != Form::GradWeight)
        .switch("B_TURNED", self.form == Form::Forward)
        .constant("ROWS", self.rows)
        .constant("COLUMNS", self.columns)
        .constant("DEPTH", self.depth)
        .constant("ROW_THREADS", self.row_threads)
        .constant("COLUMN_THREADS", self.column_threads)
        .compose()
    }

    /// The product.
    pub(super) fn product(self, a: CubeTensor, b: CubeTensor) -> CubeTensor {
        let [a, b] = [a, b].map(into_contiguous);
        let [rows, columns, depth] = self.form.shape(a.shape().dims(), b.shape().dims());
        let out = empty(&a, [rows, columns], a.dtype);
        let side = self.rows as usize;
        let per_row = columns * depth;
        let step = (choice(&a).matmul_per_dispatch / per_row / side).max(1) * side;
        let mut written = Use::Write(&out);
        for first_row in (0..rows).step_by(step) {
            let call = Call {
                rows: count(rows),
                columns: count(columns),
                depth: count(depth),
                first_row: count(first_row),
            };
            let grid = [
                count(step.min(rows - first_row)).div_ceil(self.rows),
                call.columns.div_ceil(self.columns),
                1,
            ];
            launch(
                &shader(Variant::Matmul(self)),
                &[Use::Read(&a), Use::Read(&b), written],
                &call.words(),
                grid,
            );
            written = written.again();
        }
        out
    }
}
