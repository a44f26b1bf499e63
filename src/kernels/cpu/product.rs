//! Matrix products of views, on one thread each, and the products of a linear layer on all threads.
//!
//! burn's own product asks for cleared memory for its output and copies that before it writes into
//! it; for the gradients of weights, which are as large as the model, that took more than a tenth of a
//! short step.

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

    fn after(self, rows: usize) -> Self {
        Self {
            values: &self.values[rows * self.row_stride..],
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
        let [n, m, _] = self.sizes;
        assert!(m <= stride && (n - 1) * stride + m <= out.len());
        // SAFETY: `out` holds n rows of m, which was just asserted; a `&mut` is part of no view.
        unsafe { self.run_at(out.as_mut_ptr(), stride, add, gemm::Parallelism::None) }
    }

    /// The product in memory of its own, by all threads together where there is enough to do.
    fn shared(self) -> Vec<f32> {
        let [n, m, k] = self.sizes;
        let threads = match n * m * k < ONE_THREAD {
            true => gemm::Parallelism::None,
            false => gemm::Parallelism::Rayon(0),
        };
        // Products with a vector are made through slices, which must hold numbers.
        let mut out = match n.min(m) {
            1 => vec![0.0; n * m],
            _ => Vec::with_capacity(n * m),
        };
        // SAFETY: the capacity is n rows of m, all of which are written and none of which is read.
        unsafe {
            self.run_at(out.as_mut_ptr(), m, false, threads);
            out.set_len(n * m);
        }
        out
    }

    /// The product in memory of its own, each thread with rows of its own.
    fn by_rows(self) -> Vec<f32> {
        let [n, m, k] = self.sizes;
        // Parts of nearly the same size: a last part of a row or two would be computed by another
        // routine, with other rounding.
        let threads = rayon::current_num_threads();
        let parts = n.div_ceil(MOST_ROWS).next_multiple_of(threads);
        let parts = parts.min(n / FEWEST_ROWS);
        if parts <= 1 || m == 1 {
            return self.shared();
        }
        let mut out = Vec::with_capacity(n * m);
        let mut rest = &mut out.spare_capacity_mut()[..n * m];
        let mut tasks = Vec::new();
        for part in 0..parts {
            let range = part * n / parts..(part + 1) * n / parts;
            let (own, others) = rest.split_at_mut(range.len() * m);
            rest = others;
            tasks.push((range, own));
        }
        tasks.into_par_iter().for_each(|(range, own)| {
            let product = Self {
                sizes: [range.len(), m, k],
                a: self.a.after(range.start),
                ..self
            };
            let one = gemm::Parallelism::None;
            // SAFETY: `own` is as many rows of m as the range has; all are written, none is read.
            unsafe { product.run_at(own.as_mut_ptr().cast(), m, false, one) }
        });
        // SAFETY: the parts are all rows, and each of them was written.
        unsafe { out.set_len(n * m) };
        out
    }

    /// # Safety
    /// `out` must be n rows of m, `stride` apart, that nobody else reads or writes; with `add` they
    /// must hold numbers.
    unsafe fn run_at(self, out: *mut f32, stride: usize, add: bool, threads: gemm::Parallelism) {
        let Self {
            sizes: [n, m, k],
            a,
            b,
            factor,
        } = self;
        assert!(a.holds(n, k) && b.holds(k, m));
        // SAFETY: the views hold the elements that the sizes name, which was just asserted; the
        // caller answers for `out`.
        unsafe {
            gemm::gemm(
                n,
                m,
                k,
                out,
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
                threads,
            );
        }
    }
}

/// Rows from which on each thread multiplies rows of its own; below, the threads share one product.
const LINEAR_ROWS: usize = 256;

/// Rows of a part at least and at most.
const FEWEST_ROWS: usize = 64;
const MOST_ROWS: usize = 1024;

/// Multiplications below which one thread has a product sooner than several.
const ONE_THREAD: usize = 192 * 192 * 192;

/// `x Wᵀ` for `[rows, inputs]` and `[outputs, inputs]`.
pub(super) fn linear(x: &[f32], weight: &[f32], [inputs, outputs]: [usize; 2]) -> Vec<f32> {
    let rows = x.len() / inputs;
    let product = Product {
        sizes: [rows, outputs, inputs],
        a: Matrix::new(x, 0, inputs),
        b: Matrix::new(weight, 0, inputs).transposed(),
        factor: 1.0,
    };
    match rows < LINEAR_ROWS {
        true => product.shared(),
        false => product.by_rows(),
    }
}

/// `dY W` for `[rows, outputs]` and `[outputs, inputs]`.
pub(super) fn linear_grad_x(
    d_out: &[f32],
    weight: &[f32],
    [inputs, outputs]: [usize; 2],
) -> Vec<f32> {
    let product = Product {
        sizes: [d_out.len() / outputs, inputs, outputs],
        a: Matrix::new(d_out, 0, outputs),
        b: Matrix::new(weight, 0, inputs),
        factor: 1.0,
    };
    product.shared()
}

/// `dYᵀ x` for `[rows, outputs]` and `[rows, inputs]`.
pub(super) fn linear_grad_weight(
    d_out: &[f32],
    x: &[f32],
    [inputs, outputs]: [usize; 2],
) -> Vec<f32> {
    let product = Product {
        sizes: [outputs, inputs, d_out.len() / outputs],
        a: Matrix::new(d_out, 0, outputs).transposed(),
        b: Matrix::new(x, 0, inputs),
        factor: 1.0,
    };
    product.by_rows()
}
