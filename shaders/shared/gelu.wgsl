// The exact GELU, x Φ(x), and its slope Φ(x) + x φ(x), with Φ(x) = (1 + erf(x / √2)) / 2.
//
// erf is x P(x²) / Q(x²) on |x| <= 4, absolute error below 5e-7. Needs constants ERF_P0 … ERF_P5
// and ERF_Q1 … ERF_Q5.

fn erf4(value: vec4<f32>) -> vec4<f32> {
    let x = clamp(value, vec4<f32>(-4.0), vec4<f32>(4.0));
    let u = x * x;
    let p = ERF_P0 + u * (ERF_P1 + u * (ERF_P2 + u * (ERF_P3 + u * (ERF_P4 + u * ERF_P5))));
    let q = 1.0 + u * (ERF_Q1 + u * (ERF_Q2 + u * (ERF_Q3 + u * (ERF_Q4 + u * ERF_Q5))));
    return x * p / q;
}

fn phi4(x: vec4<f32>) -> vec4<f32> {
    const SQRT_HALF = 0.70710678118654752;
    return 0.5 * (1.0 + erf4(x * SQRT_HALF));
}

fn gelu4(x: vec4<f32>) -> vec4<f32> {
    return x * phi4(x);
}

fn gelu_slope4(x: vec4<f32>) -> vec4<f32> {
    const RECIPROCAL_SQRT_TAU = 0.39894228040143268;
    return phi4(x) + x * exp(-0.5 * x * x) * RECIPROCAL_SQRT_TAU;
}
