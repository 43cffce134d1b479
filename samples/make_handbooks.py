#!/usr/bin/env python3
"""Writes the sample handbooks (PDF, DOCX) and their questions.

    pip install -r requirements.txt
    python3 make_handbooks.py

The text is our own and stands in ``handbook_*.py``; the same text gives the same
bytes. ``questions.jsonl`` names for every question the page of the PDF.
"""
import datetime
import importlib
import io
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

from docx import Document
from docx.shared import Cm
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.platypus import BaseDocTemplate, Frame, KeepTogether, ListFlowable, ListItem, PageTemplate, Paragraph, Spacer, Table, TableStyle

HERE = Path(__file__).resolve().parent
rl_config.invariant = 1


class Book(BaseDocTemplate):
    """A PDF that remembers on which pages each block stands."""

    def __init__(self, path, title):
        super().__init__(str(path), pagesize=A4, leftMargin=2.6 * cm, rightMargin=2.6 * cm, topMargin=2.4 * cm, bottomMargin=2.4 * cm, title=title, author="FineTuneFlow sample")
        frame = Frame(self.leftMargin, self.bottomMargin, self.width, self.height)
        self.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda c, d: (c.setFont("Helvetica", 9), c.drawCentredString(A4[0] / 2, 1.3 * cm, str(d.page)))))
        self.pages = []

    def afterFlowable(self, flowable):
        text = getattr(flowable, "source_text", None)
        if text is None and isinstance(flowable, Paragraph):
            text = _plain(flowable)
        if text:
            self.pages.append((self.page, text))


def _plain(par):
    """The text of a paragraph, also of the halves of one that a page break cuts."""
    lines = getattr(getattr(par, "blPara", None), "lines", None) or []
    words = []
    for line in lines:
        words += line[1] if isinstance(line, tuple) else [w.text for w in line.words]
    return " ".join(" ".join(words).split())


def write_pdf(path, mod):
    """Writes the PDF; returns [(page, text)] of its blocks."""
    styles = getSampleStyleSheet()
    body = ParagraphStyle("body2", parent=styles["BodyText"], fontName="Times-Roman", fontSize=13, leading=20.5, spaceAfter=12)
    head = ParagraphStyle("head2", parent=styles["Heading1"], fontSize=17, leading=21, spaceBefore=16, spaceAfter=8, keepWithNext=True)
    flow = [Paragraph(escape(mod.TITLE), styles["Title"]), Paragraph(escape(mod.SUBTITLE), styles["Heading2"]), Spacer(1, 0.6 * cm)]
    for block in mod.BLOCKS:
        if block[0] == "h":
            flow.append(Paragraph(escape(block[1]), head))
        elif block[0] == "p":
            flow.append(Paragraph(escape(block[1]), body))
        elif block[0] == "ul":
            lf = ListFlowable([ListItem(Paragraph(escape(t), body), leftIndent=18) for t in block[1]], bulletType="bullet", start="•")
            kt = KeepTogether([lf, _Mark(" ".join(block[1]))])
            flow.append(kt)
        else:
            rows = [[Paragraph(escape(c), body) for c in r] for r in [block[1]] + block[2]]
            t = Table(rows, colWidths=[4.6 * cm, 4.6 * cm, 6.4 * cm], repeatRows=1)
            t.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.6, colors.grey), ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))
            flow += [KeepTogether([t, _Mark(" ".join(" ".join(r) for r in block[2]))]), Spacer(1, 0.4 * cm)]
    book = Book(path, f"{mod.TITLE}: {mod.SUBTITLE}")
    book.build(flow)
    return book.pages, book.page


class _Mark(Spacer):
    """Takes no room; tells the page of the list or table before it."""

    def __init__(self, text):
        super().__init__(1, 0.1)
        self.source_text = text


def write_docx(path, mod):
    doc = Document()
    stamp = datetime.datetime(2026, 1, 1)
    doc.core_properties.author, doc.core_properties.created, doc.core_properties.modified = "FineTuneFlow sample", stamp, stamp
    doc.core_properties.title = f"{mod.TITLE}: {mod.SUBTITLE}"
    for s in doc.sections:
        s.left_margin = s.right_margin = Cm(2.6)
    doc.add_heading(mod.TITLE, 0)
    doc.add_paragraph(mod.SUBTITLE, style="Subtitle")
    for block in mod.BLOCKS:
        if block[0] == "h":
            doc.add_heading(block[1], 1)
        elif block[0] == "p":
            doc.add_paragraph(block[1])
        elif block[0] == "ul":
            for t in block[1]:
                doc.add_paragraph(t, style="List Bullet")
        else:
            table = doc.add_table(rows=1, cols=len(block[1]))
            table.style = "Table Grid"
            for cell, text in zip(table.rows[0].cells, block[1]):
                cell.text = text
            for r in block[2]:
                for cell, text in zip(table.add_row().cells, r):
                    cell.text = text
    raw = io.BytesIO()
    doc.save(raw)
    with zipfile.ZipFile(raw) as src, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as dst:
        for item in src.infolist():  # the same time in every entry, so that the bytes stay the same
            info = zipfile.ZipInfo(item.filename, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            dst.writestr(info, src.read(item.filename))


def page_of(pages, where):
    """The page on which ``where`` stands (or begins, when a page break cuts it)."""
    for i, (page, text) in enumerate(pages):
        if where in text:
            return page
        if i + 1 < len(pages) and where in f"{text} {pages[i + 1][1]}" and where not in pages[i + 1][1]:
            return page
    return None


def main():
    for source in sorted(HERE.glob("handbook_*.py")):
        mod = importlib.import_module(source.stem)
        out = HERE / mod.FOLDER
        out.mkdir(exist_ok=True)
        pages, last = write_pdf(out / "handbook.pdf", mod)
        write_docx(out / "handbook.docx", mod)
        with open(out / "questions.jsonl", "w", encoding="utf-8") as f:
            for q, facts, where in mod.QUESTIONS:
                page = page_of(pages, where)
                if page is None:
                    raise SystemExit(f"{source.name}: no block holds {where!r}")
                if any(x.lower() in q.lower() for x in facts):
                    raise SystemExit(f"{source.name}: the question gives the answer away: {q}")
                f.write(json.dumps({"question": q, "facts": facts, "page": page}, ensure_ascii=False) + "\n")
        print(f"{mod.FOLDER}: {last} pages, {len(mod.QUESTIONS)} questions")


if __name__ == "__main__":
    main()
