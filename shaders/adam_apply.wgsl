// The second half of an update: p = keep p - rate m / (sqrt(v) root + eps).
//
// keep = 1 - lr decay, and keep and rate shrink as the rule says, with the sums A, B of all workgroups of
// adam_means.wgsl: STABLE lr and rate by 1 / max(1, sqrt(A / count)); PUBLISHED rate by min(1, sqrt(A / B)).
//
// Grid: x = call.groups workgroups, as many as there are sums; one invocation owns every
// (groups * THREADS)-th element. Every workgroup adds up all sums, in one order.
//
// parameter       [count], changed
// first, second   [count], in
// sums            [groups, 2], in

struct Call {
    count: u32,
    groups: u32,
    lr: f32,
    decay: f32,
    rate: f32,
    root: f32,
    eps: f32,
}

@group(0) @binding(0) var<storage, read_write> parameter: array<f32>;
@group(0) @binding(1) var<storage, read_write> first: array<f32>;
@group(0) @binding(2) var<storage, read_write> second: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(0) @binding(4) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    var lr = call.lr;
    var rate = call.rate;
    if RULE != ADAMW {
        var one = 0.0;
        var other = 0.0;
        for (var at = thread; at < call.groups; at += THREADS) {
            one += sums[2u * at];
            other += sums[2u * at + 1u];
        }
        one = workgroup_sum(thread, one);
        other = workgroup_sum(thread, other);
        if RULE == STABLE {
            let shrink = 1.0 / max(1.0, sqrt(one / f32(call.count)));
            lr *= shrink;
            rate *= shrink;
        } else if one < other {
            rate *= sqrt(one / other);
        }
    }
    let keep = 1.0 - lr * call.decay;
    for (var at = group.x * THREADS + thread; at < call.count; at += call.groups * THREADS) {
        let denominator = sqrt(second[at]) * call.root + call.eps;
        parameter[at] = keep * parameter[at] - rate * first[at] / denominator;
    }
}
