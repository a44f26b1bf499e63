//! Matrix products of views, on one thread each, and the product of a linear layer on all threads.

use rayon::prelude::*;

/// A strided view of part of a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows that begin at `start` and are `row_stride` apart.
    pub(super) fn new(values: &'a [f32], start: usize, row_stride: usize) -> Self {
        Self {
            values: &values[start..],
            row_stride,
            column_stride: 1,
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Whether `rows` by `columns` elements lie inside the slice.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows > 0
            && columns > 0
            && (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.values.len()
    }
}

/// `factor · a b`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// Rows of a, columns of b, and what lies between.
    pub(super) sizes: [usize; 3],
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    pub(super) factor: f32,
}

impl Product<'_> {
    /// Writes the product to `out`, whose rows are `stride` apart.
    pub(super) fn write(self, out: &mut [f32], stride: usize) {
        self.run(out, stride, false);
    }

    /// Adds the product to `out`, whose rows are `stride` apart.
    pub(super) fn add(self, out: &mut [f32], stride: usize) {
        self.run(out, stride, true);
    }

    fn run(self, out: &mut [f32], stride: usize, add: bool) {
        let Self {
            sizes: [n, m, k],
            a,
            b,
            factor,
        } = self;
        assert!(a.holds(n, k) && b.holds(k, m));
        assert!(m <= stride && (n - 1) * stride + m <= out.len());
        // SAFETY: the views hold the elements that the sizes name, and `out` holds n rows of m,
        // which was just asserted; a `&mut` is part of neither view.
        unsafe {
            gemm::gemm(
                n,
                m,
                k,
                out.as_mut_ptr(),
                1,
                stride as isize,
                add,
                a.values.as_ptr(),
                a.column_stride as isize,
                a.row_stride as isize,
                b.values.as_ptr(),
                b.column_stride as isize,
                b.row_stride as isize,
                1.0,
                factor,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

/// Rows from which on each thread multiplies rows of its own; below, the threads share one product.
pub(super) const LINEAR_ROWS: usize = 256;

/// Rows of a part at least.
const FEWEST_ROWS: usize = 64;

/// `x Wᵀ` for `[rows, inputs]` and `[outputs, inputs]`, each thread with rows of its own.
pub(super) fn linear(x: &[f32], weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let rows = x.len() / inputs;
    // Parts of nearly the same size: a last part of a row or two would be computed by another
    // routine, with other rounding.
    let threads = rayon::current_num_threads();
    let parts = rows.div_ceil(1024).next_multiple_of(threads);
    let parts = parts.min(rows / FEWEST_ROWS).max(1);
    let mut out = vec![0.0; rows * outputs];
    let mut rest = out.as_mut_slice();
    let mut tasks = Vec::new();
    for part in 0..parts {
        let range = part * rows / parts..(part + 1) * rows / parts;
        let (own, others) = rest.split_at_mut(range.len() * outputs);
        rest = others;
        tasks.push((range, own));
    }
    tasks.into_par_iter().for_each(|(range, out)| {
        let product = Product {
            sizes: [range.len(), outputs, inputs],
            a: Matrix::new(x, range.start * inputs, inputs),
            b: Matrix::new(weight, 0, inputs).transposed(),
            factor: 1.0,
        };
        product.write(out, outputs);
    });
    out
}
