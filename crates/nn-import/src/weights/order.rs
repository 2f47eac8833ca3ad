//! The order of dense layers.

/// A name as a list of texts and the numbers after them, so that `dense_2` is before `dense_10`.
pub(super) fn natural_key(name: &str) -> Vec<(String, u64)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit();
        let end = rest.find(is_digit).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(end);
        let end = tail.find(|c| !is_digit(c)).unwrap_or(tail.len());
        let (digits, tail) = tail.split_at(end);
        key.push((text.to_owned(), digits.parse().unwrap_or(0)));
        rest = tail;
    }
    key
}

/// An order of the layers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) indices: Vec<usize>,
    /// A remark about the order.
    pub(super) note: Option<&'static str>,
}

/// An order in which each layer has as many inputs as the layer before it has outputs, from the
/// numbers `[n_inputs, n_outputs]` and the names of all layers.
pub(super) fn order_of(widths: &[[usize; 2]], keys: &[Vec<(String, u64)>]) -> Option<Order> {
    let by_file: Vec<usize> = (0..widths.len()).collect();
    let mut by_name = by_file.clone();
    by_name.sort_by_key(|&index| &keys[index]);
    let fits = |order: &[usize]| {
        let mut pairs = order.windows(2);
        pairs.all(|pair| widths[pair[0]][1] == widths[pair[1]][0])
    };
    if fits(&by_name) {
        return Some(Order {
            indices: by_name,
            note: None,
        });
    }
    if fits(&by_file) {
        return Some(Order {
            indices: by_file,
            note: Some("the layers are in the order of the file"),
        });
    }
    Some(Order {
        indices: only_order(widths)?,
        note: Some("the layers are in the only order that fits their shapes"),
    })
}

/// The only order that fits, if there is exactly one.
fn only_order(widths: &[[usize; 2]]) -> Option<Vec<usize>> {
    /// More layers would take long.
    const MAX_LAYERS: usize = 12;
    if widths.len() > MAX_LAYERS {
        return None;
    }
    let mut search = Search {
        widths,
        path: Vec::new(),
        found: Vec::new(),
        n_steps: 0,
    };
    search.extend();
    match &mut search.found[..] {
        [order] => Some(std::mem::take(order)),
        _ => None,
    }
}

/// A search for all orders, which ends when two are found.
struct Search<'w> {
    widths: &'w [[usize; 2]],
    path: Vec<usize>,
    found: Vec<Vec<usize>>,
    n_steps: usize,
}

impl Search<'_> {
    fn extend(&mut self) {
        const MAX_STEPS: usize = 100_000;
        self.n_steps += 1;
        if self.path.len() == self.widths.len() {
            return self.found.push(self.path.clone());
        }
        for next in 0..self.widths.len() {
            let last = self.path.last().map(|&last| self.widths[last][1]);
            let fits = last.is_none_or(|width| width == self.widths[next][0]);
            if fits && !self.path.contains(&next) {
                self.path.push(next);
                self.extend();
                self.path.pop();
            }
            if self.found.len() > 1 || self.n_steps > MAX_STEPS {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(layers: &[(&str, [usize; 2])]) -> Option<Vec<usize>> {
        let (names, widths): (Vec<&str>, Vec<[usize; 2]>) = layers.iter().copied().unzip();
        let keys: Vec<_> = names.into_iter().map(natural_key).collect();
        order_of(&widths, &keys).map(|order| order.indices)
    }

    #[test]
    fn layers_are_ordered_by_number_then_by_shape() {
        // Numbers, not texts, are compared.
        let same = [2, 2];
        let layers = [("net.10", same), ("net.2", same), ("net.0", same)];
        assert_eq!(order(&layers), Some(vec![2, 1, 0]));
        let layers = [("dense_1", same), ("dense", same)];
        assert_eq!(order(&layers), Some(vec![1, 0]));
        // The order of the file.
        let layers = [("input", [4, 3]), ("hidden", [3, 2])];
        assert_eq!(order(&layers), Some(vec![0, 1]));
        // The only order that fits.
        let layers = [("a", [3, 2]), ("b", [5, 4]), ("c", [4, 3])];
        assert_eq!(order(&layers), Some(vec![1, 2, 0]));
        assert_eq!(order(&[("a", [3, 2]), ("b", [4, 5])]), None);
        // Three orders fit.
        let layers = [("a", [2, 3]), ("b", [4, 2]), ("c", [3, 4])];
        assert_eq!(order(&layers), None);
    }
}
