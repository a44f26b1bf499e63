// Matrix product of a linear layer, out = A B, in three forms by constants:
//   forward          x Wᵀ      A = x     [M, K]            B = Wᵀ, stored [N, K]
//   gradient of x    dY W      A = dY    [M, K]            B = W   [K, N]
//   gradient of W    dYᵀ x     A = dYᵀ, stored [K, M]      B = x   [K, N]
//
// Grid: x = ROWS rows of `out` from `first_row` on, y = COLUMNS columns.
// One workgroup owns ROWS x COLUMNS of `out` and goes through K, DEPTH at a time: both tiles lie
// in workgroup memory with K as the slow direction, in quarters (vec4) along M and along N.
// One invocation owns the row quarters `thread_row + n * ROW_THREADS` and the column quarters
// `thread_column + n * COLUMN_THREADS`, and adds outer products.
//
// a, b, out  as above, in quarters of their rows; K (where it is the fast direction), M (in the
//            last form) and N are multiples of 4

struct Call {
    // Of `out`, and between them.
    rows: u32,
    columns: u32,
    depth: u32,
    first_row: u32,
}

@group(0) @binding(0) var<storage, read_write> a: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> call: Call;

const THREADS: u32 = ROW_THREADS * COLUMN_THREADS;
const ROW_QUARTERS: u32 = ROWS / (4u * ROW_THREADS);
const COLUMN_QUARTERS: u32 = COLUMNS / (4u * COLUMN_THREADS);
// One quarter more than the tile has keeps the transposed stores apart.
const A_STRIDE: u32 = ROWS / 4u + 1u;
const B_STRIDE: u32 = COLUMNS / 4u + 1u;

const_assert(ROWS % (4u * ROW_THREADS) == 0u);
const_assert(COLUMNS % (4u * COLUMN_THREADS) == 0u);
const_assert(DEPTH % 4u == 0u);

var<workgroup> a_tile: array<vec4<f32>, DEPTH * A_STRIDE>;
var<workgroup> b_tile: array<vec4<f32>, DEPTH * B_STRIDE>;

// Quarter `quarter` of row `row` of A as it is stored, `width` quarters to a row; 0 outside.
fn a_at(row: u32, end: u32, quarter: u32, width: u32) -> vec4<f32> {
    if row < end && quarter < width {
        return vec4<f32>(a[row * width + quarter]);
    }
    return vec4<f32>();
}

fn b_at(row: u32, end: u32, quarter: u32, width: u32) -> vec4<f32> {
    if row < end && quarter < width {
        return vec4<f32>(b[row * width + quarter]);
    }
    return vec4<f32>();
}

// Four rows of four become four columns.
fn turned(r0: vec4<f32>, r1: vec4<f32>, r2: vec4<f32>, r3: vec4<f32>) -> array<vec4<f32>, 4> {
    return array<vec4<f32>, 4>(
        vec4<f32>(r0.x, r1.x, r2.x, r3.x),
        vec4<f32>(r0.y, r1.y, r2.y, r3.y),
        vec4<f32>(r0.z, r1.z, r2.z, r3.z),
        vec4<f32>(r0.w, r1.w, r2.w, r3.w),
    );
}

fn load_a(thread: u32, row: u32, depth: u32) {
    if A_TURNED {
        // Stored [M, K].
        let width = call.depth / 4u;
        for (var index = thread; index < (ROWS / 4u) * (DEPTH / 4u); index += THREADS) {
            let k = index % (DEPTH / 4u);
            let m = index / (DEPTH / 4u);
            let at = row + 4u * m;
            let quarter = depth / 4u + k;
            let block = turned(
                a_at(at, call.rows, quarter, width),
                a_at(at + 1u, call.rows, quarter, width),
                a_at(at + 2u, call.rows, quarter, width),
                a_at(at + 3u, call.rows, quarter, width),
            );
            a_tile[4u * k * A_STRIDE + m] = block[0];
            a_tile[(4u * k + 1u) * A_STRIDE + m] = block[1];
            a_tile[(4u * k + 2u) * A_STRIDE + m] = block[2];
            a_tile[(4u * k + 3u) * A_STRIDE + m] = block[3];
        }
    } else {
        // Stored [K, M].
        let width = call.rows / 4u;
        for (var index = thread; index < DEPTH * (ROWS / 4u); index += THREADS) {
            let m = index % (ROWS / 4u);
            let k = index / (ROWS / 4u);
            a_tile[k * A_STRIDE + m] = a_at(depth + k, call.depth, row / 4u + m, width);
        }
    }
}

fn load_b(thread: u32, column: u32, depth: u32) {
    if B_TURNED {
        // Stored [N, K].
        let width = call.depth / 4u;
        for (var index = thread; index < (COLUMNS / 4u) * (DEPTH / 4u); index += THREADS) {
            let k = index % (DEPTH / 4u);
            let n = index / (DEPTH / 4u);
            let at = column + 4u * n;
            let quarter = depth / 4u + k;
            let block = turned(
                b_at(at, call.columns, quarter, width),
                b_at(at + 1u, call.columns, quarter, width),
                b_at(at + 2u, call.columns, quarter, width),
                b_at(at + 3u, call.columns, quarter, width),
            );
            b_tile[4u * k * B_STRIDE + n] = block[0];
            b_tile[(4u * k + 1u) * B_STRIDE + n] = block[1];
            b_tile[(4u * k + 2u) * B_STRIDE + n] = block[2];
            b_tile[(4u * k + 3u) * B_STRIDE + n] = block[3];
        }
    } else {
        // Stored [K, N].
        let width = call.columns / 4u;
        for (var index = thread; index < DEPTH * (COLUMNS / 4u); index += THREADS) {
            let n = index % (COLUMNS / 4u);
            let k = index / (COLUMNS / 4u);
            b_tile[k * B_STRIDE + n] = b_at(depth + k, call.depth, column / 4u + n, width);
        }
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = call.first_row + group.x * ROWS;
    let column = group.y * COLUMNS;
    let thread_row = thread / COLUMN_THREADS;
    let thread_column = thread % COLUMN_THREADS;

    var results: array<vec4<f32>, 4u * ROW_QUARTERS * COLUMN_QUARTERS>;
    for (var depth = 0u; depth < call.depth; depth += DEPTH) {
        load_a(thread, row, depth);
        load_b(thread, column, depth);
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            var columns: array<vec4<f32>, COLUMN_QUARTERS>;
            for (var n = 0u; n < COLUMN_QUARTERS; n++) {
                columns[n] = b_tile[k * B_STRIDE + thread_column + n * COLUMN_THREADS];
            }
            for (var m = 0u; m < ROW_QUARTERS; m++) {
                let rows = a_tile[k * A_STRIDE + thread_row + m * ROW_THREADS];
                for (var n = 0u; n < COLUMN_QUARTERS; n++) {
                    let at = 4u * m * COLUMN_QUARTERS + n;
                    results[at] += rows.x * columns[n];
                    results[at + COLUMN_QUARTERS] += rows.y * columns[n];
                    results[at + 2u * COLUMN_QUARTERS] += rows.z * columns[n];
                    results[at + 3u * COLUMN_QUARTERS] += rows.w * columns[n];
                }
            }
        }
        workgroupBarrier();
    }

    let width = call.columns / 4u;
    for (var m = 0u; m < ROW_QUARTERS; m++) {
        for (var i = 0u; i < 4u; i++) {
            let at_row = row + 4u * (thread_row + m * ROW_THREADS) + i;
            if at_row < call.rows {
                for (var n = 0u; n < COLUMN_QUARTERS; n++) {
                    let quarter = column / 4u + thread_column + n * COLUMN_THREADS;
                    if quarter < width {
                        out[at_row * width + quarter] =
                            vec4<elem>(results[(4u * m + i) * COLUMN_QUARTERS + n]);
                    }
                }
            }
        }
    }
}
