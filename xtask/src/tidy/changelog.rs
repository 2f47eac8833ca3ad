//! `CHANGELOG.md` must begin with `## [Unreleased]` and contain the version of the
//! workspace's `Cargo.toml`: either as a release, `## [0.1.0] - 2026-01-31`, or below
//! Unreleased as `Next version: 0.1.0`.

use super::project::File;
use super::source::line_of;
use super::violation::Violation;

/// Checks that the changelog contains the current version.
pub(super) fn names_the_version(files: &[File]) -> Vec<Violation> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let Some(manifest) = find("Cargo.toml") else {
        return Vec::new();
    };
    let Some((version, line)) = workspace_version(&manifest.text) else {
        return vec![Violation::new(
            manifest,
            1,
            "[workspace.package] must have a version",
        )];
    };
    let Some(changelog) = find("CHANGELOG.md") else {
        let rule = format!("version {version} must be in CHANGELOG.md, which is missing");
        return vec![Violation::new(manifest, line, rule)];
    };
    let mut violations = Vec::new();
    if first_section(&changelog.text) != Some("## [Unreleased]") {
        violations.push(Violation::new(
            changelog,
            1,
            "the first section must be `## [Unreleased]`",
        ));
    }
    if !names(&changelog.text, version) {
        let rule = format!(
            "version {version} must be listed: `## [{version}] - DATE` or `Next version: {version}`"
        );
        violations.push(Violation::new(changelog, 1, rule));
    }
    violations
}

/// The version in `[workspace.package]` and its line number.
fn workspace_version(manifest: &str) -> Option<(&str, usize)> {
    let table = "[workspace.package]";
    let start = manifest.find(table)? + table.len();
    let end = manifest[start..]
        .find("\n[")
        .map_or(manifest.len(), |length| start + length);
    let offset = start + manifest[start..end].find("\nversion")? + 1;
    let version = manifest[offset..].lines().next()?.split('"').nth(1)?;
    Some((version, line_of(manifest, offset)))
}

fn first_section(changelog: &str) -> Option<&str> {
    changelog.lines().find(|line| line.starts_with("## "))
}

fn names(changelog: &str, version: &str) -> bool {
    let (release, next) = (
        format!("## [{version}] - "),
        format!("Next version: {version}"),
    );
    changelog
        .lines()
        .any(|line| line.starts_with(&release) || line == next)
}

#[cfg(test)]
mod tests {
    use super::super::project;
    use super::super::violation::places;
    use super::*;

    const MANIFEST: (&str, &str) = (
        "Cargo.toml",
        "[workspace]\n\n[workspace.package]\nedition = \"2024\"\nversion = \"0.2.0\"\n\n[workspace.lints.rust]\n",
    );

    fn found(changelog: &str) -> Vec<String> {
        places(names_the_version, &[MANIFEST, ("CHANGELOG.md", changelog)])
    }

    #[test]
    fn a_version_that_is_not_named_is_found() {
        let bad = [
            "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-31\n",
            "# Changelog\n\n## [Unreleased]\n\nNext version: 0.2.0.1\n",
            "# Changelog\n\n## [0.2.0] - 2026-01-31\n\n## [Unreleased]\n",
        ];
        for text in bad {
            assert_eq!(found(text), ["CHANGELOG.md:1"], "{text}");
        }
    }

    #[test]
    fn a_missing_changelog_is_found() {
        assert_eq!(places(names_the_version, &[MANIFEST]), ["Cargo.toml:5"]);
    }

    #[test]
    fn a_released_and_a_coming_version_are_named() {
        let good = [
            "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-31\n",
            "# Changelog\n\n## [Unreleased]\n\nNext version: 0.2.0\n\n## [0.1.0] - 2026-01-31\n",
        ];
        for text in good {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_change_log_names_this_version() {
        let files = project::files().expect("the project's files are readable");
        assert_eq!(names_the_version(&files), []);
        let manifest = files
            .iter()
            .find(|file| file.path == "Cargo.toml")
            .expect("the manifest is there");
        let version = workspace_version(&manifest.text).map(|(version, _)| version);
        assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    }
}
