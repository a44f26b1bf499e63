// Gradient of layer_norm.wgsl with respect to the weight, summed over ROWS rows at a time:
// sum(dOut * n), with n = (x - mean) * scale.
//
// Grid: x = quarters of a row, THREADS at a time, y = pieces of ROWS rows.
// One invocation owns one quarter of one piece and adds its rows in their order.
//
// x, d_out  [rows, width / 4], in
// kept      [rows, 2], in: mean and scale of each row
// sums      [pieces, width / 4]

struct Call {
    rows: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> kept: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quarters = call.width / 4u;
    let quarter = group.x * THREADS + thread;
    if quarter >= quarters {
        return;
    }
    var sum = vec4<f32>();
    let end = min((group.y + 1u) * ROWS, call.rows);
    for (var row = group.y * ROWS; row < end; row++) {
        let n = (vec4<f32>(x[row * quarters + quarter]) - kept[row].x) * kept[row].y;
        sum += vec4<f32>(d_out[row * quarters + quarter]) * n;
    }
    sums[group.y * quarters + quarter] = sum;
}
