//! Finds the most similar name, for "did you mean" hints.

/// The candidate with the smallest edit distance to `name`, ignoring case, if
/// at most a third of the letters differ.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    let limit = name.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::levenshtein(&name, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        let names = ["species", "petal_length", "petal_width"];
        assert_eq!(nearest("Specis", names), Some("species"));
        assert_eq!(nearest("petal_widht", names), Some("petal_width"));
        assert_eq!(nearest("color", names), None);
    }
}
