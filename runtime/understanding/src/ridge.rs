//! Regularised least squares over examples. Few examples and many features: solved in the space of the examples, exactly, and
//! with every example's prediction by the model that never saw it (leave-one-out) for free, which is what calibration needs.

use crate::features::Sparse;
use rayon::prelude::*;

/// Up to this many examples the solution is exact; beyond, conjugate gradients come close enough.
const EXACT_UP_TO: usize = 2_400;
/// Steps of the conjugate gradients.
const STEPS: usize = 30;

/// A trained model: weights by feature, then class.
#[derive(Debug, Clone, Default)]
pub(crate) struct Linear {
    /// `weights[feature * classes + class]`.
    weights: Vec<f32>,
    classes: usize,
}

/// Examples with their classes.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    /// The examples.
    pub(crate) rows: &'a [Sparse],
    /// The class of each.
    pub(crate) labels: &'a [usize],
    /// How far each may be missed, relative to the others (1 is usual; more counts less).
    pub(crate) slack: &'a [f32],
    /// The number of classes.
    pub(crate) classes: usize,
    /// The number of features.
    pub(crate) features: usize,
    /// The strength of regularisation.
    pub(crate) lambda: f32,
}

impl Linear {
    /// Scores of all classes, near 1 for a sure one, near 0 for the others.
    #[must_use]
    pub(crate) fn scores(&self, row: &Sparse) -> Vec<f32> {
        let mut out = vec![0.0; self.classes];
        for (i, x) in row {
            let at = *i as usize * self.classes;
            if let Some(weights) = self.weights.get(at..at + self.classes) {
                for (o, w) in out.iter_mut().zip(weights) {
                    *o += x * w;
                }
            }
        }
        out
    }

    fn from_dual(problem: &Problem<'_>, dual: &[f32]) -> Self {
        let c = problem.classes;
        let mut weights = vec![0.0; problem.features * c];
        for (row, a) in problem.rows.iter().zip(dual.chunks_exact(c.max(1))) {
            add_outer(&mut weights, row, a);
        }
        Self {
            weights,
            classes: c,
        }
    }
}

fn add_outer(weights: &mut [f32], row: &Sparse, a: &[f32]) {
    for (i, x) in row {
        let at = *i as usize * a.len();
        if let Some(slice) = weights.get_mut(at..at + a.len()) {
            for (w, v) in slice.iter_mut().zip(a) {
                *w += x * v;
            }
        }
    }
}

/// Trains. Also returns scores of held-out examples, `(example, scores)`: all of them where the solution is exact, else every fifth.
#[must_use]
pub(crate) fn train(problem: &Problem<'_>) -> (Linear, Vec<(usize, Vec<f32>)>) {
    if problem.rows.is_empty() || problem.classes == 0 {
        return (
            Linear {
                weights: Vec::new(),
                classes: problem.classes,
            },
            Vec::new(),
        );
    }
    if problem.rows.len() <= EXACT_UP_TO {
        exact(problem)
    } else {
        iterative(problem)
    }
}

fn targets(problem: &Problem<'_>) -> Vec<f32> {
    let mut y = vec![0.0; problem.rows.len() * problem.classes];
    for (row, label) in y.chunks_exact_mut(problem.classes).zip(problem.labels) {
        if let Some(v) = row.get_mut(*label) {
            *v = 1.0;
        }
    }
    y
}

#[expect(
    clippy::indexing_slicing,
    reason = "dense linear algebra: every index is below n by construction, and bounds are checked once per row slice"
)]
fn exact(problem: &Problem<'_>) -> (Linear, Vec<(usize, Vec<f32>)>) {
    let (n, c) = (problem.rows.len(), problem.classes);
    let mut l = gram(problem);
    cholesky(&mut l, n);
    // Forward and backward substitution, all classes at once.
    let mut a = targets(problem);
    for i in 0..n {
        let (done, rest) = a.split_at_mut(i * c);
        let row = &mut rest[..c];
        for (j, lij) in l[i * n..i * n + i]
            .iter()
            .enumerate()
            .filter(|(_, v)| **v != 0.0)
        {
            axpy(row, -lij, &done[j * c..(j + 1) * c]);
        }
        let d = 1.0 / l[i * n + i];
        row.iter_mut().for_each(|v| *v *= d);
    }
    for i in (0..n).rev() {
        let (rest, tail) = a.split_at_mut(i * c);
        let row = &mut tail[..c];
        let d = 1.0 / l[i * n + i];
        row.iter_mut().for_each(|v| *v *= d);
        for (j, lij) in l[i * n..i * n + i]
            .iter()
            .enumerate()
            .filter(|(_, v)| **v != 0.0)
        {
            axpy(&mut rest[j * c..(j + 1) * c], -lij, row);
        }
    }
    // Leave-one-out: y - a / diag(C^-1).
    let diag = inverse_diagonal(&l, n);
    let held = (0..n)
        .map(|i| {
            let scores = (0..c)
                .map(|k| f32::from(u8::from(problem.labels[i] == k)) - a[i * c + k] / diag[i])
                .collect();
            (i, scores)
        })
        .collect();
    (Linear::from_dual(problem, &a), held)
}

/// Inner products of all pairs, with the regularisation on the diagonal. Only the lower half is filled.
fn gram(problem: &Problem<'_>) -> Vec<f32> {
    let n = problem.rows.len();
    let mut columns: Vec<Vec<(u32, f32)>> = vec![Vec::new(); problem.features];
    for (r, row) in problem.rows.iter().enumerate() {
        for (i, x) in row {
            if let Some(col) = columns.get_mut(*i as usize) {
                col.push((u32::try_from(r).unwrap_or(u32::MAX), *x));
            }
        }
    }
    let mut k = vec![0.0; n * n];
    k.par_chunks_mut(n.max(1)).enumerate().for_each(|(r, out)| {
        for (i, x) in problem.rows.get(r).into_iter().flatten() {
            for (other, y) in columns.get(*i as usize).into_iter().flatten() {
                if *other as usize > r {
                    break;
                }
                if let Some(o) = out.get_mut(*other as usize) {
                    *o += x * y;
                }
            }
        }
        if let Some(o) = out.get_mut(r) {
            *o += problem.lambda * problem.slack.get(r).copied().unwrap_or(1.0);
        }
    });
    k
}

/// In place, lower half, by blocks of rows so that blocks below can go in parallel.
#[expect(
    clippy::indexing_slicing,
    reason = "dense linear algebra: every index is below n by construction"
)]
fn cholesky(l: &mut [f32], n: usize) {
    const BLOCK: usize = 48;
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        for i in start..end {
            let (above, row) = l.split_at_mut(i * n);
            let row = &mut row[..n];
            for j in start..i {
                let lj = &above[j * n..j * n + j + 1];
                row[j] = (row[j] - dense_dot(&row[..j], &lj[..j])) / lj[j];
            }
            let d = row[i] - dense_dot(&row[..i], &row[..i]);
            row[i] = d.max(1e-9).sqrt();
        }
        let (above, below) = l.split_at_mut(end * n);
        let above = &*above;
        below.par_chunks_mut(n).for_each(|row| {
            for j in start..end {
                let lj = &above[j * n..j * n + j + 1];
                row[j] = (row[j] - dense_dot(&row[..j], &lj[..j])) / lj[j];
            }
        });
    }
}

/// The diagonal of the inverse of `L L^T`: squared lengths of the columns of the inverse of `L`.
#[expect(
    clippy::indexing_slicing,
    reason = "dense linear algebra: every index is below n by construction"
)]
fn inverse_diagonal(l: &[f32], n: usize) -> Vec<f32> {
    // Column j of the inverse is found by forward substitution from e_j.
    (0..n)
        .into_par_iter()
        .map(|j| {
            let mut x = vec![0.0f32; n - j];
            x[0] = 1.0 / l[j * n + j];
            for i in j + 1..n {
                let s = dense_dot(&l[i * n + j..i * n + i], &x[..i - j]);
                x[i - j] = -s / l[i * n + i];
            }
            dense_dot(&x, &x)
        })
        .collect()
}

fn axpy(out: &mut [f32], factor: f32, x: &[f32]) {
    for (o, v) in out.iter_mut().zip(x) {
        *o += factor * v;
    }
}

/// Sixteen sums side by side, so that the compiler can use vector instructions.
fn dense_dot(a: &[f32], b: &[f32]) -> f32 {
    let (a16, a_rest) = a.as_chunks::<16>();
    let (b16, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (x, y) in a16.iter().zip(b16) {
        for ((s, p), q) in sums.iter_mut().zip(x).zip(y) {
            *s += p * q;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(p, q)| p * q).sum::<f32>()
}

fn iterative(problem: &Problem<'_>) -> (Linear, Vec<(usize, Vec<f32>)>) {
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for i in 0..problem.rows.len() {
        if i % 5 == 4 {
            held.push(i)
        } else {
            kept.push(i)
        }
    }
    let pick = |from: &[usize]| -> (Vec<Sparse>, Vec<usize>, Vec<f32>) {
        let rows = from
            .iter()
            .filter_map(|i| problem.rows.get(*i).cloned())
            .collect();
        let labels = from
            .iter()
            .filter_map(|i| problem.labels.get(*i).copied())
            .collect();
        let slack = from
            .iter()
            .filter_map(|i| problem.slack.get(*i).copied())
            .collect();
        (rows, labels, slack)
    };
    let (rows, labels, slack) = pick(&kept);
    let part = conjugate_gradients(&Problem {
        rows: &rows,
        labels: &labels,
        slack: &slack,
        ..*problem
    });
    let scores = held
        .iter()
        .filter_map(|i| problem.rows.get(*i).map(|r| (*i, part.scores(r))))
        .collect();
    (conjugate_gradients(problem), scores)
}

/// Solves `(X X^T + lambda S) a = y` for all classes side by side.
fn conjugate_gradients(problem: &Problem<'_>) -> Linear {
    let c = problem.classes;
    let apply = |p: &[f32]| -> Vec<f32> {
        let w = Linear::from_dual(problem, p);
        let mut out = vec![0.0; p.len()];
        out.par_chunks_mut(c)
            .zip(p.par_chunks(c))
            .enumerate()
            .for_each(|(r, (o, v))| {
                let s = problem.lambda * problem.slack.get(r).copied().unwrap_or(1.0);
                if let Some(row) = problem.rows.get(r) {
                    for ((o, k), v) in o.iter_mut().zip(w.scores(row)).zip(v) {
                        *o = k + s * v;
                    }
                }
            });
        out
    };
    let sums = |a: &[f32], b: &[f32]| -> Vec<f32> {
        let mut out = vec![0.0; c];
        for (x, y) in a.chunks_exact(c).zip(b.chunks_exact(c)) {
            for ((o, p), q) in out.iter_mut().zip(x).zip(y) {
                *o += p * q;
            }
        }
        out
    };
    let mut r = targets(problem);
    let mut a = vec![0.0; r.len()];
    let mut p = r.clone();
    let mut rr = sums(&r, &r);
    for _ in 0..STEPS {
        let kp = apply(&p);
        let alpha: Vec<f32> = rr
            .iter()
            .zip(sums(&p, &kp))
            .map(|(n, d)| if d > 1e-12 { n / d } else { 0.0 })
            .collect();
        for (at, v) in a.iter_mut().enumerate() {
            let k = alpha.get(at % c).copied().unwrap_or(0.0);
            *v += k * p.get(at).copied().unwrap_or(0.0);
            if let (Some(r), Some(q)) = (r.get_mut(at), kp.get(at)) {
                *r -= k * q;
            }
        }
        let next = sums(&r, &r);
        let beta: Vec<f32> = next
            .iter()
            .zip(&rr)
            .map(|(n, d)| if *d > 1e-12 { n / d } else { 0.0 })
            .collect();
        for (at, (p, r)) in p.iter_mut().zip(&r).enumerate() {
            *p = r + beta.get(at % c).copied().unwrap_or(0.0) * *p;
        }
        rr = next;
    }
    Linear::from_dual(problem, &a)
}
