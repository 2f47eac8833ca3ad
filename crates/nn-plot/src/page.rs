//! Self-contained HTML pages, without scripts or network requests, for screen and print.

use crate::escape::escaped;
use crate::palette;
use crate::svg::Svg;
use crate::table::{Table, Tone};

/// Minimum number of sections for a table of contents.
const CONTENTS_FROM: usize = 4;

/// Content security policy: nothing is loaded or run, even if text were not escaped.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--muted:#59636e;--paper:#fff;--box:#f5f7f9;--rule:#d5dae0;\
--link:#0b62a8;--good:#0a6b4a;--bad:#a83a00;--mark:#fff1c2}\
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--muted:#a3adb8;--paper:#14181d;\
--box:#1d232a;--rule:#353d47;--link:#7cc4f5;--good:#4fd1a5;--bad:#ff9d66;--mark:#4a3d0c}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,\
'Helvetica Neue',sans-serif}\
main,header,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}\
header{padding-top:1.5rem}footer{padding:2rem 1.25rem;color:var(--muted);font-size:.9rem}\
h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0;overflow-wrap:anywhere}\
h2{font-size:1.35rem;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--rule)}\
h3{font-size:1.08rem;margin:1.6rem 0 .4rem}\
p,ul,ol{max-width:46rem;overflow-wrap:anywhere}p{margin:.5rem 0}\
.lead{font-size:1.1rem;color:var(--muted)}\
.note{border-left:4px solid var(--rule);padding:.2rem 0 .2rem .9rem;color:var(--muted)}\
a{color:var(--link)}\
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}\
code{background:var(--box);padding:.1em .3em;border-radius:4px}\
pre{background:var(--box);padding:.8rem 1rem;border-radius:6px;overflow-x:auto;border:1px solid var(--rule)}\
pre code{padding:0;background:none}\
nav ol{padding-left:1.3rem;columns:16rem;margin:.4rem 0}\
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.7rem;margin:1rem 0}\
.facts div{background:var(--box);border:1px solid var(--rule);border-radius:8px;padding:.6rem .8rem}\
.facts dl,.facts dd,.facts dt{margin:0}.facts dt{color:var(--muted);font-size:.85rem}\
.facts dd{font-size:1.3rem;font-weight:600;overflow-wrap:anywhere}\
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.2rem;align-items:start}\
figure{margin:.8rem 0;break-inside:avoid}figure svg{max-width:100%;height:auto;display:block}\
figcaption{color:var(--muted);font-size:.92rem;max-width:46rem;padding:.2rem .5rem}\
.scroll{overflow-x:auto;margin:.8rem 0}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
caption{text-align:left;color:var(--muted);padding-bottom:.4rem}\
th,td{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}\
th+th,td+td{padding-left:.8rem}thead th{border-bottom:2px solid var(--rule);white-space:nowrap}\
.number{text-align:right;white-space:nowrap}.muted{color:var(--muted)}\
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}.marked{background:var(--mark)}\
summary{cursor:pointer;color:var(--link)}details{margin:.8rem 0}\
@media (max-width:34rem){.chart .label{font-size:15.5px}\
.scroll table{width:max-content;max-width:34rem;font-size:.9rem}}\
@media print{body{font-size:11pt}main,header,footer{max-width:none;padding:0}nav{display:none}\
.scroll{overflow:visible}pre{white-space:pre-wrap}h2,h3{break-after:avoid}tr{break-inside:avoid}}";

/// An HTML page.
///
/// All text is escaped. In paragraphs, notes, lists and captions, `` `text` `` in
/// backticks is formatted as code.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    lead: String,
    sections: Vec<String>,
    footer: String,
    body: Body,
}

/// The content of a page or of a collapsible part.
#[derive(Clone, Debug, Default)]
pub struct Body {
    html: String,
    /// Whether the last block is a figure. The next figure is then placed beside it.
    is_in_figures: bool,
}

impl Page {
    /// Creates an empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lead: String::new(),
            sections: Vec::new(),
            footer: String::new(),
            body: Body::default(),
        }
    }

    /// Sets the lead, a line below the title.
    pub fn lead(&mut self, text: &str) -> &mut Self {
        text.clone_into(&mut self.lead);
        self
    }

    /// Sets the footer.
    pub fn footer(&mut self, text: &str) -> &mut Self {
        text.clone_into(&mut self.footer);
        self
    }

    /// Starts a section and returns the body to add content to it.
    pub fn section(&mut self, title: &str) -> &mut Body {
        self.sections.push(title.to_owned());
        let id = self.sections.len();
        let heading = format!("<h2 id=\"section-{id}\">{}</h2>\n", escaped(title));
        self.body.block(&heading);
        &mut self.body
    }

    /// Returns the body, to add content to the last section.
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Returns the complete page as an HTML document.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let lead = match self.lead.as_str() {
            "" => String::new(),
            lead => format!("<p class=\"lead\">{}</p>\n", formatted(lead)),
        };
        let footer = match self.footer.as_str() {
            "" => String::new(),
            footer => format!("<footer>{}</footer>\n", formatted(footer)),
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n\
             <title>{title}</title>\n<style>{STYLE}{}</style>\n</head>\n<body>\n\
             <header><h1>{title}</h1>\n{lead}{}</header>\n<main>\n{}</main>\n{footer}</body>\n</html>\n",
            palette::style_sheet(),
            self.contents(),
            self.body.finished()
        )
    }

    fn contents(&self) -> String {
        if self.sections.len() < CONTENTS_FROM {
            return String::new();
        }
        let items: String = (1..)
            .zip(&self.sections)
            .map(|(id, title)| format!("<li><a href=\"#section-{id}\">{}</a></li>", escaped(title)))
            .collect();
        format!("<nav aria-label=\"Contents\"><ol>{items}</ol></nav>\n")
    }
}

impl Body {
    /// Adds a heading inside a section.
    pub fn subsection(&mut self, title: &str) -> &mut Self {
        self.block(&format!("<h3>{}</h3>\n", escaped(title)))
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.block(&format!("<p>{}</p>\n", formatted(text)))
    }

    /// Adds a paragraph that begins with an emphasized word, such as a verdict.
    pub fn verdict(&mut self, word: &str, tone: Tone, text: &str) -> &mut Self {
        let (class, word, text) = (tone.class(), escaped(word), formatted(text));
        self.block(&format!(
            "<p><strong class=\"{class}\">{word}</strong> {text}</p>\n"
        ))
    }

    /// Adds a note.
    pub fn note(&mut self, text: &str) -> &mut Self {
        self.block(&format!("<p class=\"note\">{}</p>\n", formatted(text)))
    }

    /// Adds a list.
    pub fn list<T: AsRef<str>>(&mut self, items: impl IntoIterator<Item = T>) -> &mut Self {
        let items: String = items
            .into_iter()
            .map(|item| format!("<li>{}</li>", formatted(item.as_ref())))
            .collect();
        self.block(&format!("<ul>{items}</ul>\n"))
    }

    /// Adds a block of code, such as a command.
    pub fn code(&mut self, text: &str) -> &mut Self {
        self.block(&format!(
            "<pre tabindex=\"0\"><code>{}</code></pre>\n",
            escaped(text)
        ))
    }

    /// Adds key figures, each with its name.
    pub fn facts<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        facts: impl IntoIterator<Item = (N, V)>,
    ) -> &mut Self {
        let facts: String = facts
            .into_iter()
            .map(|(name, value)| {
                let (name, value) = (escaped(name.as_ref()), escaped(value.as_ref()));
                format!("<div><dl><dt>{name}</dt><dd>{value}</dd></dl></div>")
            })
            .collect();
        self.block(&format!("<div class=\"facts\">{facts}</div>\n"))
    }

    /// Adds a chart with a caption. In a wide window, consecutive charts are placed side by side.
    pub fn figure(&mut self, svg: &Svg, caption: &str) -> &mut Self {
        if !self.is_in_figures {
            self.html.push_str("<div class=\"figures\">\n");
            self.is_in_figures = true;
        }
        let caption = match caption {
            "" => String::new(),
            caption => format!("<figcaption>{}</figcaption>", formatted(caption)),
        };
        let figure = format!("<figure>{}{caption}</figure>\n", svg.inline());
        self.html.push_str(&figure);
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.block(&table.html())
    }

    /// Adds a collapsed part with a summary.
    pub fn details(&mut self, summary: &str, write: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inside = Self::default();
        write(&mut inside);
        self.block(&format!(
            "<details><summary>{}</summary>\n{}</details>\n",
            escaped(summary),
            inside.finished()
        ))
    }

    fn block(&mut self, html: &str) -> &mut Self {
        if self.is_in_figures {
            self.html.push_str("</div>\n");
            self.is_in_figures = false;
        }
        self.html.push_str(html);
        self
    }

    fn finished(&self) -> String {
        let mut all = self.clone();
        all.block("");
        all.html
    }
}

/// Escapes a text and formats text in backticks as code.
fn formatted(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = !parts.len().is_multiple_of(2);
    if !is_paired {
        return escaped(text);
    }
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => escaped(part),
            _ => format!("<code>{}</code>", escaped(part)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</title><script>alert(1)</script>`<img src=x onerror=alert(1)>`\"'&\0";

    fn parsed(html: &str) -> roxmltree::Document<'_> {
        let xml = html
            .strip_prefix("<!DOCTYPE html>")
            .expect("a document type");
        roxmltree::Document::parse(xml).expect("well-formed")
    }

    #[test]
    fn text_of_others_stays_text() {
        let svg = crate::svg::Drawing::new(HOSTILE, 200).finish(50.0, HOSTILE);
        let mut table = Table::new(vec![crate::Column::text(HOSTILE)]);
        table.row([HOSTILE]);
        let mut page = Page::new(HOSTILE);
        page.lead(HOSTILE).footer(HOSTILE);
        page.section(HOSTILE)
            .subsection(HOSTILE)
            .paragraph(HOSTILE)
            .note(HOSTILE)
            .verdict(HOSTILE, Tone::Bad, HOSTILE)
            .list([HOSTILE])
            .code(HOSTILE)
            .facts([(HOSTILE, HOSTILE)])
            .figure(&svg, HOSTILE)
            .table(&table)
            .details(HOSTILE, |body| {
                body.figure(&svg, HOSTILE);
            });
        let html = page.html();
        let document = parsed(&html);
        let tags: Vec<&str> = document
            .descendants()
            .map(|node| node.tag_name().name())
            .collect();
        assert!(
            !tags.contains(&"script") && !tags.contains(&"img"),
            "{tags:?}"
        );
        let is_handler = |name: &str| name.starts_with("on");
        let mut attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(!attributes.any(|attribute| is_handler(attribute.name())));
    }

    #[test]
    fn nothing_is_fetched() {
        let html = Page::new("Empty").html();
        for needle in ["http:", "https:", "url(", "@import", "src=\"", "<script"] {
            assert!(!html.contains(needle), "{needle}");
        }
    }

    #[test]
    fn long_pages_have_contents_and_headings_in_order() {
        let mut page = Page::new("Long");
        for title in ["a", "b", "c"] {
            page.section(title);
        }
        assert!(!page.html().contains("<nav"));
        page.section("d").subsection("e");
        let html = page.html();
        let document = parsed(&html);
        let headings: Vec<&str> = document
            .descendants()
            .map(|node| node.tag_name().name())
            .filter(|name| ["h1", "h2", "h3", "nav"].contains(name))
            .collect();
        assert_eq!(headings, ["h1", "nav", "h2", "h2", "h2", "h2", "h3"]);
    }

    #[test]
    fn backticks_come_in_pairs_or_stay() {
        assert_eq!(formatted("a `b<` c"), "a <code>b&lt;</code> c");
        assert_eq!(formatted("a ` b"), "a ` b");
    }
}
