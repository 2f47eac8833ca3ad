//! What must hold for any texts taken for the names of class folders.

use std::cmp::Ordering;

use nn_image::natural_order;

/// Sorts the lines of `bytes`; the order is total.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let names: Vec<&str> = text.lines().take(12).collect();
    for a in &names {
        for b in &names {
            let order = natural_order(a, b);
            assert_eq!(order, natural_order(b, a).reverse(), "{a:?} {b:?}");
            assert_eq!(order == Ordering::Equal, a == b, "{a:?} {b:?}");
            for c in &names {
                if order == Ordering::Less && natural_order(b, c) == Ordering::Less {
                    assert_eq!(natural_order(a, c), Ordering::Less, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}
