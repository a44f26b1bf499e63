// Gradient of the cross-entropy with respect to a chunk of logits, in their place:
// (exp((z - m) - log_sum) - [entry is the target]) · dLoss, with z = logits + bias.
//
// Grid: x = rows, y = layers of GROUPS_PER_LAYER rows; one workgroup owns one row, an invocation every
// THREADS-th column.
//
// logits    [rows, columns], changed
// bias      [entries], in
// stats     [rows, 2], in: m, log_sum
// d_losses  [rows], in

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
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_losses: array<elem>;
@group(0) @binding(4) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y * GROUPS_PER_LAYER + group.x;
    if row >= call.rows {
        return;
    }
    let largest = stats[2u * row];
    let log_sum = stats[2u * row + 1u];
    let d_loss = f32(d_losses[row]);
    let target_entry = call.targets[row];
    for (var column = thread; column < call.columns; column += THREADS) {
        let at = row * call.columns + column;
        let z = f32(logits[at]) + f32(bias[call.first + column]);
        var probability = exp(z - largest - log_sum);
        if call.first + column == target_entry {
            probability -= 1.0;
        }
        logits[at] = elem(probability * d_loss);
    }
}
