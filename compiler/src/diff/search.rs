//! Finds the cases in which two versions decide differently and says them as shortly as they can be said.

use super::dim::Dim;
use super::space::Assignment;
use rustc_hash::FxHashMap;

/// Up to so many combinations all are looked at.
pub(super) const ALL: usize = 60_000;
/// Of more, so many are.
const SOME: usize = 20_000;
/// How many cases are told of one question.
const TOLD: usize = 24;

/// Some cases that differ alike: by dimension, the values for which it is so.
#[derive(Debug, Clone)]
pub(super) struct Cube {
    pub(super) values: Vec<Vec<usize>>,
    /// One of them, as quiet as can be: by dimension its value.
    pub(super) example: Vec<usize>,
    pub(super) old: String,
    pub(super) new: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cubes: Vec<Cube>,
    /// How many combinations there are, and how many were looked at, where those are fewer.
    pub(super) sampled: Option<(u128, usize)>,
    /// Whether more cases differ than are told.
    pub(super) more: bool,
}

/// Decides a case: in the old version and in the new. Absent: there is no such case.
pub(super) type Decide<'d> = &'d dyn Fn(&Assignment) -> Option<(String, String)>;

/// In the table of all cases, one that cannot be.
const NEVER: u32 = u32::MAX;

pub(super) fn search(dims: &[Dim], decide: Decide<'_>) -> Found {
    let total = dims
        .iter()
        .fold(1u128, |n, d| n.saturating_mul(d.values.len() as u128));
    match usize::try_from(total) {
        Ok(total) if total <= ALL => whole(dims, total, decide),
        _ => sampled(dims, total, decide),
    }
}

/// Every combination.
fn whole(dims: &[Dim], total: usize, decide: Decide<'_>) -> Found {
    let mut kinds: Vec<(String, String)> = Vec::new();
    let mut numbers: FxHashMap<(String, String), u32> = FxHashMap::default();
    let mut table: Vec<u32> = Vec::with_capacity(total);
    for index in 0..total {
        let Some(pair) = decide(&assignment(dims, &digits(dims, index))) else {
            table.push(NEVER);
            continue;
        };
        if pair.0 == pair.1 {
            table.push(0);
            continue;
        }
        let next = u32::try_from(numbers.len() + 1).unwrap_or(u32::MAX);
        table.push(*numbers.entry(pair.clone()).or_insert_with(|| {
            kinds.push(pair);
            next
        }));
    }
    let mut seeds: Vec<usize> = table
        .iter()
        .enumerate()
        .filter(|(_, k)| **k != 0 && **k != NEVER)
        .map(|(i, _)| i)
        .collect();
    // The quietest first.
    seeds.sort_by_key(|i| (digits(dims, *i).iter().filter(|d| **d != 0).count(), *i));
    let mut told = vec![false; total];
    let mut out = Found::default();
    for seed in seeds {
        if told.get(seed) == Some(&true) {
            continue;
        }
        if out.cubes.len() >= TOLD {
            out.more = true;
            break;
        }
        let kind = table.get(seed).copied().unwrap_or(0);
        let example = digits(dims, seed);
        // What cannot be needs no mention.
        let cube = widen(dims, &example, |i| {
            let k = table.get(i).copied().unwrap_or(0);
            (k == kind || k == NEVER, k == kind)
        });
        each(dims, &cube, &mut |i| {
            if let Some(t) = told.get_mut(i) {
                *t = true;
            }
            true
        });
        if let Some((old, new)) = kinds.get((kind as usize).wrapping_sub(1)) {
            out.cubes.push(Cube {
                values: cube,
                example,
                old: old.clone(),
                new: new.clone(),
            });
        }
    }
    out
}

/// The widest cube around a case in which all is alike: whole dimensions first, then single values. `alike` says whether a case may lie
/// in it, and whether it can be at all: a value with which none can be is not named.
fn widen(dims: &[Dim], seed: &[usize], alike: impl Fn(usize) -> (bool, bool)) -> Vec<Vec<usize>> {
    let mut cube: Vec<Vec<usize>> = seed.iter().map(|d| vec![*d]).collect();
    let holds = |cube: &[Vec<usize>]| {
        let mut any = false;
        each(dims, cube, &mut |i| {
            let (may, is) = alike(i);
            any |= is;
            may
        }) && any
    };
    for (at, dim) in dims.iter().enumerate() {
        let mut wider = cube.clone();
        if let Some(slot) = wider.get_mut(at) {
            *slot = (0..dim.values.len()).collect();
        }
        if holds(&wider) {
            cube = wider;
        }
    }
    for (at, dim) in dims.iter().enumerate() {
        for value in 0..dim.values.len() {
            if cube.get(at).is_none_or(|c| c.contains(&value)) {
                continue;
            }
            let mut only = cube.clone();
            if let Some(slot) = only.get_mut(at) {
                *slot = vec![value];
            }
            if holds(&only)
                && let Some(slot) = cube.get_mut(at)
            {
                slot.push(value);
                slot.sort_unstable();
            }
        }
    }
    cube
}

/// Calls `f` with the index of every case of a cube until it says no; whether it never did.
fn each(dims: &[Dim], cube: &[Vec<usize>], f: &mut dyn FnMut(usize) -> bool) -> bool {
    let mut at = vec![0usize; cube.len()];
    loop {
        let mut index = 0;
        for ((values, place), dim) in cube.iter().zip(&at).zip(dims) {
            index = index * dim.values.len() + values.get(*place).copied().unwrap_or(0);
        }
        if !f(index) {
            return false;
        }
        let mut next = cube.len();
        loop {
            let Some(here) = next.checked_sub(1) else {
                return true;
            };
            next = here;
            let (Some(place), Some(values)) = (at.get_mut(here), cube.get(here)) else {
                return true;
            };
            *place += 1;
            if *place < values.len() {
                break;
            }
            *place = 0;
        }
    }
}

/// The values of a case by its index.
pub(super) fn digits(dims: &[Dim], mut index: usize) -> Vec<usize> {
    let mut out = vec![0; dims.len()];
    for (slot, dim) in out.iter_mut().zip(dims).rev() {
        let n = dim.values.len().max(1);
        *slot = index % n;
        index /= n;
    }
    out
}

pub(super) fn assignment(dims: &[Dim], digits: &[usize]) -> Assignment {
    dims.iter()
        .zip(digits)
        .filter_map(|(d, v)| Some((d.key.clone(), d.values.get(*v)?.clone())))
        .collect()
}

/// The quiet case, all that differ from it in one or two things, and a fixed choice of the others.
fn sampled(dims: &[Dim], total: u128, decide: Decide<'_>) -> Found {
    let mut out = Found::default();
    let mut looked = 0;
    let quiet = vec![0usize; dims.len()];
    let mut look = |digits: &[usize], out: &mut Found| {
        looked += 1;
        let differs = |digits: &[usize]| {
            let (old, new) = decide(&assignment(dims, digits))?;
            (old != new).then_some((old, new))
        };
        let Some(kind) = differs(digits) else { return };
        let covered = |cube: &Cube| {
            cube.old == kind.0
                && cube.new == kind.1
                && cube.values.iter().zip(digits).all(|(v, d)| v.contains(d))
        };
        if out.cubes.iter().any(covered) {
            return;
        }
        if out.cubes.len() >= TOLD {
            out.more = true;
            return;
        }
        // What can be quiet without changing the outcome is left out.
        let mut least = digits.to_vec();
        let mut values: Vec<Vec<usize>> =
            dims.iter().map(|d| (0..d.values.len()).collect()).collect();
        for at in 0..least.len() {
            let Some(was) = least.get(at).copied() else {
                continue;
            };
            let mut tried = least.clone();
            if let Some(slot) = tried.get_mut(at) {
                *slot = 0;
            }
            if was == 0 || differs(&tried).as_ref() == Some(&kind) {
                least = tried;
            } else if let Some(slot) = values.get_mut(at) {
                *slot = vec![was];
            }
        }
        out.cubes.push(Cube {
            values,
            example: least,
            old: kind.0,
            new: kind.1,
        });
    };
    look(&quiet, &mut out);
    let mut near: Vec<Vec<usize>> = Vec::new();
    for (a, dim) in dims.iter().enumerate() {
        for x in 1..dim.values.len() {
            let mut one = quiet.clone();
            if let Some(slot) = one.get_mut(a) {
                *slot = x;
            }
            near.push(one);
        }
    }
    near.iter().for_each(|d| look(d, &mut out));
    'pairs: for (i, a) in near.iter().enumerate() {
        for b in near.iter().skip(i + 1) {
            if i.saturating_mul(near.len()) > SOME {
                break 'pairs;
            }
            let both: Vec<usize> = a.iter().zip(b).map(|(x, y)| *x.max(y)).collect();
            look(&both, &mut out);
        }
    }
    // A fixed sequence: the same comparison says the same twice.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..SOME {
        let digits: Vec<usize> = dims
            .iter()
            .map(|d| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 33).unwrap_or(0) % d.values.len().max(1)
            })
            .collect();
        look(&digits, &mut out);
    }
    out.sampled = Some((total, looked));
    out
}
