//! Reports and comparisons with malicious names and unusual numbers.

use nn_plot::Page;
use nn_plot::chart::ConfusionChart;
use nn_report::{ClassResult, Comparison, Results, RunRecord, RunReport};
use nn_train::{EpochMetrics, Settings, Summary};

const HOSTILE: &str = "</style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\0";

fn run(accuracy: f64) -> RunRecord {
    let epoch = |epoch: usize| EpochMetrics {
        epoch,
        step: 10 * epoch as u64,
        learning_rate: 0.1,
        train_loss: f64::INFINITY,
        train_accuracy: Some(accuracy),
        validation_loss: Some(1.0 / epoch as f64),
        validation_accuracy: Some(f64::NAN),
        train_seconds: 0.5,
        evaluate_seconds: Some(0.1),
    };
    RunRecord {
        name: HOSTILE.to_owned(),
        settings: Settings {
            target: Some(HOSTILE.to_owned()),
            ..Settings::default()
        },
        epochs: (1..=3).map(epoch).collect(),
        summary: Summary {
            dataset: HOSTILE.to_owned(),
            test_accuracy: Some(accuracy),
            ..Summary::default()
        },
    }
}

/// Tags of the elements of a page.
fn tags(page: &Page) -> Vec<String> {
    let html = page.html();
    let xml = html
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    let document = roxmltree::Document::parse(xml).expect("well-formed");
    let elements = document.descendants().filter(|node| node.is_element());
    elements
        .map(|node| node.tag_name().name().to_owned())
        .collect()
}

fn report() -> RunReport {
    let names = vec![HOSTILE.to_owned(), "b".to_owned()];
    RunReport {
        run: run(0.9),
        program: "nn".to_owned(),
        path: HOSTILE.to_owned(),
        data: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
        results: Some(Results {
            split: "test".to_owned(),
            n_samples: 10,
            loss_name: HOSTILE.to_owned(),
            loss: f64::NAN,
            accuracy: Some(0.9),
            confusion: Some(ConfusionChart {
                title: HOSTILE.to_owned(),
                class_names: names,
                counts: vec![vec![8, 1], vec![0, 1]],
            }),
            classes: vec![ClassResult {
                name: HOSTILE.to_owned(),
                ..ClassResult::default()
            }],
            ..Results::default()
        }),
        missing: vec![HOSTILE.to_owned()],
        ..RunReport::default()
    }
}

#[test]
fn untrusted_names_are_escaped() {
    let comparison = Comparison {
        runs: vec![run(0.9), run(0.8)],
        verdicts: vec![HOSTILE.to_owned()],
        command: HOSTILE.to_owned(),
    };
    for page in [report().build().page, comparison.build().page] {
        let tags = tags(&page);
        for forbidden in ["script", "img", "iframe", "link"] {
            assert!(!tags.iter().any(|tag| tag == forbidden), "{forbidden}");
        }
        assert_eq!(tags.iter().filter(|tag| *tag == "h1").count(), 1);
    }
}

#[test]
fn every_chart_of_the_page_is_a_file_too() {
    let report = report().build();
    let n_charts = tags(&report.page)
        .iter()
        .filter(|tag| *tag == "svg")
        .count();
    assert_eq!(report.plots.len(), n_charts);
    let names: Vec<&str> = report.plots.iter().map(|plot| plot.0.as_str()).collect();
    assert_eq!(
        names,
        ["loss", "accuracy", "learning-rate", "time", "confusion"]
    );
}

#[test]
fn a_report_without_results_says_what_is_missing() {
    let missing = vec!["The data are gone".to_owned()];
    let report = RunReport {
        results: None,
        missing,
        ..report()
    };
    let html = report.build().page.html();
    assert!(html.contains("<li>The data are gone</li>"));
    assert!(!html.contains("Test results"));
}

#[test]
fn empty_reports_are_pages() {
    tags(&RunReport::default().build().page);
    tags(&Comparison::default().build().page);
}
