//! PowerPoint presentations (ECMA-376 PresentationML); slides are pages, their titles headings.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use crate::document::{BlockKind, Document};
use crate::error::DocumentError;
use crate::formats::flow::Flow;
use crate::formats::package::{Package, Relation};
use crate::formats::xml::{self, Mark, attribute, number};
use crate::formats::{Format, Input, Reader, charts, office_comments};

pub static READER: Reader = Reader {
    format: Format::Pptx,
    name: "PowerPoint (PPTX)",
    extensions: &["pptx", "pptm", "ppsx"],
    media_type: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    recognises: |input| input.archive().is_some_and(|archive| archive.has_folder("ppt/")),
    read,
};

fn read(input: &Input) -> Result<Document, DocumentError> {
    let mut package = Package::open(input, Format::Pptx)?;
    let slides = slides(&mut package);
    if slides.is_empty() {
        return Err(input.damaged(Format::Pptx, "it has no slides"));
    }
    let authors = package.part("ppt/commentAuthors.xml");
    let authors = authors.map_or_else(HashMap::new, |text| office_comments::presentation_authors(&text));
    let mut flow = Flow::default();
    for (index, name) in slides.iter().enumerate() {
        let Some(text) = package.part(name) else { continue };
        flow.builder.start_page(u32::try_from(index + 1).unwrap_or(u32::MAX));
        let relations = package.relations(name);
        let mut slide = Slide::new(flow);
        xml::walk(&text, |mark| slide.visit(mark)).map_err(|reason| input.damaged(Format::Pptx, reason))?;
        let Slide { flow: mut back, drawn, .. } = slide;
        back.close_all();
        attachments(&mut package, &relations, &drawn, &authors, &mut back);
        flow = back;
    }
    Ok(flow.finish(Format::Pptx))
}

/// The slides' parts in the order of the presentation; where that is not told, by their numbers.
fn slides(package: &mut Package) -> Vec<String> {
    let relations = package.relations("ppt/presentation.xml");
    let mut ordered = Vec::new();
    if let Some(text) = package.part("ppt/presentation.xml") {
        // What a damaged part still gave is used.
        let _ = xml::walk(&text, |mark| {
            if let Mark::Start(tag) = mark
                && tag.local_name().as_ref() == b"sldId"
                && let Some(relation) = relation_id(tag).and_then(|id| relations.get(&id))
            {
                ordered.push(relation.part.clone());
            }
        });
    }
    if ordered.is_empty() { package.parts("ppt/slides/slide", ".xml") } else { ordered }
}

/// `r:id`, not the element's own `id`.
fn relation_id(tag: &BytesStart) -> Option<String> {
    let attributes = tag.attributes().flatten();
    let mut named = attributes.filter(|attribute| attribute.key.prefix().is_some());
    let found = named.find(|attribute| matches!(attribute.key.local_name().as_ref(), b"id" | b"dm"))?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}

/// Charts and diagrams that the slide draws, its comments, and the speaker's notes.
fn attachments(
    package: &mut Package,
    relations: &HashMap<String, Relation>,
    drawn: &[String],
    authors: &HashMap<usize, String>,
    flow: &mut Flow,
) {
    for relation in drawn.iter().filter_map(|id| relations.get(id)) {
        let Some(text) = package.part(&relation.part) else { continue };
        match relation.kind.as_str() {
            "chart" => charts::push(&text, &mut flow.builder),
            "diagramData" => words(&text, flow),
            _ => {}
        }
    }
    let mut others: Vec<&Relation> = relations.values().collect();
    others.sort_by(|a, b| b.kind.cmp(&a.kind).then(a.part.cmp(&b.part)));
    for relation in others {
        if let ("comments", Some(text)) = (relation.kind.as_str(), package.part(&relation.part)) {
            office_comments::push(&text, authors, &mut flow.builder);
        }
    }
}

/// Every paragraph of a diagram.
fn words(text: &str, flow: &mut Flow) {
    // What a damaged part still gave is used.
    let _ = xml::walk(text, |mark| match mark {
        Mark::Start(tag) if tag.local_name().as_ref() == b"p" => flow.open(BlockKind::Paragraph),
        Mark::End(b"p") => flow.close(),
        Mark::Text(text) => flow.text(text),
        Mark::Start(_) | Mark::End(_) => {}
    });
}

/// A shape as far as its paragraphs ask.
#[derive(Default)]
struct Shape {
    /// Type of the placeholder; empty for the body's, `None` for other shapes.
    placeholder: Option<String>,
}

/// A paragraph before its words.
#[derive(Default)]
struct Paragraph {
    level: usize,
    bullet: Option<Bullet>,
}

#[derive(Clone, Copy, PartialEq)]
enum Bullet {
    None,
    Sign,
    Number,
}

struct Slide {
    flow: Flow,
    /// Relations of what is drawn beside text.
    drawn: Vec<String>,
    shape: Shape,
    paragraph: Paragraph,
    /// Between `<a:t>` and `</a:t>`: white space elsewhere means nothing.
    in_text: bool,
}

impl Slide {
    fn new(flow: Flow) -> Self {
        Self {
            flow,
            drawn: Vec::new(),
            shape: Shape::default(),
            paragraph: Paragraph::default(),
            in_text: false,
        }
    }

    fn visit(&mut self, mark: Mark) {
        match mark {
            Mark::Start(tag) => self.start(tag),
            Mark::End(name) => self.end(name),
            Mark::Text(text) if self.in_text && self.flow.is_open() => self.flow.text(text),
            Mark::Text(_) => {}
        }
    }

    /// Slide number, date and footer are the same on each slide.
    fn is_furniture(&self) -> bool {
        matches!(self.shape.placeholder.as_deref(), Some("sldNum" | "dt" | "ftr" | "hdr"))
    }

    fn start(&mut self, tag: &BytesStart) {
        match tag.local_name().as_ref() {
            b"sp" | b"graphicFrame" => self.shape = Shape::default(),
            b"ph" => self.shape.placeholder = Some(attribute(tag, b"type").unwrap_or_default()),
            b"chart" | b"relIds" => self.drawn.extend(relation_id(tag)),
            b"t" => self.in_text = true,
            b"tbl" => self.flow.start_table(),
            b"tr" => self.flow.start_row(),
            b"tc" if attribute(tag, b"hMerge").is_none() && attribute(tag, b"vMerge").is_none() => {
                let span = |name| number(tag, name).unwrap_or(1);
                self.flow.start_cell(span(b"gridSpan"), span(b"rowSpan"));
            }
            b"p" => self.paragraph = Paragraph::default(),
            b"pPr" => self.paragraph.level = number(tag, b"lvl").unwrap_or(0).min(8),
            b"buNone" => self.paragraph.bullet = Some(Bullet::None),
            b"buChar" | b"buBlip" => self.paragraph.bullet = Some(Bullet::Sign),
            b"buAutoNum" => self.paragraph.bullet = Some(Bullet::Number),
            b"r" | b"fld" if !self.is_furniture() && !self.flow.is_open() => self.open(),
            b"br" | b"tab" if self.flow.is_open() => self.flow.text(" "),
            _ => {}
        }
    }

    fn open(&mut self) {
        let placeholder = self.shape.placeholder.as_deref();
        if matches!(placeholder, Some("title" | "ctrTitle")) {
            return self.flow.open(BlockKind::Heading(1));
        }
        let is_body = matches!(placeholder, Some("" | "body" | "obj"));
        let bullet = self.paragraph.bullet.unwrap_or(if is_body { Bullet::Sign } else { Bullet::None });
        if bullet == Bullet::None || self.flow.in_table() {
            return self.flow.open(BlockKind::Paragraph);
        }
        self.flow.open(BlockKind::ListItem);
        self.flow.marker(&format!("{}- ", "  ".repeat(self.paragraph.level)));
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"t" => self.in_text = false,
            b"p" => self.flow.close(),
            b"tc" => self.flow.end_cell(),
            b"tr" => self.flow.end_row(),
            b"tbl" => self.flow.end_table(),
            b"sp" | b"graphicFrame" => self.shape = Shape::default(),
            _ => {}
        }
    }
}
