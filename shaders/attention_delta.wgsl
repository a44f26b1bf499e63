// Attention, backward, first pass: delta = rowsum(dO ∘ O), one number for each row and head.
//
// Grid: x = rows, THREADS at a time, y = heads; one invocation owns one row of one head.
//
// out, d_out  [tokens, heads, HEAD_DIM / 4], in
// delta       [heads, tokens]

struct Call {
    tokens: u32,
    heads: u32,
}

@group(0) @binding(0) var<storage, read_write> out: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> delta: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

const QUARTERS: u32 = HEAD_DIM / 4u;
const_assert(HEAD_DIM % 4u == 0u);

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * THREADS + thread;
    let head = group.y;
    if row >= call.tokens {
        return;
    }
    let first = (row * call.heads + head) * QUARTERS;
    var sum = 0.0;
    for (var quarter = 0u; quarter < QUARTERS; quarter++) {
        sum += dot(vec4<f32>(out[first + quarter]), vec4<f32>(d_out[first + quarter]));
    }
    delta[head * call.tokens + row] = sum;
}
