"""Prose rows: stories, descriptions, procedures, sections, dialogues."""
import re

import entities
import words_en as W
import words_fr as F
from render import cap, compile_text, finish, render


def article(s):
    return ("an " if s[:1].lower() in "aeiou" and not s.startswith(("uni", "use", "one")) else "a ") + s


def plural(s):
    head, sep, tail = s.partition(" of ")
    if sep:
        return plural(head) + sep + tail
    first, _, last = s.rpartition(" ")
    first = first + " " if first else ""
    if last in W.IRREGULAR_PLURALS:
        return first + W.IRREGULAR_PLURALS[last]
    if last.endswith(("s", "x", "ch", "sh", "z")):
        return first + last + "es"
    if last.endswith("y") and last[-2] not in "aeiou":
        return first + last[:-1] + "ies"
    return first + last + "s"


def third(v):
    first, _, rest = v.partition(" ")
    if first.endswith(("s", "x", "ch", "sh", "z", "o")):
        first += "es"
    elif first.endswith("y") and first[-2] not in "aeiou":
        first = first[:-1] + "ies"
    else:
        first += "s"
    return first + (" " + rest if rest else "")


def _verb(pair):
    w = pair.split()
    h = len(w) // 2
    return " ".join(w[:h]), " ".join(w[h:])


DOMAINS = []
for _r, _p, _t, _v, _a in W.DOMAINS.values():
    DOMAINS.append((_r.split(","), _p.split(","), _t.split(","), [_verb(x) for x in _v.split(",")], _a.split(",")))
FR_DOMAINS = []
for _d in F.DOMAINS.values():
    FR_DOMAINS.append((_d[0].split(","), _d[1].split(","), [x.rsplit(" ", 1) for x in _d[2].split(",")], [x.split(" ") for x in _d[3].split(",")]))


def _compile(text):
    return [compile_text(x.strip()) for x in text.strip().splitlines()]


STORY = _compile("""
{A} {past} the {adj} {thing} (in|near|behind) the {place}.
{A} was {adverb1} looking for the {thing} in the {place}.
The {thing} was {adj} and {adj}, so {heA} {past} it {adverb}.
In the {place}, {B} {past} (a|the) {adj} {thing}.
"(Where is|Who has|Have you seen) the {thing}?" asked {A}.
"I {past} the {thing} {adverb}," said {B}.
"We (must|should|will|can) {base} the {thing} (today|tomorrow|first|before lunch|together)," (said|answered|explained) {A}.
{A} felt {feeling}, but {B} was {feeling}.
It was a {weather} (morning|afternoon|evening|day), and the {place} was (empty|full of people|quiet|closed).
After (lunch|work|the meeting|a short break|an hour), {A} {past} the {thing}.
{B} {adverb} {past} the {adj} {thing} and put it (on the table|next to the {thing}|in a box|on the shelf|under the {thing}).
Nobody knew why the {thing} was in the {place}.
{A} and {B} {past} the {things} together.
The {role} {past} {num} {things} (that day|in one hour|before noon|every week).
Then {heA} went to the {place} and {past} the {thing}.
Because the {thing} was {adj}, {B} could not {base} it.
{A} had (never|often|once|already) seen such {a_adj} {thing}.
"Thank you," said {A}. "Without you I could not {base} the {thing}."
The next (day|morning|week), the {thing} was (gone|back|clean|ready|broken).
{B} gave {A} the {thing} and {a_thing}.
At {clock}, the {role} came into the {place} and {past} everything.
First {heA} {past} the {thing}, then {heA} {past} the {thing}, and (finally|at last) {heA} went home.
In the end, {A} was {feeling} and {B} smiled.
That was the end of {gen} and the beginning of {gen}.
{A} thought about the {gen} and the {gen} for a long time.
"It is a question of {gen}," said the {role}.
There was a {adj} {thing} next to the {colour} {thing}.
{heA_cap} did not (want|need|dare|forget) to {base} the {thing}.
The {place} smelled of {ingr} and {ingr}.
{B} told (a story|a joke|the truth|a secret) about the {gen} of the {role}.
Without a {gen} there is no {gen}, thought {B}.
""")
DESC = _compile("""
The {role} {thirds} the {thing} in the {place}.
{a_role_cap} (usually|often|always|sometimes) {thirds} {things} and {things}.
In the {place} there (is a|stands a|is one) {adj} {thing} and a {colour} {thing}.
The {things} in the {place} are {adj}, but the {things} are {adj}.
{things_cap} are made of {material} or {material}.
A good {role} never {thirds} {a_adj} {thing} without help.
You can {base} {a_thing} (in|near) the {place}.
Every {thing} needs a place, and every {role} needs a {gen}.
When it is {weather}, the {role} {thirds} the {thing} {adverb}.
Please {base} the {thing} before you {base} the {thing}.
(Do not|Never|Please do not) {base} the {adj} {thing}.
{a_adj_cap} {thing} is not the same as {a_adj} {thing}.
If the {thing} is {adj}, (call|ask|tell|look for) the {role}.
The {things} are {past} by the {role} (every morning|every week|twice a year|in the evening).
Some {plroles} {base} the {things}, others only {base} the {things}.
There are {num} {things} in the {place} and {num2} in the {place}.
The {role} is {feeling} when the {thing} is {adj}.
It takes {num} minutes to {base} the {thing}.
The best {gen} for a {role} is the {gen}.
The {place} is on the {side} side, next to the {place}.
""")
FR_STORY = _compile("""
{A} {vp} {thing} {place}.
{role} {vp} {thing} et {vp} {thing}.
{A} a {pp} {thing} {place}.
{A} est {feelA}, mais {B} est {feelB}.
Il fait (beau|froid|chaud|gris|doux) et {role} est {place}.
« (Où est|Qui a|Avez-vous vu) {thing} ? » demande {A}.
« J'ai {pp} {thing} », (dit|répond|explique) {B}.
{role} {vp} {adverb} {thing}.
Ensuite, {A} va {place} et {vp} {thing}.
(Le matin|Le soir|À midi|Après la pause|Le lendemain), {role} {vp} {thing}.
{thing} est {adjT} et {adjT2}.
{A} et {B} sont {place} avec {role}.
Il y a {num} personnes {place}.
« Merci beaucoup », dit {A}. « Sans vous, je n'aurais pas {pp} {thing}. »
À la fin, tout le monde est content.
Chaque {day}, {role} {vp} {thing} {place}.
Il ne faut pas oublier {thing} {place}.
{role} n'a pas encore {pp} {thing}.
Dans ce village, {role} {vp} {adverb} {thing} et {role} {vp} {thing}.
""")
_SLOT = re.compile(r"\{(\w+)\}")


def english(rng, templates, dom, names):
    """One English sentence from a list of templates."""
    roles, places, things, verbs, adjs = dom
    c = rng.choice

    def slot(m):
        k = m.group(1)
        if k == "thing":
            return c(things)
        if k == "things":
            return plural(c(things))
        if k == "base":
            return c(verbs)[0]
        if k == "past":
            return c(verbs)[1]
        if k == "thirds":
            return third(c(verbs)[0])
        if k == "adj":
            return c(adjs) if rng.random() < .8 else c(c(DOMAINS)[4])
        if k == "place":
            return c(places)
        if k == "role":
            return c(roles)
        if k == "plroles":
            return plural(c(roles))
        if k in names:
            return names[k]
        if k == "a_thing":
            return article(c(things))
        if k == "a_adj":
            return article(c(adjs))
        if k == "a_role":
            return article(c(roles))
        if k == "gen":
            return c(W.GENERAL)
        if k in ("adverb", "adverb1"):
            return c(W.ADVERBS)
        if k == "feeling":
            return c(W.FEELINGS)
        if k == "weather":
            return c(W.WEATHER)
        if k == "colour":
            return c(W.COLOURS)
        if k == "material":
            return c(W.MATERIALS)
        if k == "ingr":
            return c(W.INGREDIENTS)
        if k == "num":
            return c(entities.NUMS[1:])
        if k == "num2":
            return str(rng.randrange(2, 200))
        if k == "clock":
            return entities.VALUES["time"](rng, "en")
        if k == "side":
            return c(("left", "right", "north", "south", "east", "west", "other", "sunny"))
        if k.endswith("_cap"):
            base = k[:-4]
            return cap(slot(_SLOT.match("{" + base + "}")))
        raise KeyError(k)
    return cap(_SLOT.sub(slot, render(rng, c(templates))))


def french(rng, dom, names):
    roles, places, things, verbs = dom
    c = rng.choice
    t = c(things)
    masc = t[1] == "m"

    def slot(m):
        k = m.group(1)
        if k == "thing":
            return t[0] if "{adjT}" in m.string else c(things)[0]
        if k == "vp":
            return c(verbs)[0]
        if k == "pp":
            return c(verbs)[1]
        if k == "adjT" or k == "adjT2":
            return c(F.ADJ_M if masc else F.ADJ_F)
        if k in names:
            return names[k]
        if k == "place":
            return c(places)
        if k == "role":
            return c(roles)
        if k == "adverb":
            return c(F.ADVERBS)
        if k == "day":
            return c(F.DAYS)
        return str(rng.randrange(2, 90))
    return finish(_SLOT.sub(slot, render(rng, c(FR_STORY))), "fr")


def story(rng, lang):
    n = rng.randrange(3, 14)
    if lang == "fr":
        i, j = rng.sample(range(len(F.FIRST)), 2)
        names = {"A": F.FIRST[i], "B": F.FIRST[j], "feelA": rng.choice(("calme", "timide", "triste", "malade", "drôle", "sympathique", "optimiste")), "feelB": rng.choice(("calme", "triste", "pessimiste", "timide", "sévère"))}
        dom = rng.choice(FR_DOMAINS)
        return _paragraphs(rng, [french(rng, dom, names) for _ in range(n)])
    a, b = rng.sample(W.FIRST, 2)
    he = rng.choice(("he", "she"))
    dom = rng.choice(DOMAINS)
    names = {"A": a, "B": b, "heA": he}
    if rng.random() < .6:
        first = [f"{a} was {article(rng.choice(dom[0]))} and worked in the {rng.choice(dom[1])} of {entities.town(rng, lang)}."]
    else:
        first = []
    temp = STORY if rng.random() < .6 else DESC
    return _paragraphs(rng, first + [english(rng, temp, dom, names) for _ in range(n)])


def _paragraphs(rng, sents):
    if len(sents) < 6 or rng.random() < .5:
        return " ".join(sents)
    k = rng.randrange(2, len(sents) - 2)
    return " ".join(sents[:k]) + "\n\n" + " ".join(sents[k:])


def procedure(rng, lang):
    dom = rng.choice(DOMAINS)
    if lang == "fr":
        steps = rng.sample(F.STEPS, rng.randrange(3, 7))
        title = finish(entities.entity(rng, "process", "fr")[0], "fr")
        return f"# {title}\n\n" + "\n".join(f"{i}. {cap(s)}." for i, s in enumerate(steps, 1)) + f"\n\nAprès cela, il faut {rng.choice(F.STEPS)}."
    title = entities.entity(rng, "process", "en")[0]
    steps = rng.sample(W.STEPS, rng.randrange(2, 5)) + [f"{rng.choice(dom[3])[0]} the {rng.choice(dom[2])}" for _ in range(rng.randrange(1, 4))]
    rng.shuffle(steps)
    r = rng.random()
    if r < .4:
        return f"# {cap(title)}\n\n" + "\n".join(f"{i}. {cap(s)}." for i, s in enumerate(steps, 1))
    if r < .7:
        words = ["First", "Then", "After that", "Next", "Now", "In the end", "Finally"]
        return f"This is how to do {title}. " + " ".join(f"{words[min(i, 6)]}, {s}." for i, s in enumerate(steps))
    return f"## How to handle {title}\n" + "\n".join(f"- {cap(s)}" for s in steps)


def dialogue(rng, lang):
    n = rng.randrange(2, 7)
    if lang == "fr":
        a, b = rng.sample(F.FIRST, 2)
        dom = rng.choice(FR_DOMAINS)
        return "\n".join(f"{(a, b)[i % 2]} : {french(rng, dom, {'A': a, 'B': b, 'feelA': 'calme', 'feelB': 'triste'})}" for i in range(n))
    a, b = rng.sample(W.FIRST, 2)
    dom = rng.choice(DOMAINS)
    return "\n".join(f"{(a, b)[i % 2]}: {english(rng, DESC if rng.random() < .6 else STORY, dom, {'A': a, 'B': b, 'heA': 'he'})}" for i in range(n))


SECTIONS = {"en": "Opening hours;Prices;Rules of the house;Staff;Safety;Rooms;Equipment;First days;Holidays;Contacts;Tools and machines;Visitors;Parking;Events;Cleaning;Maintenance;Food and drink;Lost property;Courses;Loans;Storage;Deadlines;"
            "Clothing;Emergencies;Payment;Booking;History;Animals and plants;Working hours;Data and computers;Deliveries;General notes".split(";"),
            "fr": "Horaires;Tarifs;Règlement;Personnel;Sécurité;Salles;Matériel;Premiers jours;Congés;Contacts;Visiteurs;Événements;Nettoyage;Entretien;Cours;Prêts;Documents;Divers".split(";")}


def section(rng, lang, facts):
    """Handbook-like text from facts: headings, paragraphs, lists."""
    out, i, num = [], 0, rng.randrange(1, 9)
    numbered = rng.random() < .5
    while i < len(facts):
        k = rng.randrange(2, 6)
        part = facts[i:i + k]
        i += k
        if rng.random() < .75:
            head = rng.choice(SECTIONS[lang])
            out.append(("#" * rng.randrange(1, 4) + " " if rng.random() < .5 else "") + (f"{num}. " if numbered else "") + head)
            num += 1
        sents = [f.sentence if rng.random() < .7 else f.statement(rng) for f in part]
        if rng.random() < .2:
            out.append("\n".join("- " + s for s in sents))
        else:
            if rng.random() < .3:
                sents.insert(rng.randrange(len(sents) + 1), filler(rng, lang))
            out.append(" ".join(sents))
    return ("\n\n" if rng.random() < .7 else "\n").join(out)


def filler(rng, lang):
    if lang == "fr":
        return french(rng, rng.choice(FR_DOMAINS), {"A": rng.choice(F.FIRST), "B": rng.choice(F.FIRST), "feelA": "calme", "feelB": "triste"})
    return english(rng, DESC, rng.choice(DOMAINS), {})
