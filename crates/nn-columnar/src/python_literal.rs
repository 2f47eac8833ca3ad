//! Python literals in the headers of NumPy arrays.

/// A Python literal of a type that occurs in headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Boolean(bool),
    Integer(i64),
    Text(String),
    /// A list or a tuple.
    Sequence(Vec<Literal>),
    Dictionary(Vec<(Literal, Literal)>),
}

/// Maximum nesting depth of literals.
const MAX_DEPTH: usize = 16;

impl Literal {
    /// The value of a string key in a dictionary.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dictionary(entries) = self else {
            return None;
        };
        let is_key = |entry: &&(Self, Self)| matches!(&entry.0, Self::Text(text) if text == key);
        entries.iter().find(is_key).map(|(_, value)| value)
    }
}

/// Parses a string that consists of one literal and blanks.
pub(crate) fn parse(text: &str) -> Result<Literal, String> {
    let mut parser = Parser { rest: text };
    let literal = parser.literal(0);
    match (literal, parser.next()) {
        (Some(literal), None) => Ok(literal),
        _ => Err("the header is not a Python literal".to_owned()),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// The next character that is not a blank, without taking it.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, prefix: &str) -> bool {
        self.next();
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.next()? {
            quote @ ('\'' | '"') => self.text(quote),
            '(' => self.sequence(")", depth),
            '[' => self.sequence("]", depth),
            '{' => self.dictionary(depth),
            'T' => self.take("True").then_some(Literal::Boolean(true)),
            'F' => self.take("False").then_some(Literal::Boolean(false)),
            _ => self.integer(),
        }
    }

    /// A text; none of NumPy's headers needs an escape.
    fn text(&mut self, quote: char) -> Option<Literal> {
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        (!text.contains('\\')).then(|| Literal::Text(text.to_owned()))
    }

    fn integer(&mut self) -> Option<Literal> {
        let is_part = |c: char| c.is_ascii_digit() || c == '-';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        // Python 2 wrote long numbers with an L.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        digits.parse().ok().map(Literal::Integer)
    }

    fn sequence(&mut self, end: &str, depth: usize) -> Option<Literal> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.literal(depth + 1)?);
            if !self.take(",") && !self.rest.starts_with(end) {
                return None;
            }
        }
        Some(Literal::Sequence(items))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        self.rest = &self.rest[1..];
        let mut entries = Vec::new();
        while !self.take("}") {
            let key = self.literal(depth + 1)?;
            if !self.take(":") {
                return None;
            }
            entries.push((key, self.literal(depth + 1)?));
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Literal::Dictionary(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_parsed() {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n";
        let header = parse(header).expect("a header of NumPy");
        let shape = [Literal::Integer(3), Literal::Integer(4)].to_vec();
        assert_eq!(header.get("shape"), Some(&Literal::Sequence(shape)));
        assert_eq!(header.get("fortran_order"), Some(&Literal::Boolean(false)));
        assert_eq!(header.get("order"), None);
    }

    #[test]
    fn other_texts_are_refused() {
        let deep = "(".repeat(1000);
        for text in ["", "{", "{'a'}", "(1 2)", "'a", "nan", "1 2", "[1,", &deep] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
