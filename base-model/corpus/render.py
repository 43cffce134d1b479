"""The small grammar of the corpus: ``(a|b)`` picks one, ``{x}`` is a slot."""
import re
from pathlib import Path

import words_en


def compile_text(text):
    """Parses a template into a list of strings and lists of alternatives."""
    def parse(pos, depth):
        alts, parts, buf = [], [], ""
        while pos < len(text):
            c = text[pos]
            if c == "(":
                if buf:
                    parts.append(buf)
                    buf = ""
                sub, pos = parse(pos + 1, depth + 1)
                parts.append(sub)
            elif c == ")" and depth:
                parts.append(buf)
                alts.append(parts)
                return alts, pos + 1
            elif c == "|" and depth:
                parts.append(buf)
                alts.append(parts)
                parts, buf = [], ""
                pos += 1
            else:
                buf += c
                pos += 1
        parts.append(buf)
        return parts, pos
    return parse(0, 0)[0]


def render(rng, parts):
    """Draws one text from a compiled template."""
    return "".join([p if p.__class__ is str else render(rng, p[int(rng.random() * len(p))]) for p in parts])


def variants(parts):
    """How many texts a compiled template can give."""
    n = 1
    for p in parts:
        if not isinstance(p, str):
            n *= sum(variants(a) for a in p)
    return n


class Relation:
    """One relation: its statements and questions, the kinds it fits, its header."""

    def __init__(self, head, lang):
        name, kinds, value, header = (x.strip() for x in head.split("|"))
        self.name, self.kinds, self.value, self.header, self.lang = name, kinds.split(","), value, header, lang
        self.statements, self.questions = [], []


def load(lang):
    """Reads all relations of a language; checks that each has wordings enough."""
    out = []
    text = (Path(__file__).resolve().parent / f"relations_{lang}.txt").read_text(encoding="utf-8")
    for line in text.strip().splitlines():
        if line.startswith("; "):
            continue
        if line.startswith("# "):
            out.append(Relation(line[2:], lang))
        elif line[:2] in ("S ", "Q "):
            t = line[2:]
            (out[-1].statements if line[0] == "S" else out[-1].questions).append(compile_text(t))
        else:
            raise ValueError("unreadable relation line: " + line)
    for r in out:
        have = (sum(map(variants, r.statements)), sum(map(variants, r.questions)))
        if have[0] < 3 or have[1] < 4:
            raise ValueError(f"relation {r.name} has too few wordings: {have}")
    return out


_FR = [(re.compile(r"\b([Dd])e le "), r"\1u "), (re.compile(r"\b([Dd])e les "), r"\1es "), (re.compile(r"\bà le "), "au "), (re.compile(r"\bà les "), "aux "),
       (re.compile(r"\bÀ le "), "Au "), (re.compile(r"\b([Dd])e ([AEIOUÉaeiouéh][a-zé])"), r"\1'\2"), (re.compile(r"\bà à "), "à "), (re.compile(r"\b([Qq])ue ([aeiouéAEIOUÉ])"), r"\1u'\2")]


def cap(s):
    """First letter upper case (after an opening quotation mark too)."""
    if s[:1] == "“":
        return s[0] + s[1:2].upper() + s[2:]
    return s[:1].upper() + s[1:]


def finish(s, lang):
    """French contractions, capital letter, no doubled full stop."""
    if lang == "fr":
        for pat, rep in _FR:
            s = pat.sub(rep, s)
    if s.endswith(".."):
        s = s[:-1]
    return cap(s)


_SYN = {}
for _g in words_en.SYNONYMS:
    for _w in _g:
        _SYN.setdefault(_w, [x for x in _g if x != _w])
# The article after words were replaced; "h" and "u" may sound either way and stay.
_A, _AN = re.compile(r"\ba (?=[aeio])(?!one\b|one-|once|eu)"), re.compile(r"\ban (?=[b-df-gj-np-tv-z])")
_SYN_RE = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _SYN), key=len, reverse=True)) + r")\b(?!')")


def synonyms(rng, s, p):
    """Replaces words by words of the same meaning, each with probability ``p``."""
    out = _SYN_RE.sub(lambda m: rng.choice(_SYN[m.group(1)]) if rng.random() < p else m.group(1), s)
    return _AN.sub("a ", _A.sub("an ", out)) if out != s else s


class Fact:
    """A relation with its entity and value, and the one sentence that states it."""
    __slots__ = ("rel", "e", "alias", "v", "sentence", "cloze")

    def __init__(self, rng, rel, e, alias, v):
        self.rel, self.e, self.alias, self.v = rel, e, alias, v
        t = render(rng, rng.choice(rel.statements))
        self.cloze = finish(t.replace("{e}", e).replace("{v}", "___"), rel.lang)
        self.sentence = finish(t.replace("{e}", e).replace("{v}", v), rel.lang)

    def statement(self, rng):
        """The fact in another wording (or, by chance, the same)."""
        return finish(render(rng, rng.choice(self.rel.statements)).replace("{e}", self.e).replace("{v}", self.v), self.rel.lang)

    def key(self):
        """What must not come twice in one text, nor in the pool."""
        return self.rel.name, self.e

    def plain_question(self, rng, syn=.35):
        e = rng.choice(self.alias) if self.alias and rng.random() < .4 else self.e
        q = render(rng, rng.choice(self.rel.questions)).replace("{e}", e)
        if self.rel.lang == "en" and rng.random() < .6:
            q = synonyms(rng, q, syn)
        return finish(q, self.rel.lang)

    def question(self, rng, syn=.35):
        """A question in one of many wordings, sometimes as keywords or a gap."""
        en = self.rel.lang == "en"
        r = rng.random()
        if r < .06:
            k = self.e[4:] if self.e.startswith("the ") else self.e
            return rng.choice((f"{k} {self.rel.header}", f"{self.rel.header} {k}", f"{self.rel.header}: {k}?", f"{cap(k)}: {self.rel.header}?"))
        if r < .11:
            return f"{rng.choice(COMPLETE[self.rel.lang])} {self.cloze}"
        if r < .18:
            return finish(rng.choice(ABOUT[self.rel.lang]).replace("{h}", self.rel.header).replace("{e}", self.e), self.rel.lang)
        q = self.plain_question(rng, syn)
        if r < .40:
            w = rng.choice(WRAP[self.rel.lang])
            inner = q if w.startswith("^") or q[:2] in ("I ", "Mr", "Ms", "Dr") else q[0].lower() + q[1:]
            q = w.lstrip("^").replace("{q}", inner).replace("{n}", q.rstrip("?. "))
        elif r < .46:
            q = q.rstrip("?. ")
            q = q.lower() if rng.random() < .6 else q
        return q


COMPLETE = {"en": ("Complete the sentence:", "Fill the gap:", "Which word is missing?", "What belongs in the gap?", "Finish this sentence:"),
            "fr": ("Complète la phrase :", "Remplis le trou :", "Quel mot manque ?", "Finis cette phrase :")}
ABOUT = {"en": ("What does the handbook say about the {h} of {e}?", "What is written about {e} and the {h}?", "Please give me the {h} of {e}.", "Tell me the {h} for {e}.", "{h} for {e}, please.", "I need the {h} of {e}.",
                "What do you know about the {h} of {e}?", "What about the {h} of {e}?", "Which sentence speaks about {e} and the {h}?", "{e}: what is the {h}?", "What does the document state on the {h} of {e}?", "Which {h} does {e} have?", "What {h} is listed for {e}?", "{e}: which {h}?", "I need information about {e} and the {h}.", "Could you tell me the {h} for {e}?", "I have a question about {e}: the {h}?", "What does the table give as {h} for {e}?", "What is the {h} for {e}?"),
         "fr": ("Que dit le manuel sur {e} ({h}) ?", "Donne-moi l'information : {h}, {e}.", "{e} : {h} ?", "Je cherche ceci : {h} de {e}.", "Que sait-on sur {e} et le point « {h} » ?")}
WRAP = {"en": ("Please tell me: {q}", "Excuse me, {q}", "^Hello! {q}", "^Hello. {q}", "^Hi! {q}", "I would like to know: {q}", "Quick question: {q}", "Can you tell me this: {q}", "^A visitor asks: {q}", "Sorry, {q}", "I wonder: {q}",
               "^{q} Thank you!", "^{q} Please help.", "^{q} I am new here.", "^A colleague wants to know: {q}", "^My question: {q}", "Good morning, {q}", "One more thing: {q}", "And {q}", "So, {q}", "Do you know: {q}", "^Question: {q}",
               "^I forgot it. {q}", "^{q} I could not find it.", "^According to the handbook: {q}", "By the way, {q}", "^Help me, please. {q}", "^{q} Answer in one sentence.")
        , "fr": ("Dites-moi : {q}", "Bonjour, {q}", "^Bonjour ! {q}", "Excusez-moi, {q}", "^{q} Merci !", "Je voudrais savoir : {q}", "^Une question : {q}", "S'il vous plaît, {q}", "^Un visiteur demande : {q}", "Et {q}", "^{q} Je suis nouveau ici.", "^Selon le manuel : {q}")}


class World:
    """All relations, and facts drawn from them at random."""

    def __init__(self):
        self.rels = {l: load(l) for l in ("en", "fr")}
        self.by_kind = {"en": {}, "fr": {}}
        for l, rels in self.rels.items():
            for r in rels:
                for k in r.kinds:
                    self.by_kind[l].setdefault(k, []).append(r)

    def fact(self, rng, lang, rel=None, kind=None, e=None):
        import entities
        if rel is None:
            rel = rng.choice(self.by_kind[lang][kind]) if kind else rng.choice(self.rels[lang])
        if e is None:
            e = entities.entity(rng, kind or rng.choice([k for k in rel.kinds if lang == "en" or k == "person" or k in entities.FR]), lang)
        return Fact(rng, rel, e[0], e[1], entities.VALUES[rel.value](rng, lang))

    def facts(self, rng, lang, n):
        """``n`` facts about a few things; every (relation, thing) is there once."""
        import entities
        from openfacts import OpenFact
        out, seen = [], set()
        kinds = [k for k in self.by_kind[lang] if lang == "en" or k in entities.FR or k == "person"]
        while len(out) < n:
            r = rng.random()
            if lang == "en" and rng.random() < .3:
                new = [OpenFact(rng)]
            elif r < .35 or not [f for f in out if f.rel.kinds]:
                kind = rng.choice(kinds)
                e = entities.entity(rng, kind, lang)
                rels = self.by_kind[lang][kind]
                new = [self.fact(rng, lang, rel, kind, e) for rel in rng.sample(rels, min(len(rels), rng.randrange(1, 5)))]
            elif r < .7:
                rel = rng.choice([f for f in out if f.rel.kinds]).rel
                new = [self.fact(rng, lang, rel) for _ in range(rng.randrange(1, 3))]
            else:
                new = [self.fact(rng, lang)]
            for f in new:
                key = f.key()
                if key not in seen and len(out) < n:
                    seen.add(key)
                    out.append(f)
        rng.shuffle(out)
        return out
