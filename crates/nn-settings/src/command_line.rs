//! Formats settings as flags of `nn train`, for shell commands and messages.

use crate::settings::Settings;

/// Writes settings as flags for a POSIX shell, such as ` --hidden 64 --lr 0.1`.
///
/// ```
/// let settings = nn_settings::Settings { data: Some("my houses.csv".into()), ..Default::default() };
/// let flags = nn_settings::command_line::of_settings(&settings);
/// assert_eq!(flags, " --data 'my houses.csv'");
/// ```
pub fn of_settings(settings: &Settings) -> String {
    let settings = settings.to_json();
    let flags = settings.as_object().into_iter().flatten();
    let flag = |(name, value): (&String, &serde_json::Value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let separator = if value.starts_with('-') { '=' } else { ' ' };
        format!(" --{name}{separator}{}", quoted(&value))
    };
    flags.map(flag).collect()
}

/// Quotes a word for a POSIX shell if needed. An [escaped path](nn_files::escaped_path) that
/// is not UTF-8 is written in `bash`'s notation `$'…'`.
pub fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=.,:/+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains('\0') {
        let word = word.replace('\\', r"\\").replace('\'', r"\'");
        format!("$'{}'", word.replace('\0', r"\x"))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Replaces names of settings in backticks by flags: `` `lr` `` by `--lr`,
/// `` `hidden = 64` `` by `--hidden 64`.
///
/// ```
/// let text = nn_settings::command_line::in_text("set `header` to yes, or try `hidden = 64`");
/// assert_eq!(text, "set --header to yes, or try --hidden 64");
/// ```
pub fn in_text(text: &str) -> String {
    let mut parts = text.split('`');
    let mut result = parts.next().unwrap_or_default().to_owned();
    while let Some(quoted) = parts.next() {
        let Some(after) = parts.next() else {
            result.push('`');
            result.push_str(quoted);
            break;
        };
        result.push_str(&as_flag(quoted).unwrap_or_else(|| format!("`{quoted}`")));
        result.push_str(after);
    }
    result
}

/// Options of `nn` that are no settings but occur in messages of the libraries.
const OTHER_OPTIONS: [&str; 14] = [
    "allow-nonfinite",
    "checkpoint-interval",
    "classes",
    "columns",
    "divide",
    "from",
    "index",
    "mean",
    "name",
    "offline",
    "resume",
    "shape",
    "std",
    "strict",
];

/// `--hidden 64` of `hidden = 64`; `None` if it is not a flag.
fn as_flag(text: &str) -> Option<String> {
    let (name, value) = match text.split_once(" = ") {
        Some((name, value)) => (name, format!(" {value}")),
        None => (text, String::new()),
    };
    let is_flag = OTHER_OPTIONS.contains(&name) || Settings::names().iter().any(|it| it == name);
    is_flag.then(|| format!("--{name}{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_as_flags() {
        let settings = Settings {
            data: Some("it's.csv".to_owned()),
            batch_norm: Some(true),
            hidden: Some("".parse().expect("no widths")),
            lr: Some(0.5),
            ..Settings::default()
        };
        let expected = r" --batch-norm true --data 'it'\''s.csv' --hidden '' --lr 0.5";
        assert_eq!(of_settings(&settings), expected);
    }

    #[test]
    fn a_shell_reads_every_word_as_it_is() {
        assert_eq!(quoted("--data=mnist"), "--data=mnist");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("it's \0E9\\"), r"$'it\'s \xE9\\'");
    }
}
