//! The journal of a study: one line of JSON per event.
//!
//! ```text
//! {"event":"search","version":2,"space":["lr=log:0.0001..1"],"strategy":"bayesian:initial=0",...}
//! {"event":"asked","trial":0,"point":{"lr":0.012}}
//! {"event":"reported","trial":0,"step":1,"value":0.31}
//! {"event":"told","trial":0,"outcome":"finished","objective":0.25}
//! {"event":"resumed"}
//! ```
//!
//! Lines are only appended. If a crash or a full disk truncates a line, the next line is
//! the event `resumed`. A power failure can leave zero bytes in place of lines that were not
//! synced; the first such line and all lines up to `resumed` are ignored. All other lines
//! must be valid. NaN and infinity are written as `null`.
//!
//! Version 1 has no `round`; such a study has one trial per round.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::{Error, Outcome, Point, Result, Value};

/// Version of the format of a study with this number of trials per round. Programs that know
/// version 1 only would ignore the rounds, so that version is written only without rounds.
pub(crate) fn version(round: usize) -> u32 {
    if round == 1 { 1 } else { 2 }
}

/// An event to be written.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Line<'a> {
    Search(&'a Header),
    Asked {
        trial: usize,
        point: &'a Point,
    },
    Reported {
        trial: usize,
        step: u64,
        value: f64,
    },
    Told {
        trial: usize,
        outcome: OutcomeName,
        #[serde(skip_serializing_if = "Option::is_none")]
        objective: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<&'a str>,
    },
    Resumed,
}

/// An event that was read.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Entry {
    Search(Header),
    Asked {
        trial: usize,
        point: BTreeMap<String, Value>,
    },
    Reported {
        trial: usize,
        step: u64,
        value: Option<f64>,
    },
    Told {
        trial: usize,
        outcome: OutcomeName,
        objective: Option<f64>,
        /// Written in the journals of workers only.
        details: Option<String>,
    },
    Resumed,
}

/// The settings of the study, as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) space: Vec<String>,
    pub(crate) strategy: String,
    pub(crate) goal: String,
    pub(crate) stopping: String,
    pub(crate) seed: u64,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) round: usize,
}

impl Header {
    /// Returns an error with the first setting that `found` has different.
    pub(crate) fn expect_same(&self, found: &Self) -> Result<()> {
        let texts = |header: &Self| {
            [
                ("space", header.space.join(" ")),
                ("strategy", header.strategy.clone()),
                ("goal", header.goal.clone()),
                ("stopping rule", header.stopping.clone()),
                ("seed", header.seed.to_string()),
                ("round", header.round.to_string()),
                ("format version", header.version.to_string()),
            ]
        };
        let different = texts(self)
            .into_iter()
            .zip(texts(found))
            .find(|(expected, found)| expected != found);
        match different {
            None => Ok(()),
            Some(((setting, expected), (_, found))) => Err(Error::OtherSearch {
                setting,
                expected,
                found,
            }),
        }
    }
}

fn one() -> usize {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_one(round: &usize) -> bool {
    *round == 1
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutcomeName {
    Finished,
    Stopped,
    Failed,
}

impl OutcomeName {
    /// Splits an outcome into its name and objective.
    pub(crate) fn split(outcome: Outcome) -> (Self, Option<f64>) {
        match outcome {
            Outcome::Finished(objective) => (Self::Finished, Some(objective)),
            Outcome::Stopped => (Self::Stopped, None),
            Outcome::Failed => (Self::Failed, None),
        }
    }

    pub(crate) fn join(self, objective: Option<f64>) -> Outcome {
        match self {
            Self::Finished => Outcome::Finished(objective.unwrap_or(f64::NAN)),
            Self::Stopped => Outcome::Stopped,
            Self::Failed => Outcome::Failed,
        }
    }
}

/// The writer of a journal.
#[derive(Debug)]
pub(crate) struct Journal<W> {
    writer: W,
    /// Whether the last line may be truncated.
    is_torn: bool,
}

impl<W: Write> Journal<W> {
    pub(crate) fn new(writer: W, is_torn: bool) -> Self {
        Self { writer, is_torn }
    }

    /// Appends one line and flushes the writer.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the journal cannot be written.
    pub(crate) fn append(&mut self, line: &Line<'_>) -> Result<()> {
        let mut text = Vec::new();
        if self.is_torn {
            text.push(b'\n');
            write_line(&mut text, &Line::Resumed)?;
        }
        write_line(&mut text, line)?;
        self.is_torn = true;
        self.writer.write_all(&text)?;
        self.writer.flush()?;
        self.is_torn = false;
        Ok(())
    }
}

fn write_line(text: &mut Vec<u8>, line: &Line<'_>) -> Result<()> {
    serde_json::to_writer(&mut *text, line).map_err(std::io::Error::from)?;
    text.push(b'\n');
    Ok(())
}

/// The content of a journal.
pub(crate) struct Contents {
    /// Each event with its line number, counted from 1.
    pub(crate) entries: Vec<(usize, Entry)>,
    /// Whether the last line is truncated, or lines are lost.
    pub(crate) is_torn: bool,
}

/// Reads a journal.
///
/// # Errors
/// Returns [`Error::Io`], or [`Error::JournalLine`] for an invalid line that was not
/// truncated by a crash.
pub(crate) fn read(mut journal: impl BufRead) -> Result<Contents> {
    let mut bytes = Vec::new();
    journal.read_to_end(&mut bytes)?;
    let mut is_lost = false;
    let mut entries = Vec::new();
    let mut broken: Option<(usize, serde_json::Error)> = None;
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let entry = serde_json::from_slice(line);
        is_lost = (is_lost || line.contains(&0)) && !matches!(entry, Ok(Entry::Resumed));
        if is_lost {
            continue;
        }
        if let Some((line, source)) = broken.take()
            && !matches!(entry, Ok(Entry::Resumed))
        {
            return Err(Error::JournalLine { line, source });
        }
        match entry {
            Ok(entry) => entries.push((index + 1, entry)),
            Err(source) => broken = Some((index + 1, source)),
        }
    }
    let is_torn = is_lost || bytes.last().is_some_and(|&last| last != b'\n');
    match broken {
        Some((line, source)) if !is_torn => Err(Error::JournalLine { line, source }),
        _ => Ok(Contents { entries, is_torn }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"event":"search","version":1,"space":["x=0..1"],"strategy":"random","goal":"minimize","stopping":"none","seed":7}"#;

    fn read_text(text: &str) -> Result<Contents> {
        read(text.as_bytes())
    }

    #[test]
    fn lines_are_stable() {
        let Ok(Entry::Search(header)) = serde_json::from_str(HEADER) else {
            panic!("the header can be read");
        };
        let lines = [
            Line::Search(&header),
            Line::Reported {
                trial: 3,
                step: 2,
                value: f64::NAN,
            },
            Line::Told {
                trial: 3,
                outcome: OutcomeName::Finished,
                objective: Some(0.1),
                details: None,
            },
            Line::Told {
                trial: 4,
                outcome: OutcomeName::Failed,
                objective: None,
                details: Some("a \"text\""),
            },
            Line::Resumed,
        ];
        let mut written = Vec::new();
        let mut journal = Journal::new(&mut written, false);
        for line in &lines {
            journal.append(line).unwrap();
        }
        let expected = [
            HEADER,
            r#"{"event":"reported","trial":3,"step":2,"value":null}"#,
            r#"{"event":"told","trial":3,"outcome":"finished","objective":0.1}"#,
            r#"{"event":"told","trial":4,"outcome":"failed","details":"a \"text\""}"#,
            r#"{"event":"resumed"}"#,
            "",
        ];
        assert_eq!(String::from_utf8(written).unwrap(), expected.join("\n"));
        assert_eq!(read_text(&expected.join("\n")).unwrap().entries.len(), 5);
    }

    #[test]
    fn only_a_crash_explains_half_a_line() {
        let torn = format!("{HEADER}\n{{\"event\":\"ask");
        let contents = read_text(&torn).unwrap();
        assert!(contents.is_torn && contents.entries.len() == 1);
        let resumed = format!("{torn}\n{{\"event\":\"resumed\"}}\n");
        assert_eq!(read_text(&resumed).unwrap().entries.len(), 2);
        for broken in [format!("{torn}\n"), format!("{torn}\n{HEADER}\n")] {
            let error = read_text(&broken).map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::JournalLine { line: 2, .. }));
            assert!(error.to_string().starts_with("line 2: EOF"), "{error}");
        }
    }

    #[test]
    fn lines_that_a_power_failure_lost_are_ignored() {
        let asked = |trial| format!("{{\"event\":\"asked\",\"trial\":{trial},\"point\":{{}}}}\n");
        let zeros = "\0".repeat(9);
        for lost in [
            zeros.clone(),
            format!("{zeros}\n{}", asked(1)),
            zeros + &asked(1),
        ] {
            let text = format!("{HEADER}\n{}{lost}", asked(0));
            let contents = read_text(&text).unwrap();
            assert!(contents.is_torn, "{text:?}");
            assert_eq!(contents.entries.len(), 2, "{text:?}");
            let resumed = format!("{text}\n{{\"event\":\"resumed\"}}\n{}", asked(1));
            let contents = read_text(&resumed).unwrap();
            assert!(!contents.is_torn, "{resumed:?}");
            let lines: Vec<usize> = contents.entries.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines.len(), 4, "{resumed:?}");
        }
    }
}
