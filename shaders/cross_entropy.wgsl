// Softmax statistics of rows of logits, a chunk of the vocabulary at a time (Milakov and Gimelshein
// 2018): with z = logits + bias and the maximum m' of m and all z, sum' = sum exp(m - m') +
// Σ exp(z - m'); target' is z at the row's target once its chunk has come.
//
// Grid: x = rows, y = layers of GROUPS_PER_LAYER rows; one workgroup owns one row, an invocation every
// THREADS-th column.
//
// logits   [rows, columns], in
// bias     [entries], in
// running  [rows, 3]: m, sum, target; changed

struct Call {
    rows: u32,
    columns: u32,
    // The entry of the vocabulary in column 0.
    first: u32,
    // The entry that each row should be.
    targets: array<u32>,
}

@group(0) @binding(0) var<storage, read_write> logits: array<elem>;
@group(0) @binding(1) var<storage, read_write> bias: array<elem>;
@group(0) @binding(2) var<storage, read_write> running: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

fn logit(row: u32, column: u32) -> f32 {
    return f32(logits[row * call.columns + column]) + f32(bias[call.first + column]);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y * GROUPS_PER_LAYER + group.x;
    if row >= call.rows {
        return;
    }
    let before = running[3u * row];
    var own = before;
    for (var column = thread; column < call.columns; column += THREADS) {
        own = max(own, logit(row, column));
    }
    let largest = workgroup_max(thread, own);
    var sum = 0.0;
    for (var column = thread; column < call.columns; column += THREADS) {
        sum += exp(logit(row, column) - largest);
    }
    let all = workgroup_sum(thread, sum);
    if thread == 0u {
        running[3u * row] = largest;
        running[3u * row + 1u] = running[3u * row + 1u] * exp(before - largest) + all;
        // Below the chunk this wraps to a number above it.
        let column = call.targets[row] - call.first;
        if column < call.columns {
            running[3u * row + 2u] = logit(row, column);
        }
    }
}
