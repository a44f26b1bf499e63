// Gradient of layer_norm.wgsl with respect to x. With n = (x - mean) * scale and g = dOut * weight:
// dx = scale * (g - mean(g) - n * mean(g * n)). What the gradient of the weight needs is kept.
//
// Grid: x = rows, y = layers of GROUPS_PER_LAYER rows; one workgroup owns one row, an invocation every
// THREADS-th quarter of it.
//
// x, d_out, d_x  [rows, width / 4], x and d_out in
// weight         [width / 4], in
// kept           [rows, 2]: mean and scale of each row

struct Call {
    rows: u32,
    width: u32,
    eps: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4<elem>>;
@group(0) @binding(4) var<storage, read_write> kept: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y * GROUPS_PER_LAYER + group.x;
    if row >= call.rows {
        return;
    }
    let quarters = call.width / 4u;
    let first = row * quarters;
    let width = f32(call.width);
    var sum = vec4<f32>();
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        sum += vec4<f32>(x[first + quarter]);
    }
    let mean = workgroup_sum(thread, dot(sum, vec4<f32>(1.0))) / width;
    var squares = 0.0;
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        let difference = vec4<f32>(x[first + quarter]) - mean;
        squares += dot(difference, difference);
    }
    let scale = 1.0 / sqrt(workgroup_sum(thread, squares) / width + call.eps);
    var sum_g = 0.0;
    var sum_gn = 0.0;
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        let n = (vec4<f32>(x[first + quarter]) - mean) * scale;
        let g = vec4<f32>(d_out[first + quarter]) * vec4<f32>(weight[quarter]);
        sum_g += dot(g, vec4<f32>(1.0));
        sum_gn += dot(g, n);
    }
    let mean_g = workgroup_sum(thread, sum_g) / width;
    let mean_gn = workgroup_sum(thread, sum_gn) / width;
    for (var quarter = thread; quarter < quarters; quarter += THREADS) {
        let n = (vec4<f32>(x[first + quarter]) - mean) * scale;
        let g = vec4<f32>(d_out[first + quarter]) * vec4<f32>(weight[quarter]);
        d_x[first + quarter] = vec4<elem>(scale * (g - mean_g - n * mean_gn));
    }
    if thread == 0u {
        kept[row] = vec2<f32>(mean, scale);
    }
}
