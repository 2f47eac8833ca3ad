//! "Did you mean": the known name nearest to a misspelt one.

/// The candidate with the smallest edit distance to `name`, letter case aside,
/// if it is near enough to be meant: at most a third of the letters differ.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = wanted.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance (1966): the fewest insertions, deletions and
/// replacements of one letter that turn `a` into `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut row = Vec::with_capacity(previous.len());
        row.push(i + 1);
        for (j, &other) in b.iter().enumerate() {
            let replaced = previous[j] + usize::from(letter != other);
            row.push(replaced.min(previous[j + 1] + 1).min(row[j] + 1));
        }
        previous = row;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_textbook_ones() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("same", "same"), 0);
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["species", "petal_length", "petal_width"];
        assert_eq!(nearest("Specis", names), Some("species"));
        assert_eq!(nearest("petal_widht", names), Some("petal_width"));
        assert_eq!(nearest("colour", names), None);
    }
}
