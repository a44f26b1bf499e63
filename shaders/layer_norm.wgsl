// LayerNorm (Ba et al. 2016) without a bias: (x - mean) / sqrt(variance + eps) * weight, with the
// biased variance.
//
// Grid: x = rows, y = layers of GROUPS_PER_LAYER rows; one workgroup owns one row, an invocation every
// THREADS-th quarter of it.
//
// x, out  [rows, width / 4], x in
// weight  [width / 4], in

struct Call {
    rows: u32,
    width: u32,
    eps: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y * GROUPS_PER_LAYER + group.x;
    if row >= call.rows {
        return;
    }
    let quarters = call.width / 4u;
    let first = row * quarters;
    var sum = vec4<f32>();
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        sum += vec4<f32>(x[first + quarter]);
    }
    let mean = workgroup_sum(thread, dot(sum, vec4<f32>(1.0))) / f32(call.width);
    var squares = 0.0;
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        let difference = vec4<f32>(x[first + quarter]) - mean;
        squares += dot(difference, difference);
    }
    let variance = workgroup_sum(thread, squares) / f32(call.width);
    let scale = 1.0 / sqrt(variance + call.eps);
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        let normed = (vec4<f32>(x[first + quarter]) - mean) * scale;
        out[first + quarter] = vec4<elem>(normed * vec4<f32>(weight[quarter]));
    }
}
